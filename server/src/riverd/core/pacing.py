"""What is due to many at once, spread over time: the larger the crowd, the longer it takes."""

CROWD = 500
PAUSE_S_EACH = 30e-6
PAUSE_S_MAX = 0.25

RELOAD_S_EACH = 0.02
RELOAD_S_MAX = 60.0


def pause_after(notified: int) -> float:
    """Seconds to wait after so many sessions were notified of joins and leaves; 0 for few.

    Joins and leaves that come meanwhile are sent together: about as much time is left as writing
    takes here and reading takes there. Publications are not to wait for it.
    """
    return min(PAUSE_S_MAX, max(0, notified - CROWD) * PAUSE_S_EACH)


class ReloadDelays:
    """Spreads the reloads of clients that were sent a gap: each gets the next free moment.

    A gap of one client costs it nothing; 300 that are notified together reload over 6 s, whether
    they share a channel or not. What would have to wait longer than a minute begins again at once,
    so that a larger crowd is evenly spread over the minute.
    """

    __slots__ = ("_free_at", "_last_at")

    def __init__(self) -> None:
        self._free_at = 0.0
        self._last_at = 0.0

    def last_s(self, now: float) -> float:
        """How long the last of those that were sent one waits from now."""
        return max(0.0, self._last_at - now)

    def next_ms(self, now: float) -> int:
        """How long the next client is to wait before it reloads its state."""
        delay_s = max(0.0, self._free_at - now)
        if delay_s > RELOAD_S_MAX:
            delay_s = 0.0
        self._free_at = now + delay_s + RELOAD_S_EACH
        self._last_at = max(self._last_at, now + delay_s)
        return round(delay_s * 1000)
