"""Bounds what waits for all clients together that do not read."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

KERNEL_BYTES = 262_144
"""What the kernel holds for a socket that takes no more, by its own count (service/sockets.py)."""


class Waiting(Protocol):
    """A connection whose socket takes no more."""

    @property
    def waiting_bytes(self) -> int:
        """What waits for it in this process."""
        ...


T = TypeVar("T", bound=Waiting)


class SlowReaders(Generic[T]):
    """Connections that take no more, the one that stopped first in front.

    When too much waits for all of them it is that one that goes: `evict` closes it. A client that
    reads slowly takes something now and then, and is the last in the row again.
    """

    def __init__(self, bytes_max: float, *, evict: Callable[[T], None]) -> None:
        self.waiting_bytes = 0
        self._bytes_max = bytes_max
        self._evict = evict
        self._waiting: dict[T, int] = {}

    def add(self, one: T) -> None:
        """It takes no more from now on."""
        self.discard(one)
        size = self._waiting[one] = one.waiting_bytes + KERNEL_BYTES
        self.waiting_bytes += size
        while self.waiting_bytes > self._bytes_max and len(self._waiting) > 1:
            first = next(iter(self._waiting))
            self.discard(first)
            self._evict(first)

    def discard(self, one: T) -> None:
        """It takes more, or is gone."""
        self.waiting_bytes -= self._waiting.pop(one, 0)
