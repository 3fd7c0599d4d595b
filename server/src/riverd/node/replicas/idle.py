"""Channels without subscribers, until nobody has come back to them for a while."""

import asyncio
from collections.abc import Callable

from riverd.node.replicas.attachment import Attachment
from riverd.scheduling.tasks import Tasks

LOOK_S = 0.25
ENDED_AT_ONCE = 100
"""All clients of a node may have left together: others have their turn in between."""
END_EVERY_S = 0.005
"""The broker is asked for each."""


class IdleChannels:
    """One timer for all of them: each is idle for the same time. `over` is called after it."""

    def __init__(
        self,
        tasks: Tasks,
        *,
        clock: Callable[[], float],
        idle_s: float,
        over: Callable[[Attachment], None],
    ) -> None:
        self._tasks = tasks
        self._clock = clock
        self._idle_s = idle_s
        self._over = over
        self._until: dict[Attachment, float] = {}
        """The one that is idle for the longest time is the first."""
        self._running = False

    def add(self, attachment: Attachment) -> None:
        """Its last subscriber has left."""
        self._until[attachment] = self._clock() + self._idle_s
        if not self._running:
            self._running = True
            self._tasks.start(self._run())

    def discard(self, attachment: Attachment) -> None:
        """Somebody came."""
        self._until.pop(attachment, None)

    async def _run(self) -> None:
        try:
            while self._until:
                wait_s = next(iter(self._until.values())) - self._clock()
                await asyncio.sleep(max(LOOK_S, wait_s) if wait_s > 0 else END_EVERY_S)
                self._end_some()
        finally:
            self._running = False

    def _end_some(self) -> None:
        now = self._clock()
        for _ in range(ENDED_AT_ONCE):
            attachment = next(iter(self._until), None)
            if attachment is None or self._until[attachment] > now:
                return
            del self._until[attachment]
            if not attachment.is_used:
                self._over(attachment)
