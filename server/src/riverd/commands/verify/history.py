"""What publishers and subscribers did and saw, written down to be judged afterwards."""

from enum import Enum

import msgspec

Position = tuple[str, int]
"""Epoch and offset."""


class Fate(Enum):
    """What a publisher got for an answer."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Nothing was accepted, for certain (contract: 503, and every 4xx)."""
    UNKNOWN = "unknown"
    """It was not answered, or with 504: it may have been accepted."""


class Attempt(msgspec.Struct, frozen=True):
    """One publication from its begin to its answer, repetitions with the same id included."""

    key: str
    channel: str
    begin_s: float
    end_s: float
    outcome: Fate
    position: Position | None = None


class Observed(Enum):
    """What kind of message a subscriber received."""

    BEGAN = "began"
    """Subscribed, without a position to resume from."""
    RESUMED = "resumed"
    """Subscribed, and what was missed follows."""
    GAP = "gap"
    """What came before this position cannot be had: a gap, or a resume that failed."""
    EVENT = "event"


class Observation(msgspec.Struct, frozen=True):
    """One message that a subscriber received."""

    at_s: float
    kind: Observed
    epoch: str
    offset: int
    key: str = ""
    """Which publication it was, of an event."""


class ChannelRecord(msgspec.Struct):
    """What one subscriber received of one channel, in order."""

    reader: str
    channel: str
    steps: list[Observation] = []
    until_s: float = 0.0
    """What was accepted before this moment should have been received."""


class Stay(msgspec.Struct):
    """A member of a presence channel, from its subscription to its end."""

    user: str
    begin_s: float
    end_s: float | None = None


class MemberChange(msgspec.Struct, frozen=True):
    """A member that came or went, as it was announced to a watcher."""

    at_s: float
    user: str
    joined: bool


class PresenceRecord(msgspec.Struct):
    """What one subscriber received about a presence channel's members."""

    watcher: str
    first: list[str] = []
    """Who was there when it subscribed."""
    changes: list[MemberChange] = []


class RunHistory(msgspec.Struct):
    """Everything that is known of a run. Times are of one clock, in seconds."""

    sent: list[Attempt] = []
    readings: list[ChannelRecord] = []
    stays: list[Stay] = []
    watches: list[PresenceRecord] = []
    end_s: float = 0.0
