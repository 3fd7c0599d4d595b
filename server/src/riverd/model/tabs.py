"""What the broker keeps of pages whose clients keep no positions: a cursor a channel.

A page names itself with every connection. Each connection has cursors of its own, its row: a new
connection inherits the lowest of all rows of the page, which it replaces.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

import msgspec

from riverd.model.log import NOWHERE, Position

NEW_S_MAX = 60.0
AHEAD_S_MAX = 10.0
"""A page's clock may be wrong by so much."""
SESSIONS_MAX = 8
"""How many earlier connections of a page are known by their sessions."""


class PageIdentity(msgspec.Struct, frozen=True, gc=False):
    """How a page names itself, in its app, and when it says that it began (unix seconds)."""

    key: str
    began_at: float

    def is_new(self, now: float) -> bool:
        """Whether nothing can have been sent to it before, if nothing is known of it."""
        return -AHEAD_S_MAX <= now - self.began_at <= NEW_S_MAX


class TabTraits(msgspec.Struct, frozen=True, gc=False):
    """What a row says of its page beside the cursors.

    `is_lost`: there may have been cursors that nobody knows any more. `is_shared`: two pages have
    had the same identity at once. `sessions` are those of its earlier connections, oldest first.
    """

    is_lost: bool = False
    is_shared: bool = False
    sessions: tuple[str, ...] = ()

    def joined(self, other: "TabTraits") -> "TabTraits":
        """What holds for a connection that replaces both."""
        sessions = tuple(dict.fromkeys((*self.sessions, *other.sessions)))
        return TabTraits(
            self.is_lost or other.is_lost,
            self.is_shared or other.is_shared,
            sessions[-SESSIONS_MAX:],
        )


class Written(Enum):
    """What became of a write."""

    TAKEN = "the row has it"
    REPLACED = "another connection's row has replaced this one"
    UNKNOWN = "nothing is known of the page: the broker has lost it, or it was too long ago"
    ROBBED = "another page with the same identity may have moved what this one began with"


class TabRow(msgspec.Struct, frozen=True):
    """What a connection has been given, or inherits."""

    cursors: Mapping[str, Position]
    traits: TabTraits


class TabWrite(msgspec.Struct, frozen=True):
    """Changes of one connection's row: None removes a cursor.

    `number` rises with each write of a connection: an older one that comes late does nothing.
    Where there is no row only a write that `begins` makes one.
    """

    key: str
    session: str
    number: int
    begins: bool
    traits: TabTraits
    cursors: Mapping[str, Position | None]


def lowest(cursors: Iterable[Mapping[str, Position]]) -> dict[str, Position]:
    """Of each channel the lowest cursor; those of two epochs have no order, so none is known."""
    found: dict[str, Position] = {}
    for some in cursors:
        for channel, position in some.items():
            known = found.setdefault(channel, position)
            if known.epoch != position.epoch:
                found[channel] = NOWHERE
            elif position.offset < known.offset:
                found[channel] = position
    return found
