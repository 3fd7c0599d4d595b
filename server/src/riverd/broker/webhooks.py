"""Webhook events at the broker: written with the change that they are about, kept until sent.

Each webhook has a queue; in a cluster one in each slot that has something for it, because an event
is written by the script that makes the change, and that script sees one slot.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from riverd.model.log import Message, Receipt
from riverd.model.webhook_events import Interest, WebhookInterests

WANTED_S = 90_000.0
"""How long the broker remembers what webhooks ask for while no sender runs: over a day."""
SENDER_S = 5.0
"""How long a sender counts that does not say that it lives, and its leases."""
DEAD_KEPT_S = 604_800.0
"""How long what could not be delivered can be replayed."""
DEAD_MAX = 10_000
"""So many of a webhook are kept at most, in each of its queues."""
READ_MAX = 500
TRUTH_MAX = 10_000
"""The most channels and users that a reset lists."""


class QueuedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it waits for one webhook. Nothing else has its `id`.

    Attributes:
        queue: Which of the webhook's queues it is in.
        entry: What that queue calls it.
        since_ms: When its delivery began to be owed: when it was written, or replayed.
        channel: The internal name; of an event of a user, its own channel's.
        reason: Of a reset.
    """

    id: str
    queue: str
    entry: str
    at_ms: int
    since_ms: int
    kind: str
    channel: str = ""
    size: int = 0
    user: str | None = None
    info: bytes | None = None
    event: str | None = None
    data: bytes | None = None
    session: str | None = None
    count: int | None = None
    reason: str | None = None


class DeadEvent(msgspec.Struct, frozen=True):
    """An event that could not be delivered in time, when it was given up, and why."""

    event: QueuedEvent
    dead_at_ms: int
    error: str


class QueueReading(msgspec.Struct, frozen=True):
    """Events that were not read before, in order, and the broker's time at that moment.

    Everything was read that was written before `seen_ms`; that is earlier where there is more.
    """

    now_ms: int
    seen_ms: int
    events: Sequence[QueuedEvent]


class QueueState(msgspec.Struct, frozen=True):
    """How much waits for a webhook, how much was given up, how often a queue was full."""

    waiting: int
    waiting_bytes: int
    oldest_at_ms: int | None
    dead: int
    overflows: int


class OccupiedNow(msgspec.Struct, frozen=True):
    """A channel or user of which a webhook has to know, as it is now."""

    channel: str
    subscribers: int
    members: Sequence[str] | None = None


class WebhookWriter(Protocol):
    """What nodes write. Every method raises `BrokerError` as the broker does."""

    @property
    def interests(self) -> WebhookInterests:
        """What nodes write events for, as far as this process knows."""
        ...

    async def count(self, counts: Mapping[str, int]) -> None:
        """How many subscribers channels have on this node, how many connections users have.

        Atomic for each: the events that the change brings about are written by it. What this node
        has counts until its lease ends; who clears up after it writes the events.
        """
        ...

    async def publish(self, message: Message, session: str) -> Receipt:
        """Publish what a client sends, and write the event, in one step. See `Broker.publish`."""
        ...

    async def miss(self, channel: str) -> None:
        """A subscriber found nothing in a channel that keeps its last event; written once."""
        ...


class WebhookQueues(Protocol):
    """What senders read. Every method raises `BrokerError` as the broker does."""

    async def want(self, interests: Sequence[Interest]) -> None:
        """Have nodes write events for these; again every few seconds."""
        ...

    async def senders(self, name: str) -> list[str]:
        """Say that this sender lives; all that do."""
        ...

    async def lease(self, webhook: str, holder: str) -> bool:
        """Become or stay the only sender of a webhook, for `SENDER_S`; whether it is."""
        ...

    async def release(self, webhook: str, holder: str) -> None:
        """Be its sender no more."""
        ...

    async def begin(self, webhook: str) -> None:
        """Write a reset if its webhook is new or asks for more, or events may have been lost.

        Atomic: one for each time.
        """
        ...

    async def read(self, webhook: str, after: Mapping[str, str]) -> QueueReading:
        """What came to its queues after these entries, by queue."""
        ...

    async def settle(self, webhook: str, events: Sequence[QueuedEvent]) -> None:
        """These were delivered, or cancelled: forget them."""
        ...

    async def bury(self, webhook: str, events: Sequence[QueuedEvent], *, error: str) -> None:
        """These could not be delivered: keep them among the dead."""
        ...

    async def dead(self, webhook: str, limit: int) -> list[DeadEvent]:
        """What could not be delivered, oldest first."""
        ...

    async def replay(self, webhook: str, ids: Sequence[str] | None, *, limit: int) -> int:
        """Queue dead events again, behind all that waits; those of these ids, or the oldest."""
        ...

    async def test(self, webhook: str) -> None:
        """Queue an event that only says that the webhook works."""
        ...

    async def state(self, webhook: str) -> QueueState:
        """How its queues are."""
        ...

    async def truth(self, interest: Interest) -> tuple[list[OccupiedNow], bool]:
        """What is occupied now of what a webhook is about; whether that is all of it."""
        ...

    async def note(self, webhook: str, report: bytes) -> None:
        """Keep what its sender reports of it, for others to read."""
        ...

    async def notes(self) -> Mapping[str, bytes]:
        """What senders reported, by webhook."""
        ...
