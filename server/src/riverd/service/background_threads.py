"""Runs work that blocks in threads that a stop of the process does not wait for."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

THREADS_MAX = 8

T = TypeVar("T")


class BusyError(OSError):
    """Too much work that was begun earlier has not ended yet, though nobody waits for it."""


class BackgroundThreads:
    """Threads for blocking work of one kind.

    What blocks for ever blocks a few threads, and not one more each time that it is tried again.
    """

    def __init__(self) -> None:
        self._free = threading.Semaphore(THREADS_MAX)

    async def run(self, work: Callable[[], T]) -> T:
        """What the work returns or raises. Cancelling this call leaves the work to itself.

        Raises:
            BusyError: too much of it is still under way.
        """
        if not self._free.acquire(blocking=False):
            raise BusyError(f"the last {THREADS_MAX} attempts have not ended yet")
        outcome: Future[T] = Future()
        # From here on it cannot be cancelled: its thread may always store its result.
        outcome.set_running_or_notify_cancel()
        try:
            threading.Thread(target=self._run, args=(work, outcome), daemon=True).start()
        except RuntimeError:
            self._free.release()
            raise
        return await asyncio.wrap_future(outcome)

    def _run(self, work: Callable[[], T], outcome: "Future[T]") -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  raised again where it is awaited
            self._free.release()
            outcome.set_exception(error)
        else:
            self._free.release()
            outcome.set_result(result)
