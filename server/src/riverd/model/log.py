"""What the log of a channel holds, its list of members too, and how far it goes."""

import msgspec

from riverd.channels.names import CLIENT_EVENT


class Position(msgspec.Struct, frozen=True, gc=False):
    """How far a channel's log goes, or a reader of it. A new epoch is a log that began again."""

    epoch: str
    offset: int

    def why_lost(self, newest: "Position", *, oldest: int) -> str | None:
        """Why a log has not all that came after this position; None if it has.

        The log holds everything after the offset `oldest`, up to `newest`. The reasons are the
        contract's: `epoch` (the log began again), `unknown` (no such offset was given yet) and
        `window` (too long ago).
        """
        if self.epoch != newest.epoch:
            return "epoch"
        if self.offset > newest.offset:
            return "unknown"
        if self.offset < oldest:
            return "window"
        return None


NOWHERE = Position("", 0)
"""A position that no log has."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """What a publisher wants published. `data` is JSON text, as it was received.

    `key` makes it idempotent: a message with a key that the channel has seen is not published
    again. `user` is the client that published it over its WebSocket. Without `keep` it is an
    `Ephemeral`. `exclude` is the session that does not get it.
    """

    channel: str
    event: str
    data: bytes
    key: str | None = None
    user: str | None = None
    keep: bool = True
    exclude: str | None = None

    @property
    def size(self) -> int:
        """What its publication counts for in a window that is bounded in bytes."""
        return len(self.data) + len(self.event)


class After(msgspec.Struct, frozen=True, gc=False):
    """The position that an ephemeral event follows: it has none of its own."""

    epoch: str
    after: int


class FirstAfter(After, frozen=True, gc=False):
    """The same where the broker had nothing of the channel before."""


Receipt = Position | After
"""What an accepted message is answered with."""


class Publication(msgspec.Struct, frozen=True, gc=False):
    """One entry of a channel's log. `exclude` is the session that is not sent it."""

    offset: int
    event: str
    data: bytes
    user: str | None = None
    exclude: str | None = None

    def byte_count(self) -> int:
        """What it counts for in a window that is bounded in bytes."""
        return len(self.data) + len(self.event)

    @property
    def is_of_back_end(self) -> bool:
        """Whether no client made it; those of Pusher's protocol show by the event's name."""
        return self.user is None and not self.event.startswith(CLIENT_EVENT)


class Ephemeral(msgspec.Struct, frozen=True, gc=False):
    """An event that no log keeps: for those who are at the offset `after`, or beyond it."""

    after: int
    event: str
    data: bytes
    user: str | None = None
    exclude: str | None = None


class Member(msgspec.Struct, frozen=True, gc=False):
    """A user present in a channel; `info` is JSON text from the token, or nothing."""

    user: str
    info: bytes | None = None


class Change(msgspec.Struct, frozen=True, gc=False):
    """One join or leave; `offset` counts the versions of the channel's list of members."""

    offset: int
    joined: bool
    member: Member

    def byte_count(self) -> int:
        """Nothing: changes are bounded by their number."""
        return 0


class Tail(msgspec.Struct, frozen=True):
    """The end of a log as the broker has it: its position and its last publications."""

    position: Position
    publications: tuple[Publication, ...] = ()


class Roster(msgspec.Struct, frozen=True):
    """Members of a channel at one version of the list, and how many it has."""

    position: Position
    members: dict[str, Member]
    count: int


class Occupancy(msgspec.Struct, frozen=True):
    """How many connections are subscribed to a channel, and how many users are its members."""

    subscribers: int
    users: int | None = None
