"""An event loop whose time passes at once: waiting costs nothing and nothing comes from outside."""

from __future__ import annotations

import asyncio
import math
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from heapq import heapify, heappop, heappush
from typing import Any

TURNS_MAX = 20_000
RESOLUTION_S = 1e-9
"""What is due so soon is due."""
TIMERS_MIN = 100
"""Of more timers those that were cancelled are thrown away, once they are half of all."""
SLEPT = (None,)

Callback = Callable[..., object]


class Stuck(Exception):  # noqa: N818  it is what happened
    """Nothing will ever happen any more, or the same happens for ever at one moment."""


class VirtualTimer(float):
    """A call at a time, which it is: so a heap compares timers without a line of Python.

    `is_waiting` as long as it is in the heap.
    """

    __slots__ = ("args", "callback", "is_cancelled", "is_waiting", "loop")

    callback: Callback
    args: tuple[Any, ...]
    loop: VirtualLoop
    is_cancelled: bool
    is_waiting: bool

    def when(self) -> float:
        """As a handle of asyncio's."""
        return float(self)

    def cancelled(self) -> bool:
        """As a handle of asyncio's."""
        return self.is_cancelled

    def cancel(self) -> None:
        """As a handle of asyncio's."""
        if not self.is_cancelled:
            self.is_cancelled = True
            if self.is_waiting:
                self.loop.cancelled += 1

    def fire(self) -> None:
        """Call, unless it was cancelled."""
        if not self.is_cancelled:
            self.callback(*self.args)


@types.coroutine
def _turn() -> Generator[None, None, None]:
    yield


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop in virtual time. Its order of events depends on what is scheduled and nothing else.

    Time passes in steps: as in a busy process, much happens in one turn. It does what asyncio's
    own loop does, in the same order (for timers of one moment too: it has the same heap), but with
    much less ado, and without contexts, which nobody uses here.
    """

    # Called for every future: a call of C.
    get_debug = staticmethod(bool)  # type: ignore[assignment]

    def __init__(self, *, step_s: float) -> None:
        super().__init__()
        self.now_s = 0.0
        self.cancelled = 0
        """How many of the timers that wait were cancelled."""
        self._turns = 0
        self._step_s = step_s
        self._calls: deque[tuple[Callback, tuple[Any, ...]]] = deque()
        self._timers: list[VirtualTimer] = []

    def time(self) -> float:
        return self.now_s

    def patience_begins(self) -> None:
        """Let it turn as often again as it may at one moment."""
        self._turns = 0

    def call_soon(self, callback: Callback, *args: Any, context: Any = None) -> Any:
        if context is not None:
            # asyncio's own, thousands of times a run: nobody cancels these.
            self._calls.append((callback, args))
            return None
        timer = self._timer(self.now_s, callback, args)
        timer.is_waiting = False
        self._calls.append((timer.fire, ()))
        return timer

    def call_soon_threadsafe(self, callback: Callback, *args: Any, context: Any = None) -> Any:
        """For what is left of asynchronous generators; there is one thread."""
        return self.call_soon(callback, *args, context=context)

    def call_later(self, delay: float, callback: Callback, *args: Any, context: Any = None) -> Any:
        del context
        timer = self._timer(self.now_s + delay, callback, args)
        heappush(self._timers, timer)
        return timer

    def call_at(self, when: float, callback: Callback, *args: Any, context: Any = None) -> Any:
        del context
        timer = self._timer(when, callback, args)
        heappush(self._timers, timer)
        return timer

    async def sleep(self, delay: float, result: Any = None) -> Any:
        """As `asyncio.sleep`, which a run does thousands of times."""
        if delay <= 0:
            await _turn()
            return result
        slept: asyncio.Future[None] = asyncio.Future(loop=self)
        timer = self._timer(self.now_s + delay, slept.set_result, SLEPT)
        heappush(self._timers, timer)
        try:
            await slept
        except BaseException:
            timer.cancel()
            raise
        return result

    def _timer(self, when: float, callback: Callback, args: tuple[Any, ...]) -> VirtualTimer:
        timer = VirtualTimer(when)
        timer.callback = callback
        timer.args = args
        timer.loop = self
        timer.is_cancelled = False
        timer.is_waiting = True
        return timer

    def run_forever(self) -> None:
        with self._own_sleep():
            super().run_forever()

    @contextmanager
    def _own_sleep(self) -> Iterator[None]:
        before, running = asyncio.sleep, asyncio._get_running_loop

        def sleep(delay: float, result: Any = None) -> Coroutine[Any, Any, Any]:
            # Other threads may have loops of their own: servers of other tests.
            own = self.sleep if running() is self else before
            return own(delay, result)

        asyncio.sleep = sleep
        try:
            yield
        finally:
            asyncio.sleep = before

    def _run_once(self) -> None:
        """All turns until it is stopped: asyncio's own loop asks for one after another."""
        calls = self._calls
        while not self._stopping:  # type: ignore[attr-defined]
            if self.cancelled:
                self._drop_cancelled()
            if not calls:
                self._pass_time()
            due = self._due()
            for _ in range(len(calls)):
                callback, args = calls.popleft()
                try:
                    callback(*args)
                except Exception as error:  # noqa: BLE001  the world wants to know
                    self._failed(callback, error)
            for timer in due:
                if not timer.is_cancelled:
                    try:
                        timer.callback(*timer.args)
                    except Exception as error:  # noqa: BLE001  the world wants to know
                        self._timer_failed(timer, error)

    def _drop_cancelled(self) -> None:
        timers = self._timers
        if len(timers) > TIMERS_MIN and self.cancelled / len(timers) > 0.5:
            self._timers = [one for one in timers if not one.is_cancelled]
            heapify(self._timers)
            self.cancelled = 0
            return
        while timers and timers[0].is_cancelled:
            heappop(timers).is_waiting = False
            self.cancelled -= 1

    def _pass_time(self) -> None:
        """Where a real loop would wait for sockets, this one lets its time pass."""
        if not self._timers:
            raise Stuck("nobody waits for a time, and nothing else can come")
        wait_s = self._timers[0] - self.now_s
        if wait_s > 0:
            steps = math.ceil((self.now_s + wait_s) / self._step_s)
            self.now_s = max(self.now_s + wait_s, steps * self._step_s)
            self._turns = 0

    def _due(self) -> list[VirtualTimer]:
        self._turns += 1
        if self._turns > TURNS_MAX:
            raise Stuck("the loop turns and turns, and no time passes")
        timers, end_s = self._timers, self.now_s + RESOLUTION_S
        due = []
        while timers and timers[0] < end_s:
            timer = heappop(timers)
            timer.is_waiting = False
            due.append(timer)
        return due

    def _timer_failed(self, timer: VirtualTimer, error: Exception) -> None:
        is_late = timer.args is SLEPT and isinstance(error, asyncio.InvalidStateError)
        # Who slept may have been cancelled in this turn.
        if not is_late:
            self._failed(timer.callback, error)

    def _failed(self, callback: Callback, error: Exception) -> None:
        message = f"Exception in callback {callback}"
        self.call_exception_handler({"message": message, "exception": error})
