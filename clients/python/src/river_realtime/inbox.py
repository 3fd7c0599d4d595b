"""What was heard and not yet taken by the program: a queue with a bound and an end."""

import asyncio
from collections import deque

from river_realtime.conversation import Heard
from river_realtime.errors import RiverError

WAITING_MAX = 1_000


class Inbox:
    """Filled by one task, emptied by the program.

    `put` never waits, so that nothing is lost when the one who puts is cancelled: it has to await
    `room` before it takes more from the network.
    """

    def __init__(self) -> None:
        self._waiting = deque[Heard | RiverError]()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._ended = False
        self._error: BaseException | None = None

    def put(self, heard: Heard | RiverError) -> None:
        """Add one; an error is raised where it is taken, and is not the end."""
        self._waiting.append(heard)
        self._filled.set()

    async def room(self) -> None:
        """Wait until the program has taken enough."""
        while len(self._waiting) >= WAITING_MAX:
            self._emptied.clear()
            await self._emptied.wait()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes: after what waits, `take` raises the error or gives None."""
        if not self._ended:
            self._ended, self._error = True, error
        self._filled.set()

    async def take(self) -> Heard | None:
        """The oldest, or None after the end. Raises RiverError where one was put."""
        while not self._waiting:
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
            self._filled.clear()
            await self._filled.wait()
        heard = self._waiting.popleft()
        if len(self._waiting) < WAITING_MAX:
            self._emptied.set()
        if isinstance(heard, RiverError):
            raise heard
        return heard
