"""Delays of millions of deliveries in little room: counted in buckets 3% wide."""

_BITS = 5
_STEPS = 1 << _BITS
_BUCKETS = 64 * _STEPS
NS_MAX = (1 << 62) - 1


class Delays:
    """A histogram of nanoseconds; its answers are in milliseconds."""

    __slots__ = ("_buckets", "count", "highest_ns")

    def __init__(self) -> None:
        self._buckets = [0] * _BUCKETS
        self.count = 0
        self.highest_ns = 0

    def add(self, delay_ns: int) -> None:
        """Count one. Clocks of one machine do not run backwards: less than nothing is nothing."""
        delay_ns = min(max(delay_ns, 0), NS_MAX)
        self.highest_ns = max(self.highest_ns, delay_ns)
        self.count += 1
        self._buckets[_bucket(delay_ns)] += 1

    def percentile_ms(self, percent: float) -> float:
        """The delay that so many percent do not exceed, up to 3% more; 0 when there are none."""
        wanted = self.count * percent / 100
        seen = 0
        for bucket, count in enumerate(self._buckets):
            seen += count
            if count and seen >= wanted:
                return min(_upper_ns(bucket), self.highest_ns) / 1e6
        return 0.0

    @property
    def max_ms(self) -> float:
        """The longest, exactly."""
        return self.highest_ns / 1e6


def _bucket(delay_ns: int) -> int:
    """Small numbers by themselves, larger ones by their first six binary digits."""
    excess = delay_ns.bit_length() - _BITS - 1
    if excess <= 0:
        return delay_ns
    return excess * _STEPS + (delay_ns >> excess)


def _upper_ns(bucket: int) -> int:
    """The largest number in a bucket."""
    excess = bucket // _STEPS - 1
    if excess <= 0:
        return bucket
    return ((bucket - excess * _STEPS + 1) << excess) - 1
