"""From the broker to the sockets: how long, of one publication now and then.

Of messages nothing is noted. Once in a while the next flush says which publication it has just
written, and the broker says for how long it has had that: its clock is the only one that counts.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from riverd.errors import RiverError
from riverd.node.flushing import Flushes

EVERY_S = 1.0

FindAge = Callable[[str, int], Awaitable[float | None]]
"""Gives for how long the broker has had a publication of a channel, by its offset."""


class DelaySamples:
    """`count` samples took `seconds` together. `clock` is that of flushes."""

    def __init__(self, flushes: Flushes, age_s: FindAge, *, clock: Callable[[], float]) -> None:
        self.count, self.seconds = 0, 0.0
        self._flushes = flushes
        self._age_s = age_s
        self._clock = clock

    async def take_always(self) -> None:
        """Take one every `EVERY_S`, if there is anything to send."""
        while True:
            await self.take()
            await asyncio.sleep(EVERY_S)

    async def take(self) -> None:
        """Wait for a flush that sends a publication, and find out how old it was then."""
        sample = await self._flushes.next_sample()
        # That the broker is away is reported by who watches it.
        with suppress(RiverError):
            asked_at = self._clock()
            age_s = await self._age_s(sample.channel, sample.offset)
            if age_s is not None:
                # It was looked up at some time between the question and the answer.
                looked_at = (asked_at + self._clock()) / 2
                self.count += 1
                self.seconds += max(0.0, age_s - (looked_at - sample.flushed_at))
