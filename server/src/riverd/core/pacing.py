"""How much is sent to many at once: the larger the crowd, the longer the pause after it."""

CROWD = 500
PAUSE_S_EACH = 30e-6
PAUSE_S_MAX = 0.25


def pause_after(notified: int) -> float:
    """Seconds to wait after so many sessions were notified of joins and leaves; 0 for few.

    Joins and leaves that come meanwhile are sent together: about as much time is left as writing
    takes here and reading takes there. Publications are not to wait for it.
    """
    return min(PAUSE_S_MAX, max(0, notified - CROWD) * PAUSE_S_EACH)
