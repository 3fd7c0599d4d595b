"""Hash tags for the queues of webhooks: one for each slot of a cluster, one for a single server."""

from functools import lru_cache
from itertools import count

from riverd.broker.redis.keys import WEBHOOKS
from riverd.broker.redis.topology import SLOTS, slot_of

_ONE = (WEBHOOKS,)
BYTES_MIN = 65_536
"""Of a queue: a cluster has one in each slot, and few of them fill."""


class QueueTags:
    """Where the events of a channel are queued: in the channel's own slot."""

    def __init__(self, *, is_clustered: bool) -> None:
        self._is_clustered = is_clustered

    @property
    def all(self) -> tuple[str, ...]:
        """All tags that there are."""
        return _tags() if self._is_clustered else _ONE

    def share_of(self, bytes_max: int) -> int:
        """How many bytes one queue may have, if all of a webhook have so many."""
        return max(BYTES_MIN, bytes_max // len(self.all))

    def of(self, channel: str) -> str:
        """The tag for a channel's events."""
        return _tags()[slot_of(f"{{{channel}}}")] if self._is_clustered else WEBHOOKS


@lru_cache(maxsize=1)
def _tags() -> tuple[str, ...]:
    """A tag for each slot; a tenth of a second, once, and in a cluster only."""
    found: dict[int, str] = {slot_of(WEBHOOKS): WEBHOOKS}
    for number in count():
        if len(found) == SLOTS:
            return tuple(found[slot] for slot in range(SLOTS))
        found.setdefault(slot_of(f"{number:x}"), f"{number:x}")
    raise AssertionError("each slot has a tag")
