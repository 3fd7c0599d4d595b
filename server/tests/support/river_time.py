"""A loop that does not wait: when nothing else is to do, it is later."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

P = ParamSpec("P")

TURNS_MAX = 20_000


class SkippingLoop(asyncio.SelectorEventLoop):
    """Time stands still while there is something to do, and jumps to the next timer otherwise.

    Only for what stays within the process: nobody outside keeps step.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._turns = 0
        selector: Any = self._selector  # type: ignore[attr-defined]  no other place to wait at
        select = selector.select

        def skip(timeout: float | None = None) -> object:
            assert timeout is not None, "waiting for what will never come"
            self._turns = 0 if timeout else self._turns + 1
            if self._turns > TURNS_MAX:
                self._turns = 0
                raise AssertionError("busy for ever")
            self._now += timeout
            return select(0)

        selector.select = skip

    def time(self) -> float:
        return self._now


def in_no_time(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Run an async test on a loop that does not wait."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=SkippingLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
