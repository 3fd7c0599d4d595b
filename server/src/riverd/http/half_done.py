"""Work whose first step was made outside of a task, to be awaited in one."""

from collections.abc import Coroutine, Generator
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")


class HalfDone(Generic[T]):
    """The rest of some work whose first step was made, and now waits for something.

    Most handlers wait for nothing: their first step is their last, and needs no task.
    """

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
