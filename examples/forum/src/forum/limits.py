"""How often one person or address may do a thing."""

import threading
from collections import OrderedDict
from collections.abc import Callable

KEYS_MAX = 10_000


class RateLimit:
    """A bucket a key that fills again at a steady rate; the least used keys are forgotten."""

    def __init__(
        self, *, per_minute: int, clock_s: Callable[[], float], keys_max: int = KEYS_MAX
    ) -> None:
        self._keys_max = keys_max
        self._per_minute = per_minute
        self._clock_s = clock_s
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allow(self, key: str) -> bool:
        """Take one from the key's bucket. False if it is empty."""
        with self._lock:
            now_s = self._clock_s()
            left, then_s = self._buckets.pop(key, (float(self._per_minute), now_s))
            left = min(self._per_minute, left + (now_s - then_s) * self._per_minute / 60)
            allowed = left >= 1
            self._buckets[key] = (left - 1 if allowed else left, now_s)
            if len(self._buckets) > self._keys_max:
                self._buckets.popitem(last=False)
            return allowed
