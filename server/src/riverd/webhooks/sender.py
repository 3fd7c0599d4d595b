"""Sends what waits for one webhook, as long as this process has its lease."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import msgspec

from riverd.auth.webhooks import WebhookEndpoint
from riverd.broker.webhooks import QueuedEvent, WebhookQueues
from riverd.errors import BrokerError
from riverd.model.webhook_events import OVERFLOW, RESET
from riverd.webhooks.forms import TruthNow, WebhookRequest, request_for, untold_by, with_leaving
from riverd.webhooks.outbox import Jitter, Outbox
from riverd.webhooks.posting import PostOutcome
from riverd.webhooks.queue_clock import QueueClock

LOOK_S = 0.2
WINDOW_MAX = 5_000
"""So many events are held at once; more are read when nothing of them can be sent."""
BROKER_RETRY_S = 0.5
ANSWER_S = 1.0
"""Who leaves a webhook to another process waits so long for the answer to its last request."""
ERROR_LENGTH_MAX = 200

Post = Callable[[str, WebhookRequest], Awaitable[PostOutcome]]


class WebhookReport(msgspec.Struct, omit_defaults=True):
    """What became of a webhook's requests lately, for everybody to read. Times in unix ms."""

    delivered_at_ms: int | None = None
    failed_at_ms: int | None = None
    error: str | None = None
    attempts: int = 0


class WebhookTally:
    """What one process has sent, counted for metrics."""

    def __init__(self) -> None:
        self.delivered: dict[str, float] = {}
        self.failures: dict[str, float] = {}
        self.buried: dict[str, float] = {}
        self.overflows: dict[str, float] = {}

    @staticmethod
    def add(counts: dict[str, float], webhook: str, *, number: float = 1) -> None:
        """Count some more."""
        counts[webhook] = counts.get(webhook, 0) + number


class SenderSurroundings(msgspec.Struct, frozen=True):
    """What all senders of a process share.

    `buried` is called with how many events of a webhook were given up, `overflowed` when its queue
    was full. `wall` is in unix seconds.
    """

    tally: WebhookTally
    jitter: Jitter
    wall: Callable[[], float]
    buried: Callable[[WebhookEndpoint, int], None]
    overflowed: Callable[[WebhookEndpoint], None]


class Sender:
    """One webhook's events, one request at a time."""

    def __init__(
        self,
        endpoint: WebhookEndpoint,
        queues: WebhookQueues,
        *,
        post: Post,
        surroundings: SenderSurroundings,
    ) -> None:
        self.endpoint = endpoint
        self.report = WebhookReport()
        self._queues = queues
        self._post = post
        self._surroundings = surroundings
        self._tally = surroundings.tally
        self._outbox = Outbox(surroundings.jitter)
        self._settled: list[QueuedEvent] = []
        """What is done with, and may still be in its queue."""
        self._answered = asyncio.Event()
        self._answered.set()
        self._clock = QueueClock()
        self._now_ms = 0
        self._noted = msgspec.json.encode(self.report)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            try:
                is_idle = not await self.turn()
            except BrokerError:
                # What waits there waits longer; what was sent meanwhile is settled later.
                await asyncio.sleep(BROKER_RETRY_S)
                continue
            if is_idle:
                await asyncio.sleep(LOOK_S)

    @property
    def is_answered(self) -> bool:
        """Whether no request is on its way: one that was given up may still arrive."""
        return self._answered.is_set()

    async def answer(self) -> None:
        """Wait for the answer to the request that is on its way, but not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await self._answered.wait()

    async def turn(self) -> bool:
        """Read what is new and send one request; whether there was one to send.

        Raises:
            BrokerError: the broker is away.
        """
        await self._settle()
        batch = self._outbox.next(self._now_ms) if self._outbox.size >= WINDOW_MAX else []
        if not batch:
            await self._read()
            batch = self._outbox.next(self._now_ms)
        if not batch:
            return False
        await self._send(batch)
        await self._settle()
        await self._note()
        return True

    async def _read(self) -> bool:
        """Take in what is new; whether there may be more."""
        outbox, webhook = self._outbox, self.endpoint.id
        if outbox.is_empty:
            # All of it is settled: what is there is new, whatever it is called.
            outbox.after.clear()
        reading = self._clock.timed(await self._queues.read(webhook, outbox.after))
        self._now_ms = reading.seen_ms
        for event in reading.events:
            if event.reason == OVERFLOW:
                self._tally.add(self._tally.overflows, webhook)
                self._surroundings.overflowed(self.endpoint)
        self._settled += outbox.take(reading.events)
        if overdue := outbox.overdue(reading.now_ms):
            await self._bury(overdue)
        await self._settle()
        return reading.seen_ms < reading.now_ms

    async def _truth(self, reset: QueuedEvent) -> TruthNow | None:
        """What is true now; None if the reset is not to be sent any more.

        A leave that was written before this moment may still be cancelled by a return that comes
        after it: whom it is about is said to be present, and the leave is sent later if it stands.
        """
        occupied, is_all = await self._queues.truth(self.endpoint.interest)
        while await self._read() and self._outbox.size < WINDOW_MAX:
            pass
        if self._outbox.next(self._now_ms) != [reset]:
            return None
        return TruthNow(with_leaving(occupied, self._outbox.leaving()), is_all)

    async def _send(self, batch: Sequence[QueuedEvent]) -> None:
        truth = TruthNow()
        if batch[0].kind == RESET:
            found = await self._truth(batch[0])
            if found is None:
                return
            truth = found
        now_ms = int(self._surroundings.wall() * 1000)
        request = request_for(self.endpoint, batch, truth=truth, now_ms=now_ms)
        if request is None:
            self._delivered(batch, truth)
            return
        self._answered.clear()
        outcome = await self._post(self.endpoint.url, request)
        self._answered.set()
        report, webhook = self.report, self.endpoint.id
        if outcome.error is None:
            self._delivered(batch, truth)
            self._tally.add(self._tally.delivered, webhook, number=len(batch))
            report.delivered_at_ms, report.attempts = now_ms, 0
        else:
            self._outbox.failed(batch, self._now_ms)
            self._tally.add(self._tally.failures, webhook)
            report.failed_at_ms, report.error = now_ms, outcome.error
            report.attempts = self._outbox.attempts

    def _delivered(self, batch: Sequence[QueuedEvent], truth: TruthNow) -> None:
        untold = untold_by(self.endpoint.form, truth)
        self._settled += [*batch, *self._outbox.delivered(batch, untold=untold)]

    async def _settle(self) -> None:
        if self._settled:
            await self._queues.settle(self.endpoint.id, self._settled)
            self._settled = []

    async def _bury(self, events: Sequence[QueuedEvent]) -> None:
        error = self.report.error or "it came to no request"
        await self._queues.bury(self.endpoint.id, events, error=error[:ERROR_LENGTH_MAX])
        self._settled += self._outbox.remove(events)
        self._tally.add(self._tally.buried, self.endpoint.id, number=len(events))
        self._surroundings.buried(self.endpoint, len(events))

    async def _note(self) -> None:
        encoded = msgspec.json.encode(self.report)
        if encoded != self._noted:
            await self._queues.note(self.endpoint.id, encoded)
            self._noted = encoded
