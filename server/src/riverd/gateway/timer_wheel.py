"""Wakes many things at their times with one timer."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Wheel(Generic[T]):
    """Times rounded up to ticks. Adding costs no timer; a thing may be in it several times."""

    __slots__ = ("_clock", "_slots", "_tick", "_tick_s")

    def __init__(self, *, tick_s: float, clock: Callable[[], float]) -> None:
        self._tick_s = tick_s
        self._clock = clock
        self._tick = int(clock() / tick_s)
        self._slots: dict[int, set[T]] = {}

    def add(self, thing: T, at: float) -> int:
        """Have the thing among the due ones at this time of the clock, at most a tick later.

        Returns:
            the tick, for `discard`.
        """
        tick = int(at / self._tick_s) + 1
        if tick <= self._tick:
            tick = self._tick + 1
        slot = self._slots.get(tick)
        if slot is None:
            slot = self._slots[tick] = set()
        slot.add(thing)
        return tick

    def discard(self, thing: T, tick: int) -> None:
        """Keep the thing no more, if it is still there."""
        slot = self._slots.get(tick)
        if slot is not None:
            slot.discard(thing)

    def due(self) -> list[T]:
        """The things whose time has come since the last call."""
        until = int(self._clock() / self._tick_s)
        things: list[T] = []
        for tick in range(self._tick + 1, until + 1):
            things += self._slots.pop(tick, ())
        self._tick = until
        return things
