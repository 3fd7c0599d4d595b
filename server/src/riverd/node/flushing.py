"""When the hub is flushed: once a turn of the loop, and less often after a crowd was notified."""

import asyncio
from collections.abc import Callable

from riverd.core.flushed import Flushed
from riverd.core.hub import Hub
from riverd.core.pacing import pause_after


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

    def close(self) -> None:
        """Flush no more after a pause."""
        if self._pause is not None:
            self._pause.cancel()

    def _flush(self) -> None:
        self._due, self._pause = False, None
        flushed = self._hub.flush(self._clock())
        self.count += 1
        self.seconds += self._clock() - self._due_at
        pause_s = pause_after(flushed.notified_of_changes)
        if pause_s > 0:
            # A pause is meant: it is not what a flush takes.
            self._due, self._due_at = True, self._clock() + pause_s
            self._pause = asyncio.get_running_loop().call_later(pause_s, self._flush)
        elif flushed.more:
            self.soon()
        self._flushed(flushed)
