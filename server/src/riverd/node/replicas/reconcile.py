"""Brings what is so at the broker to what is wanted, one change at a time.

wanted | actual  | running | then
-------+---------+---------+-------------------------------------------------------------
a      | a       | no      | settled: nothing to do
a      | not a   | no      | `_run` begins: apply(a)
a      | unknown | no      | the same, whatever a is: a call failed half-way, or is doubted
a      | any     | yes     | wait: when the change under way is done, look again
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from riverd.errors import RiverError
from riverd.scheduling.backoff import Backoff
from riverd.scheduling.tasks import Tasks

RETRY_S_FIRST = 0.1
RETRY_S_MAX = 2.0


class Apply(Protocol):
    """Makes it so at the broker; called again later when it raised a RiverError."""

    def __call__(self, wanted: bool, /) -> Awaitable[None]:  # noqa: FBT001  the state itself
        """Make it so, or not so."""
        ...


class DesiredState:
    """One thing that is either so or not so at the broker, and whether it should be.

    What is wanted during a change does not race it: when the change is done, the newest desire is
    compared with what is so then. `actual` is what is surely so: None when a change failed
    half-way or `doubt` was called.
    """

    __slots__ = ("_apply", "_doubted", "_running", "_settled", "_tasks", "actual", "wanted")

    def __init__(self, apply: Apply, tasks: Tasks, *, settled: Callable[[], None]) -> None:
        self._apply = apply
        self._tasks = tasks
        self._settled = settled
        self._running = False
        self._doubted = False
        self.actual: bool | None = False
        self.wanted = False

    @property
    def is_absent(self) -> bool:
        """Whether it is not wanted, surely not so, and nothing is under way."""
        return not (self.wanted or self._running) and self.actual is False

    def want(self, wanted: bool) -> None:  # noqa: FBT001  the state itself
        """From now on it should be so, or not."""
        self.wanted = wanted
        if wanted != self.actual and not self._running:
            self._running = True
            self._tasks.start(self._run())

    def doubt(self) -> None:
        """What was so may not be so any more: make sure of it again."""
        self._doubted = True
        self.actual = None
        self.want(self.wanted)

    async def _run(self) -> None:
        retry = Backoff(RETRY_S_FIRST, RETRY_S_MAX)
        try:
            while self.wanted != self.actual:
                wanted, self._doubted = self.wanted, False
                try:
                    await self._apply(wanted)
                except RiverError:
                    self.actual = None
                    await asyncio.sleep(retry.next_s())
                else:
                    self.actual = None if self._doubted else wanted
        finally:
            self._running = False
        self._settled()
