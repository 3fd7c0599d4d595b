"""What River sends, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

Json = Union[  # noqa: UP007  it refers to itself, so its parts are names in quotes
    None, bool, int, float, str, Sequence["Json"], Mapping[str, "Json"]
]
"""Any value that JSON has."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a channel's log. Offsets rise by one; a new epoch is a new log."""

    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class Event:
    """One publication. `user` is the client that published it, if it was one.

    `position` is its own, or, if it was published with `keep=False`, the one that it follows:
    `is_kept` is False then, and no history has it.
    """

    channel: str
    event: str
    data: Json
    position: Position
    user: str | None = None
    is_kept: bool = True


@dataclass(frozen=True, slots=True)
class Gap:
    """What came before `position` was missed and is gone: reload your state."""

    channel: str
    position: Position


@dataclass(frozen=True, slots=True)
class Member:
    """A user in a presence channel."""

    user: str
    info: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """A user joined a presence channel."""

    channel: str
    member: Member


@dataclass(frozen=True, slots=True)
class Left:
    """A user left a presence channel."""

    channel: str
    user: str


@dataclass(frozen=True, slots=True)
class Presence:
    """The members of a channel; `count` may be more than the members that are listed."""

    channel: str
    count: int
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelState:
    """The position of a channel's log, and how many connections subscribe.

    `users` is how many users those are, on presence channels.
    """

    channel: str
    position: Position
    subscribers: int
    users: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """A part of a channel's log, oldest first, and the position of the log's end."""

    channel: str
    position: Position
    events: tuple[Event, ...] = field(default=())
