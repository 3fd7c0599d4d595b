"""Waits no longer than is allowed, and pays for a timer only if there is a wait."""

import asyncio
from collections.abc import Coroutine, Generator
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[object, None, T]) -> T:
    """What the work returns, if it takes no longer.

    Most of what a request asks for is there already: the first step is made without a timer, which
    would cost as much as all the rest of a small request.

    Raises:
        TimeoutError: it took longer, and was cancelled.
    """
    try:
        first = work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    async with asyncio.timeout(seconds):
        return await _Rest(work, first)


class _Rest(Generic[T]):
    """The rest of some work whose first step was made, and now waits for something."""

    __slots__ = ("_waited_for", "_work")

    def __init__(self, work: Coroutine[object, None, T], waited_for: object) -> None:
        self._work = work
        self._waited_for = waited_for

    def __await__(self) -> Generator[object, None, T]:
        """Hand on what is waited for, and back what came of it: as `yield from` does it."""
        waited_for = self._waited_for
        while True:
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001  also a cancellation is the work's
                step = partial(self._work.throw, error)
            else:
                step = partial(self._work.send, None)
            try:
                waited_for = step()
            except StopIteration as done:
                result: T = done.value
                return result
