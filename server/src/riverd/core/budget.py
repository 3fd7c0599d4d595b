"""Budgets that come back with time: of bytes, messages, or whatever else can be counted."""

from collections.abc import Callable, Hashable
from typing import TypeVar

LOOKED_AT = 2
"""Of entries that may be over, so many are looked at for each that is added."""

K = TypeVar("K")
V = TypeVar("V")


class Budget:
    """So much a second, after some at once.

    What it costs is often known only afterwards: so it may be overdrawn once, and is used again
    when the debt is paid.
    """

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float, *, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = now

    def is_spent(self, now: float) -> bool:
        """Whether nothing is left at `now` (seconds, of any clock)."""
        return self.left(now) <= 0

    def is_full(self, now: float) -> bool:
        """Whether it is as one that was never used."""
        return self.left(now) >= self._burst

    def take(self, count: float, *, now: float) -> None:
        """Pay for so much."""
        self._left = self.left(now) - count
        self._at = now

    def left(self, now: float) -> float:
        """What is left at `now`; less than nothing while there is a debt."""
        return min(self._burst, self._left + max(0.0, now - self._at) * self._rate)


class KeyedBudgets:
    """A budget for each key. Only those of which something is spent are kept."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._budgets: dict[Hashable, Budget] = {}

    def __len__(self) -> int:
        return len(self._budgets)

    def is_spent(self, key: Hashable, now: float) -> bool:
        """Whether not even one is left."""
        budget = self._budgets.get(key)
        return budget is not None and budget.left(now) < 1

    def take(self, key: Hashable, *, now: float) -> None:
        """Pay for one."""
        budget = self._budgets.pop(key, None) or Budget(self._rate, self._burst, now=now)
        budget.take(1, now=now)
        self._budgets[key] = budget
        drop_some(self._budgets, lambda one: one.is_full(now))


def drop_some(entries: dict[K, V], is_over: Callable[[V], bool]) -> None:
    """Look at the entries that were looked at longest ago, and drop those that are over.

    Called with each new entry, it keeps them about as few as are not over.
    """
    for _ in range(min(LOOKED_AT, len(entries))):
        key = next(iter(entries))
        entry = entries.pop(key)
        if not is_over(entry):
            entries[key] = entry
