"""Runs work that blocks in a thread that a stop of the process does not wait for."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

THREADS_MAX = 8

T = TypeVar("T")


class BusyError(OSError):
    """So much work that was begun before has not ended yet, though nobody waits for it."""


class Aside:
    """A place beside the loop for work of one kind.

    What blocks for ever blocks some threads, and not one more each time that it is tried again.
    """

    def __init__(self) -> None:
        self._free = threading.Semaphore(THREADS_MAX)

    async def done(self, work: Callable[[], T]) -> T:
        """What the work gives or raises. Who is tired of waiting may go: the work is left alone.

        Raises:
            BusyError: too much of it is still under way.
        """
        if not self._free.acquire(blocking=False):
            raise BusyError(f"the last {THREADS_MAX} attempts have not ended yet")
        outcome: Future[T] = Future()
        # Now it cannot be cancelled any more: its thread may always put its result there.
        outcome.set_running_or_notify_cancel()
        try:
            threading.Thread(target=self._do, args=(work, outcome), daemon=True).start()
        except RuntimeError:
            self._free.release()
            raise
        return await asyncio.wrap_future(outcome)

    def _do(self, work: Callable[[], T], outcome: "Future[T]") -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  raised again where it is waited for
            self._free.release()
            outcome.set_exception(error)
        else:
            self._free.release()
            outcome.set_result(result)
