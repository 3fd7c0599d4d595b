"""When the hub is flushed: once a turn of the loop, and less often after a crowd was notified."""

import asyncio
from collections.abc import Callable

import msgspec

from riverd.core.flushed import Flushed
from riverd.core.hub import Hub
from riverd.core.pacing import pause_after


class FlushSample(msgspec.Struct, frozen=True):
    """The first publication of a channel that a flush has sent, and when."""

    channel: str
    offset: int
    flushed_at: float


class Flushes:
    """One flush at a time is due, or none. `flushed` is called with what each did."""

    def __init__(
        self, hub: Hub, *, clock: Callable[[], float], flushed: Callable[[Flushed], None]
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._flushed = flushed
        self._due = False
        self._due_at = 0.0
        self.count, self.seconds = 0, 0.0
        """How many there were, and how long what was new waited for them and was written in all."""
        self._pause: asyncio.TimerHandle | None = None
        self._sample: asyncio.Future[FlushSample] | None = None
        self._sampled: tuple[str, int] | None = None
        """What has yet to be written to some."""

    def soon(self) -> None:
        """Flush when this turn of the loop is over, or when the pause is."""
        if not self._due:
            self._due, self._due_at = True, self._clock()
            asyncio.get_running_loop().call_soon(self._flush)

    def end_pause(self) -> None:
        """Something came that must not wait for a crowd."""
        if self._pause is not None:
            self._pause.cancel()
            self._due, self._pause = False, None
            self.soon()

    async def next_sample(self) -> FlushSample:
        """The next that a flush sends. One at a time waits for it."""
        self._sample = asyncio.get_running_loop().create_future()
        try:
            return await self._sample
        finally:
            self._sample = None

    def close(self) -> None:
        """Flush no more after a pause."""
        if self._pause is not None:
            self._pause.cancel()

    def _flush(self) -> None:
        self._due, self._pause = False, None
        if self._sample is not None and self._sampled is None:
            self._sampled = self._hub.unsent()
        flushed = self._hub.flush(self._clock())
        flushed_at = self._clock()
        self.count += 1
        self.seconds += flushed_at - self._due_at
        sampled = self._sampled
        if sampled is not None and self._hub.has_sent(*sampled):
            self._sampled = None
            self._keep_sample(*sampled, flushed_at=flushed_at)
        notified = flushed.notified_of_changes
        pause_s = pause_after(notified) if notified else 0.0
        if pause_s > 0:
            # A pause is meant: it is not what a flush takes.
            self._due, self._due_at = True, self._clock() + pause_s
            self._pause = asyncio.get_running_loop().call_later(pause_s, self._flush)
        elif flushed.more:
            self.soon()
        self._flushed(flushed)

    def _keep_sample(self, channel: str, offset: int, *, flushed_at: float) -> None:
        if self._sample is not None and not self._sample.done():
            self._sample.set_result(FlushSample(channel, offset, flushed_at))
