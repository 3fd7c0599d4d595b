"""One run from its first connection to its last: ramp, load, drain; stopped at any moment."""

import asyncio
import resource
import time
from collections.abc import Coroutine
from enum import StrEnum
from typing import Protocol

import msgspec

from riverd.commands.loadtest.client import Client, Endpoint
from riverd.commands.loadtest.delays import Delays
from riverd.commands.loadtest.plan import LoadPlan
from riverd.commands.loadtest.publisher import LoadPublisher
from riverd.commands.loadtest.tally import LoadTally

TICK_S = 0.25
SAMPLE_S = 1.0
SAMPLES_MAX = 3_600
DRAIN_S_MAX = 5.0
DRAIN_LOOK_S = 0.05
CLOSE_S_MAX = 5.0
ATTEMPTS_MAX = 1_000
"""Under way at once: a server that does not answer is not buried."""


class Phase(StrEnum):
    """What a run is about."""

    FIRST = "first connection"
    RAMP = "connecting"
    LOAD = "under load"
    DRAIN = "waiting for the last"
    OVER = "over"


class Sample(msgspec.Struct, frozen=True):
    """One second as it was. Rates are a second, delays in milliseconds, `cpu` in cores."""

    at_s: float
    phase: str
    up: int
    joins: float
    publications: float
    deliveries: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu: float
    errors: int


class Watcher(Protocol):
    """Who is shown a run while it goes on."""

    def look(self, sample: Sample) -> None:
        """One more second is over."""
        ...

    def tick(self) -> None:
        """Some of a second is over."""
        ...


