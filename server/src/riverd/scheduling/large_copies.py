"""Copies of very many objects that the garbage collector never looks through.

A young container with 100,000 objects makes the next collection of young ones take 10 ms.
"""

import gc
from collections.abc import Callable, Sized
from typing import TypeVar

MANY = 10_000

T = TypeVar("T")


class LargeCopies:
    """Makes them, and has them frozen at once, where old objects are frozen anyway.

    `collect_first` takes circles out of what is frozen with them; None where nothing is frozen.
    """

    def __init__(self) -> None:
        self.collect_first: Callable[[], None] | None = None

    def copy(self, found: Sized, copy: Callable[[], T]) -> T:
        """Copy what was found."""
        if len(found) < MANY or self.collect_first is None:
            return copy()
        self.collect_first()
        copied = copy()
        gc.freeze()
        return copied


LARGE_COPIES = LargeCopies()
"""There is one collector."""
