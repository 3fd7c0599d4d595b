"""Sends subscribers how many they are on all nodes, in channels whose app wants it.

a node reports its count to the broker -> it announces that in the channel -> every node that
has the channel reads the sum, and sends it to its own subscribers if it is another one
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from riverd.broker.counts import BrokerCounts
from riverd.core.hub import Hub
from riverd.errors import RiverError
from riverd.node.counts.sum_reader import SumReader
from riverd.scheduling.portions import portions
from riverd.scheduling.tasks import Tasks

EACH_MAX = 100
"""Up to so many subscribers every change is shown."""
SHOW_EVERY_S = 5.0
"""Beyond that, at most so often."""
SOON_S = 0.01
"""What a timer may be early by."""


def _nothing(_name: str) -> bool:
    return False


class CountEvents:
    """See the drawing. `is_counted` says whether subscribers of a channel are shown their count.

    `changed` is called when the hub has something to flush.
    """

    def __init__(
        self,
        counts: BrokerCounts,
        hub: Hub,
        *,
        tasks: Tasks,
        clock: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self.is_counted: Callable[[str], bool] = _nothing
        self._counts = counts
        self._hub = hub
        self._sums = SumReader(self._read, tasks, known=lambda: self._shown)
        self._clock = clock
        self._changed = changed
        self._shown: dict[str, tuple[int, float]] = {}
        """What was shown last, and when: of each channel that is counted here."""
        self._joined: dict[str, None] = {}
        """Channels with subscribers on this node who may have been shown nothing yet."""
        self._held: dict[str, None] = {}
        """Channels that were shown not long ago, and wait."""

    def reported(self, channels: Iterable[str]) -> Awaitable[None] | None:
        """The broker has the counts of this node: what announces them, where that is wanted."""
        counted = [one for one in channels if self.is_counted(one)]
        return self._announce(counted) if counted else None

    async def _announce(self, counted: Sequence[str]) -> None:
        self._joined |= dict.fromkeys(counted)
        with suppress(RiverError):
            await self._counts.announce(counted)

    def recounted(self, channel: str) -> None:
        """A node has reported another count."""
        if channel in self._hub.channels and self.is_counted(channel):
            self._sums.read_soon((channel,))

    async def _read(self, names: list[str]) -> None:
        async for some in portions(names):
            self._show(some, await self._counts.subscribers(some))

    def _show(self, channels: Sequence[str], counts: Sequence[int]) -> None:
        now = self._clock()
        for name, count in zip(channels, counts, strict=True):
            channel = self._hub.channels.get(name)
            if channel is None:
                self._shown.pop(name, None)
                self._joined.pop(name, None)
                continue
            before, at = self._shown.get(name, (0, now - SHOW_EVERY_S))
            if count == before and name not in self._joined:
                continue
            wait_s = at + SHOW_EVERY_S - now
            if max(count, before) > EACH_MAX and wait_s > SOON_S:
                self._hold(name, wait_s)
                continue
            self._joined.pop(name, None)
            self._shown[name] = count, now
            if self._hub.send_count(channel, count):
                self._changed()

    def _hold(self, name: str, seconds: float) -> None:
        if name not in self._held:
            self._held[name] = None
            asyncio.get_running_loop().call_later(seconds, self._release, name)

    def _release(self, name: str) -> None:
        self._held.pop(name, None)
        self._sums.read_soon((name,))
