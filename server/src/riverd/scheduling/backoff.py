"""How long to wait before the next attempt: longer each time, and not with everybody else."""

import random


class Backoff:
    """Delays that double from `first_s` to `most_s`, each with full jitter.

    Full jitter: any delay from 0 to the limit is as likely as another, so that those who failed
    together do not come back together.
    """

    __slots__ = ("_first_s", "_limit_s", "_most_s")

    def __init__(self, first_s: float, most_s: float) -> None:
        assert 0 < first_s <= most_s, "delays grow"
        self._first_s = first_s
        self._most_s = most_s
        self._limit_s = first_s

    def next_s(self) -> float:
        """The delay before the next attempt."""
        limit_s = self._limit_s
        self._limit_s = min(self._most_s, limit_s * 2)
        return random.uniform(0, limit_s)  # noqa: S311  jitter

    def reset(self) -> None:
        """An attempt succeeded."""
        self._limit_s = self._first_s
