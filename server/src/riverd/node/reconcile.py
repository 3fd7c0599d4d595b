"""Brings what is to what is wanted, one change at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from riverd.backoff import Backoff
from riverd.errors import RiverError
from riverd.tasks import Tasks

RETRY_S_FIRST = 0.1
RETRY_S_MAX = 2.0


class Change(Protocol):
    """Makes it so; called again later when it raised a RiverError."""

    def __call__(self, wanted: bool, /) -> Awaitable[None]:  # noqa: FBT001  the wish itself
        """Make it so, or not so."""
        ...


class Wish:
    """One thing that is either so or not so at the broker, and what is wanted of it.

    Wishes that come while a change is under way do not race it: when it is done, the last wish is
    compared with what is so then. `have` is what is surely so: None when a change failed half-way
    or `doubt` was called, and then the wish is carried out whatever it is.
    """

    __slots__ = ("_change", "_doubted", "_running", "_settled", "_tasks", "have", "wanted")

    def __init__(self, change: Change, tasks: Tasks, *, settled: Callable[[], None]) -> None:
        self._change = change
        self._tasks = tasks
        self._settled = settled
        self._running = False
        self._doubted = False
        self.have: bool | None = False
        self.wanted = False

    @property
    def is_over(self) -> bool:
        """Whether it is not wanted, surely not so, and nothing is under way."""
        return not (self.wanted or self._running) and self.have is False

    def want(self, wanted: bool) -> None:  # noqa: FBT001  the wish itself
        """From now on it should be so, or not."""
        self.wanted = wanted
        if wanted != self.have and not self._running:
            self._running = True
            self._tasks.start(self._run())

    def doubt(self) -> None:
        """What was so may not be so any more: make sure of it again."""
        self._doubted = True
        self.have = None
        self.want(self.wanted)

    async def _run(self) -> None:
        retry = Backoff(RETRY_S_FIRST, RETRY_S_MAX)
        try:
            while self.wanted != self.have:
                wanted, self._doubted = self.wanted, False
                try:
                    await self._change(wanted)
                except RiverError:
                    self.have = None
                    await asyncio.sleep(retry.next_s())
                else:
                    self.have = None if self._doubted else wanted
        finally:
            self._running = False
        self._settled()
