"""A budget in bytes that comes back with time."""


class ByteBudget:
    """So many bytes a second, after some at once.

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
        return self._left_at(now) <= 0

    def take(self, count: float, *, now: float) -> None:
        """Pay for some bytes."""
        self._left = self._left_at(now) - count
        self._at = now

    def _left_at(self, now: float) -> float:
        return min(self._burst, self._left + max(0.0, now - self._at) * self._rate)
