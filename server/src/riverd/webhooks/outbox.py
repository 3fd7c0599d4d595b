"""What is to be sent to one webhook next. Pure: time is given, requests are the caller's.

Events of one channel go out in the order in which they were written, one request at a time. A leave
waits three seconds; a return that was written meanwhile cancels both. What fails is sent again, at
first by itself: a channel whose events are refused holds up itself and no other.

    lane (a channel) | is ready when
    -----------------+-------------------------------------------------------------------
    head is a leave  | its three seconds are over, and no return cancelled it
    failed before    | its own delay is over; then it is sent alone
    behind a reset   | the reset was delivered; which waits for all that was written before, but
                     | for what keeps failing: what of that the reset says is not sent any more.
                     | Pusher's form cannot say who is gone: those leaves are sent after it
"""

from collections import deque
from collections.abc import Callable, Sequence

from riverd.broker.webhooks import QueuedEvent
from riverd.model.webhook_events import OVERFLOW, RESET, RETURNS, SETTLE_MS, TEST, WebhookKind

BATCH_MAX = 100
BATCH_BYTES_MAX = 262_144
FIRST_DELAY_MS = 1_000
DELAY_MS_MAX = 60_000
GIVE_UP_MS = 86_400_000
NO_STATE = frozenset({WebhookKind.CLIENT_EVENT, WebhookKind.CACHE_MISS, TEST})
"""Kinds of events that a reset does not stand for."""
WAIT_ATTEMPTS = 3
"""A reset does not wait for a channel whose events failed so often."""

Jitter = Callable[[], float]
"""A number from 0 to 1."""
Untold = Callable[[QueuedEvent], bool]
"""Whether a reset does not say what an event says that was written before it."""


class Lane:
    """The events of one channel, oldest first."""

    __slots__ = ("attempts", "events", "retry_at_ms")

    def __init__(self) -> None:
        self.events: deque[QueuedEvent] = deque()
        self.attempts = 0
        self.retry_at_ms = 0


