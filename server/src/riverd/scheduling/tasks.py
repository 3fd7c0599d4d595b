"""Background work with an owner."""

import asyncio
from collections.abc import Callable, Coroutine


class Tasks:
    """Runs background work: keeps it, reports its failures, cancels it at the end."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._closed = False

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run it until it ends or `close` is called; after that nothing is run any more."""
        if self._closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Cancel what still runs, and wait for its end."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)
