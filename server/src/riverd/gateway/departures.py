"""Takes sessions that are over out of the node: many that end in one moment, in portions."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from riverd.core.session import Session

ENDED_AT_ONCE = 100
"""Sessions; one with many subscriptions counts for more: one more for each `WEIGHT` of them."""
WEIGHT = 4
MOMENT_S = 0.01
"""As many are taken out at once in so much time; others have their turn before the rest is."""


class Departures:
    """`remove` takes one session out; one that waits for that is sent nothing after `mute`."""

    def __init__(
        self, remove: Callable[[Session], None], *, mute: Callable[[Session], None]
    ) -> None:
        self._remove = remove
        self._mute = mute
        self._clock = time.monotonic
        self._moment = 0.0
        self._ended = 0
        self._waiting: deque[Session] = deque()

    def add(self, session: Session) -> None:
        """A session is over."""
        now = self._clock()
        if now - self._moment > MOMENT_S:
            self._moment, self._ended = now, 0
        if self._ended < ENDED_AT_ONCE and not self._waiting:
            self._ended += 1 + len(session.subscriptions) // WEIGHT
            self._remove(session)
            return
        self._mute(session)
        self._waiting.append(session)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._go_on)

    async def finish(self) -> None:
        """Wait until all are taken out."""
        while self._waiting:  # noqa: ASYNC110  each turn takes some out
            await asyncio.sleep(0)

    def _go_on(self) -> None:
        try:
            left = ENDED_AT_ONCE
            while left > 0 and self._waiting:
                session = self._waiting.popleft()
                left -= 1 + len(session.subscriptions) // WEIGHT
                self._remove(session)
        finally:
            # What goes wrong with one must not keep all others.
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._go_on)
