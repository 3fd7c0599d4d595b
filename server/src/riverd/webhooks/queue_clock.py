"""The time of a webhook's queues, which goes on where the broker's clock is set back."""

import msgspec

from riverd.broker.webhooks import QueueReading

SLACK_MS = 1_000
"""By so much clocks differ without having been set."""


class QueueClock:
    """Runs ahead of the broker's clock by as much as that was set back.

    What was written before may be ahead of the broker's clock (and in Redis all that is written
    until it has caught up): leaves and retries would wait for that.
    """

    __slots__ = ("_ahead_ms", "_complete_ms", "_now_ms")

    def __init__(self) -> None:
        self._ahead_ms = 0
        self._now_ms = 0
        self._complete_ms = 0
        """All that was written before was read by now."""

    def timed(self, reading: QueueReading) -> QueueReading:
        """A reading in this time. An event was written after the last complete reading at least."""
        newest_ms = max((one.since_ms for one in reading.events), default=0)
        behind_ms = max(newest_ms, self._now_ms) - reading.now_ms
        if behind_ms > self._ahead_ms + SLACK_MS:
            self._ahead_ms = behind_ms
        now_ms = self._now_ms = max(self._now_ms, reading.now_ms + self._ahead_ms)
        is_complete = reading.seen_ms == reading.now_ms
        if self._ahead_ms:
            events = [
                msgspec.structs.replace(one, since_ms=max(one.since_ms, self._complete_ms))
                for one in reading.events
            ]
            seen_ms = now_ms if is_complete else reading.seen_ms
            reading = QueueReading(now_ms, seen_ms, events)
        if is_complete:
            self._complete_ms = now_ms
        return reading
