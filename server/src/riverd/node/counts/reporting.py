"""Reports to the broker how many connections of this node are subscribed to which channel."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import islice

from riverd.channels.names import USER
from riverd.errors import RiverError
from riverd.scheduling.portions import PORTION, keys_in_portions
from riverd.scheduling.tasks import Tasks

RETRY_S = 5.0


Channels = Callable[[Iterable[str]], Iterable[str]]


def _themselves(names: Iterable[str]) -> Iterable[str]:
    return names


class SubscriberCounts:
    """Changed counts wait in a set until the broker has them; one report is under way at a time.

    `reported` is called with what the broker has now, and may give more to wait for; it raises
    nothing. One task serves all reports: a node under load reports in every turn of its loop.
    """

    def __init__(
        self,
        report: Callable[[Mapping[str, int]], Awaitable[None]],
        tasks: Tasks,
        *,
        count: Callable[[str], int],
        of_users: bool = False,
        reported: Callable[[Iterable[str]], Awaitable[None] | None] | None = None,
    ) -> None:
        self._report_to_broker = report
        self._tasks = tasks
        self._count = count
        self._of_users = of_users
        self._reported = reported
        self._changed: dict[str, None] = {}
        self._reporting = False
        self._wanted: asyncio.Future[None] | None = None
        """What the task waits for, if there is one and nothing to report."""

    def changed(self, name: str) -> None:
        """Report the count of a channel soon.

        Not of users' own, whose subscribers nobody asks for: `of_users` counts connections by them.
        """
        if self._of_users or not name.startswith(USER):
            self._changed[name] = None
            if not self._reporting:
                self._begin()

    def report(self, names: Iterable[str]) -> None:
        """Report the counts of these channels soon."""
        for name in names:
            self.changed(name)

    def _begin(self) -> None:
        self._reporting = True
        wanted, self._wanted = self._wanted, None
        if wanted is None:
            self._tasks.start(self._run())
        elif not wanted.done():
            wanted.set_result(None)

    def report_all(
        self, table: Mapping[str, object], *, channels_of: Channels = _themselves
    ) -> None:
        """Report the counts of all that a table has, in portions: of the channels of its keys."""
        self._tasks.start(self._report_portions(table, channels_of))

    async def _report_portions(self, table: Mapping[str, object], channels_of: Channels) -> None:
        async for some in keys_in_portions(table):
            self.report(channels_of(some))

    async def _run(self) -> None:
        try:
            while True:
                while names := self._changed:
                    self._changed = {}
                    try:
                        await self._report(names)
                    except RiverError:
                        self._changed |= names
                        await asyncio.sleep(RETRY_S)
                self._reporting = False
                self._wanted = asyncio.get_running_loop().create_future()
                await self._wanted
        finally:
            self._reporting, self._wanted = False, None

    async def _report(self, names: dict[str, None]) -> None:
        """Report counts that changed, and take out the names of those that the broker has."""
        while names:
            counts = {name: self._count(name) for name in islice(names, PORTION)}
            await self._report_to_broker(counts)
            if self._reported is not None and (more := self._reported(counts)) is not None:
                await more
            for name in counts:
                del names[name]
            if names:
                # A broker in this process never lets others run meanwhile.
                await asyncio.sleep(0)