class Run:
    """The load and what is seen of it. `why` says what ended it early, if something did."""

    def __init__(
        self, plan: LoadPlan, endpoint: Endpoint, *, publisher: LoadPublisher | None
    ) -> None:
        self.plan = plan
        self.phase = Phase.FIRST
        self.samples: list[Sample] = []
        self.why = ""
        self.began = time.monotonic()
        self.load_began: float | None = None
        self.load_s = 0.0
        self.up_at_end = 0
        self.cpu_max = 0.0
        self.lag_s_max = 0.0
        self._endpoint = endpoint
        self._publisher = publisher
        self._clients: list[Client] = []
        self._settled = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._cut_short = asyncio.Event()

    @property
    def tally(self) -> LoadTally:
        """All counts."""
        return self._endpoint.tally

    @property
    def unsent(self) -> int:
        """Publications that were due and never left."""
        return 0 if self._publisher is None else self._publisher.unsent

    def stop(self) -> None:
        """End in good order; asked again, at once."""
        if self._stopping.is_set():
            self._cut_short.set()
        self.why = self.why or "stopped by hand"
        self._stopping.set()

    async def run(self, watcher: Watcher) -> None:
        """Do it all, while somebody watches."""
        watching = asyncio.create_task(self._watched(watcher))
        try:
            await self._until_stopped(self._work())
            self._phase(Phase.DRAIN)
            await self._drain()
        finally:
            self._phase(Phase.OVER)
            self.up_at_end = self.tally.up
            watching.cancel()
            await self._close()

    # The phases.

    async def _work(self) -> None:
        await self._first()
        if not self.why:
            self._phase(Phase.RAMP)
            await self._ramp()
            self._phase(Phase.LOAD)
            self.load_began = time.monotonic()
            if self._publisher is not None:
                await self._publisher.run(self.plan.duration_s)
            else:
                await asyncio.sleep(self.plan.duration_s)

    async def _first(self) -> None:
        """One client alone: what is wrong for it is wrong for all."""
        client = self._start(0)
        await client.first
        # It may be up, and be refused a moment later.
        if not client.is_up:
            errors = ", ".join(self.tally.errors) or "it did not become live"
            why = f"the first client did not get through: {client.gave_up or errors}"
            self.why = f"{why}; `river doctor` says which hop is broken"

    async def _ramp(self) -> None:
        began = time.monotonic()
        for number in range(1, self.plan.connections):
            wait_s = began + number / self.plan.ramp - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if number - self._settled >= ATTEMPTS_MAX:
                under_way = [one.first for one in self._clients if not one.first.done()]
                await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            self._start(number)
        await asyncio.gather(*[client.first for client in self._clients])

    async def _drain(self) -> None:
        """Wait until all who are up have what was accepted, while they still get some of it."""
        for _ in range(round(DRAIN_S_MAX / DRAIN_LOOK_S)):
            if not self._missing() or self._cut_short.is_set():
                break
            await asyncio.sleep(DRAIN_LOOK_S)
        self.tally.missing = self._missing()

    async def _close(self) -> None:
        for client in self._clients:
            client.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S_MAX)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Their parts.

    def _count_settled(self, _first: "asyncio.Future[None]") -> None:
        self._settled += 1

    def _start(self, number: int) -> Client:
        client = Client(number, self._endpoint, channels=self.plan.channels_of(number))
        self._clients.append(client)
        client.first.add_done_callback(self._count_settled)
        task = asyncio.create_task(client.run())
        self._tasks.add(task)
        return client

    async def _until_stopped(self, work: Coroutine[None, None, None]) -> None:
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (working, stopping):
            task.cancel()
        done, _ = await asyncio.gather(working, stopping, return_exceptions=True)
        if isinstance(done, Exception):
            raise done

    def _phase(self, phase: Phase) -> None:
        if self.phase is Phase.LOAD and self.load_began is not None:
            self.load_s = time.monotonic() - self.load_began
        self.phase = phase

    def _missing(self) -> int:
        """What was accepted and has not come: to those that were ever live, whether up or not."""
        if self._publisher is None:
            return 0
        missing = 0
        for client in self._clients:
            for name, cursor in client.cursors.items():
                epoch, offset = self._publisher.accepted.get(name, ("", 0))
                if epoch == cursor.epoch:
                    missing += max(0, offset - cursor.offset)
        return missing

    async def _watched(self, watcher: Watcher) -> None:
        before = ticked = _Counts.of(self)
        while True:
            await asyncio.sleep(TICK_S)
            now = _Counts.of(self)
            self.lag_s_max = max(self.lag_s_max, now.at_s - ticked.at_s - TICK_S)
            if now.at_s - before.at_s >= SAMPLE_S:
                sample = self._between(before, now)
                before = now
                self.cpu_max = max(self.cpu_max, sample.cpu)
                if len(self.samples) < SAMPLES_MAX:
                    self.samples.append(sample)
                watcher.look(sample)
            watcher.tick()
            ticked = _Counts.of(self)

    def _between(self, before: "_Counts", now: "_Counts") -> Sample:
        tally, seconds = self.tally, now.at_s - before.at_s
        recent, tally.recent = tally.recent, Delays()
        return Sample(
            at_s=now.at_s - self.began,
            phase=self.phase.value,
            up=tally.up,
            joins=(now.joins - before.joins) / seconds,
            publications=(now.accepted - before.accepted) / seconds,
            deliveries=(now.deliveries - before.deliveries) / seconds,
            p50_ms=recent.percentile_ms(50),
            p99_ms=recent.percentile_ms(99),
            max_ms=recent.max_ms,
            cpu=(now.cpu_s - before.cpu_s) / seconds,
            errors=sum(tally.errors.values()),
        )


class _Counts(msgspec.Struct, frozen=True):
    """What rates are made of, at one moment."""

    at_s: float
    cpu_s: float
    joins: int
    accepted: int
    deliveries: int

    @classmethod
    def of(cls, run: Run) -> "_Counts":
        used, tally = resource.getrusage(resource.RUSAGE_SELF), run.tally
        return cls(
            time.monotonic(),
            used.ru_utime + used.ru_stime,
            tally.joins + tally.rejoins,
            tally.accepted,
            tally.deliveries,
        )