class Outbox:
    """The events that were read from a webhook's queues and are not settled yet."""

    def __init__(self, jitter: Jitter) -> None:
        self.after: dict[str, str] = {}
        """The last entry that was taken in, by queue."""
        self.attempts = 0
        """How often requests failed since one succeeded."""
        self.retry_at_ms = 0
        self.size = 0
        self._lanes: dict[str, Lane] = {}
        self._resets: deque[QueuedEvent] = deque()
        self._behind: list[QueuedEvent] = []
        """What was written after a reset that waits."""
        self._tried_reset = False
        self._jitter = jitter

    @property
    def is_empty(self) -> bool:
        """Whether all that was taken in is settled."""
        return self.size == 0

    def take(self, events: Sequence[QueuedEvent]) -> list[QueuedEvent]:
        """Take in what was read. Gives those that cancel each other out: they are settled."""
        cancelled: list[QueuedEvent] = []
        for event in events:
            self.after[event.queue] = event.entry
            if event.kind == RESET and event.reason == OVERFLOW:
                self._drop(event.queue)
                cancelled += self._release()
            self.size += 1
            if self._resets:
                self._behind.append(event)
            elif event.kind == RESET:
                self._resets.append(event)
            else:
                over = self._into_lane(event)
                self.size -= len(over)
                cancelled += over
        return cancelled

    def next(self, now_ms: int) -> list[QueuedEvent]:
        """The events of the next request; none if nothing is ready.

        The caller says what became of them, with `delivered` or `failed`, before it asks again.
        """
        if now_ms < self.retry_at_ms:
            return []
        ready = [lane for lane in self._lanes.values() if _is_ready(lane, now_ms)]
        if self._may_reset() and not (ready and self._tried_reset):
            return [self._resets[0]]
        if not ready:
            return []
        # Those that failed the least first; what fails by itself is tried by itself.
        ready.sort(key=lambda lane: lane.attempts)
        if self.attempts or ready[0].attempts:
            ready = ready[:1]
        batch: list[QueuedEvent] = []
        size = 0
        for lane in ready:
            if lane.attempts and batch:
                break
            for event in lane.events:
                is_full = len(batch) == BATCH_MAX or (batch and size + event.size > BATCH_BYTES_MAX)
                if is_full or not _is_due(event, now_ms):
                    break
                batch.append(event)
                size += event.size
        return batch

    def _may_reset(self) -> bool:
        """Whether nothing is left that a reset waits for."""
        lanes = self._lanes.values()
        return bool(self._resets) and all(lane.attempts >= WAIT_ATTEMPTS for lane in lanes)

    def leaving(self) -> list[QueuedEvent]:
        """The leaves behind a reset that waits: they may be sent, or be cancelled by a return."""
        return [one for one in self._behind if one.kind in RETURNS]

    def delivered(
        self, batch: Sequence[QueuedEvent], *, untold: Untold | None = None
    ) -> list[QueuedEvent]:
        """The receiver has them. Gives what need not be sent any more because of a reset."""
        self.attempts, self.retry_at_ms = 0, 0
        return self._remove(batch, untold)

    def failed(self, batch: Sequence[QueuedEvent], now_ms: int) -> None:
        """The receiver does not have them: they are sent again, later each time."""
        self.attempts += 1
        self._tried_reset = batch[0].kind == RESET
        names = {_lane_of(event) for event in batch}
        lanes = [self._lanes[name] for name in names if name in self._lanes]
        if len(lanes) == 1:
            # It may be this channel alone: the others need not wait as long.
            lane = lanes[0]
            lane.attempts += 1
            lane.retry_at_ms = now_ms + self._delay_ms(lane.attempts)
        self.retry_at_ms = now_ms + self._delay_ms(self.attempts)

    def overdue(self, now_ms: int) -> list[QueuedEvent]:
        """What was tried for a day: the caller buries it, and says that it was removed.

        What follows an event that is given up may stand without it, and is tried.
        """
        found = [one for lane in self._lanes.values() for one in lane.events]
        return [one for one in (*found, *self._resets) if now_ms - one.since_ms > GIVE_UP_MS]

    def remove(self, events: Sequence[QueuedEvent]) -> list[QueuedEvent]:
        """They are buried. Gives what need not be sent any more because of a reset."""
        return self._remove(events)

    def _remove(
        self, events: Sequence[QueuedEvent], untold: Untold | None = None
    ) -> list[QueuedEvent]:
        over: list[QueuedEvent] = []
        for event in events:
            self.size -= 1
            if event.kind == RESET:
                self._resets.remove(event)
                over += self._superseded(untold)
                continue
            name = _lane_of(event)
            lane = self._lanes[name]
            lane.events.remove(event)
            lane.attempts, lane.retry_at_ms = 0, 0
            if not lane.events:
                del self._lanes[name]
        return over + self._release()

    def _release(self) -> list[QueuedEvent]:
        """What was behind a reset goes on, if no reset waits any more."""
        if self._resets or not self._behind:
            return []
        behind, self._behind = self._behind, []
        self.size -= len(behind)
        return self.take(behind)

    def _superseded(self, untold: Untold | None) -> list[QueuedEvent]:
        """What a reset has passed, and says itself: it would be wrong after it."""
        over: list[QueuedEvent] = []
        for name, lane in list(self._lanes.items()):
            said, lane.events = _divided(lane.events, untold)
            over += said
            if not lane.events:
                del self._lanes[name]
        self.size -= len(over)
        return over

    def _drop(self, queue: str) -> None:
        """The broker has emptied a queue: a reset stands for all that was in it."""
        for name, lane in list(self._lanes.items()):
            lane.events = deque(one for one in lane.events if one.queue != queue)
            if not lane.events:
                del self._lanes[name]
        self._resets = deque(one for one in self._resets if one.queue != queue)
        self._behind = [one for one in self._behind if one.queue != queue]
        waiting = sum(len(lane.events) for lane in self._lanes.values())
        self.size = waiting + len(self._resets) + len(self._behind)

    def _into_lane(self, event: QueuedEvent) -> list[QueuedEvent]:
        lane = self._lanes.setdefault(_lane_of(event), Lane())
        cancelled = _cancelled_by(event, lane)
        if cancelled is not None:
            lane.events.remove(cancelled)
            if not lane.events:
                del self._lanes[_lane_of(event)]
            return [cancelled, event]
        if event.kind == WebhookKind.SUBSCRIPTION_COUNT and lane.events:
            last = lane.events[-1]
            if last.kind == event.kind and not lane.attempts:
                # Nobody needs the number of before.
                lane.events[-1] = event
                return [last]
        lane.events.append(event)
        return []

    def _delay_ms(self, attempts: int) -> int:
        limit = min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** min(attempts - 1, 16))
        return int(limit * (0.5 + 0.5 * self._jitter()))


def _divided(
    events: deque[QueuedEvent], untold: Untold | None
) -> tuple[deque[QueuedEvent], deque[QueuedEvent]]:
    """What of a lane a reset says, and what is sent after it: an untold leave with its join."""
    said: deque[QueuedEvent] = deque()
    kept: deque[QueuedEvent] = deque()
    ended: set[tuple[str, str | None]] = set()
    for one in reversed(events):
        is_untold = untold is not None and untold(one)
        if is_untold and one.kind in RETURNS:
            ended.add((RETURNS[one.kind], one.user))
        stays = is_untold or one.kind in NO_STATE or (one.kind, one.user) in ended
        (kept if stays else said).appendleft(one)
    return said, kept


def _lane_of(event: QueuedEvent) -> str:
    return event.channel


def _is_ready(lane: Lane, now_ms: int) -> bool:
    return now_ms >= lane.retry_at_ms and _is_due(lane.events[0], now_ms)


def _is_due(event: QueuedEvent, now_ms: int) -> bool:
    """Whether an event waits for no return any more: all that was written by now was read."""
    return event.kind not in RETURNS or now_ms - event.since_ms >= SETTLE_MS


def _cancelled_by(event: QueuedEvent, lane: Lane) -> QueuedEvent | None:
    """The leave that a return cancels, if it came back in time."""
    for earlier in reversed(lane.events):
        if event.at_ms - earlier.at_ms >= SETTLE_MS:
            return None
        if RETURNS.get(earlier.kind) == event.kind and earlier.user == event.user:
            return earlier
        if earlier.kind == event.kind and earlier.user == event.user:
            return None
    return None
