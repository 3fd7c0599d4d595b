"""What River tells, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

Json = Union[  # noqa: UP007  it speaks of itself, so its parts are names in quotes
    None, bool, int, float, str, Sequence["Json"], Mapping[str, "Json"]
]
"""Anything that JSON can say."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a channel's log. Offsets rise by one; a new epoch is a log begun again."""

    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class Event:
    """One publication. `user` is the client that published it, if it was one."""

    channel: str
    event: str
    data: Json
    position: Position
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """What came before `position` cannot be had any more: reload your state."""

    channel: str
    position: Position


@dataclass(frozen=True, slots=True)
class Member:
    """A user in a presence channel."""

    user: str
    info: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """A user came into a presence channel."""

    channel: str
    member: Member


@dataclass(frozen=True, slots=True)
class Left:
    """A user is gone from a presence channel."""

    channel: str
    user: str


@dataclass(frozen=True, slots=True)
class Presence:
    """The members of a channel; `count` may be more than the members that are listed."""

    channel: str
    count: int
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """A part of a channel's log, oldest first, and where the log stands."""

    channel: str
    position: Position
    events: tuple[Event, ...] = field(default=())
