"""Runs work that blocks in a thread that a stop of the process does not wait for."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def done(work: Callable[[], T]) -> T:
    """What the work gives or raises. Who is tired of waiting may go: the work is left alone."""
    outcome: Future[T] = Future()
    # Now it cannot be cancelled any more: its thread may always put its result there.
    outcome.set_running_or_notify_cancel()
    threading.Thread(target=_do, args=(work, outcome), daemon=True).start()
    return await asyncio.wrap_future(outcome)


def _do(work: Callable[[], T], outcome: Future[T]) -> None:
    try:
        result = work()
    except Exception as error:  # noqa: BLE001  raised again where it is waited for
        outcome.set_exception(error)
    else:
        outcome.set_result(result)
