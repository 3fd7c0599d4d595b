"""Counts what is done within one turn of the event loop."""

import asyncio
from collections import Counter
from typing import Any


class TurnTally:
    """How often something is done within one turn of the loop."""

    def __init__(self) -> None:
        self.turn = 0
        self.done: Counter[int] = Counter()
        selector: Any = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]  the only sign of a turn
        select = selector.select

        def counting(timeout: float | None = None) -> object:
            self.turn += 1
            return select(timeout)

        selector.select = counting

    def count(self) -> None:
        self.done[self.turn] += 1

    def end(self) -> int:
        """The most in one turn."""
        return max(self.done.values(), default=0)
