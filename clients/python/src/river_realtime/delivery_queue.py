"""What was received and not yet taken by the program: a queue with a bound and an end."""

import asyncio
from collections import deque

from river_realtime.errors import RiverError
from river_realtime.protocol import Delivery

WAITING_MAX = 1_000
POSTPONED_MAX = 500


class DeliveryQueue:
    """Filled by one task, emptied by the program.

    `put` never waits, so that nothing is lost when the task that puts is cancelled: it has to await
    `room` before it takes more from the network.

    A gap may be put off: it waits in its channel's own queue, with all that follows it there, so
    that a program that reloads its state at each gap does so when the server asked it to.

    With an `earlier` queue it begins with what still waits there.
    """

    def __init__(self, earlier: "DeliveryQueue | None" = None) -> None:
        self._waiting = deque[Delivery | RiverError](earlier.waiting() if earlier else ())
        self._postponed: dict[str, list[Delivery]] = {}
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._ended = False
        self._error: BaseException | None = None

    def __len__(self) -> int:
        return len(self._waiting) + sum(map(len, self._postponed.values()))

    def waiting(self) -> list[Delivery | RiverError]:
        """What can be taken now, oldest first."""
        return list(self._waiting)

    def put(self, delivery: Delivery, *, after_s: float = 0.0) -> None:
        """Add one, now or after a time: what is put for its channel meanwhile comes after it."""
        channel = delivery.channel
        if channel in self._postponed:
            self._postponed[channel].append(delivery)
            if len(self._postponed[channel]) >= POSTPONED_MAX:
                self._release(channel)
        elif after_s:
            self._postponed[channel] = [delivery]
            asyncio.get_running_loop().call_later(after_s, self._release, channel)
        else:
            self._add(delivery)

    def put_error(self, error: RiverError) -> None:
        """Add an error: it is raised where it is taken, and is not the end."""
        self._add(error)

    async def room(self) -> None:
        """Wait until the program has taken enough."""
        while len(self) >= WAITING_MAX:
            self._emptied.clear()
            await self._emptied.wait()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes: after what waits, `take` raises the error or returns None."""
        for channel in list(self._postponed):
            self._release(channel)
        if not self._ended:
            self._ended, self._error = True, error
        self._filled.set()

    async def take(self) -> Delivery | None:
        """The oldest, or None after the end. Raises RiverError where one was put."""
        while not self._waiting:
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
            self._filled.clear()
            await self._filled.wait()
        delivery = self._waiting.popleft()
        if len(self) < WAITING_MAX:
            self._emptied.set()
        if isinstance(delivery, RiverError):
            raise delivery
        return delivery

    def _add(self, delivery: Delivery | RiverError) -> None:
        self._waiting.append(delivery)
        self._filled.set()

    def _release(self, channel: str) -> None:
        for delivery in self._postponed.pop(channel, ()):
            self._add(delivery)
