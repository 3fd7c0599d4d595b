"""Reads sums over all nodes from the broker: those that may have changed, now and then all."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable

from riverd.errors import RiverError
from riverd.scheduling.tasks import Tasks

COMPARE_S = 5.0
RETRY_S = 1.0


class SumReader:
    """Names wait in a set to be read; one read is under way at a time, and repeated if it fails.

    Nodes report in any order, and a read after the last report finds the true sum: so a name that
    is due once more while it is read is read once more. A report that was lost, or a node that
    was killed, shows when all `known` names are read again every few seconds.

    Args:
        read: Reads some sums and hands them on. Raises RiverError if the broker does not answer.
        tasks: Run what waits.
        known: The names whose sums are kept up to date.
    """

    def __init__(
        self,
        read: Callable[[list[str]], Awaitable[None]],
        tasks: Tasks,
        *,
        known: Callable[[], Collection[str]],
    ) -> None:
        self._read_sums = read
        self._tasks = tasks
        self._known = known
        self._due: dict[str, None] = {}
        self._reading = False
        self._comparing = False

    def read_soon(self, names: Iterable[str]) -> None:
        """Read these sums soon."""
        self._due |= dict.fromkeys(names)
        if not self._due:
            return
        if not self._reading:
            self._reading = True
            self._tasks.start(self._read())
        if not self._comparing:
            self._comparing = True
            self._tasks.start(self._compare())

    async def _read(self) -> None:
        try:
            while due := self._due:
                self._due = {}
                try:
                    await self._read_sums([*due])
                except RiverError:
                    self._due |= due
                    await asyncio.sleep(RETRY_S)
        finally:
            self._reading = False

    async def _compare(self) -> None:
        try:
            while self._due or self._reading or self._known():
                await asyncio.sleep(COMPARE_S)
                self.read_soon([*self._known()])
        finally:
            self._comparing = False
