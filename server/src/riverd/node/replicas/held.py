"""What a node holds of the broker's logs: see `healing/process.py`."""

import math
from collections import deque
from collections.abc import Iterable

from riverd.core.channel import Channel
from riverd.healing.offers import Held, Known, Replica
from riverd.model.log import Position
from riverd.node.replicas.attachment import Attachment
from riverd.scheduling.portions import portions

FORMER_S = 60.0
PORTION = 50
"""Of channels, each with all its publications."""


class FormerReplicas:
    """Up to where this node had the channels that it detached.

    Somebody may have been sent what only this node had, so they are kept while the broker is away.
    """

    def __init__(self) -> None:
        self._positions: deque[tuple[float, str, Position]] = deque()
        self._confirmed_at = -math.inf

    def note(self, channel: str, position: Position, *, now: float) -> None:
        """A channel is detached."""
        before = self._confirmed_at - FORMER_S
        while self._positions and self._positions[0][0] < before:
            self._positions.popleft()
        self._positions.append((now, channel, position))

    def confirmed(self, at: float) -> None:
        """The broker was there."""
        self._confirmed_at = at

    def known(self, now: float) -> list[Known]:
        """The positions."""
        return [
            Known(channel, position.epoch, position.offset, age_s=now - at)
            for at, channel, position in self._positions
        ]


async def held(attachments: Iterable[Attachment], former: FormerReplicas, *, now: float) -> Held:
    """All replicas, and what is known of former ones. Nothing comes from the broker meanwhile."""
    replicas: list[Replica] = []
    async for some in portions(list(attachments), PORTION):
        replicas += [
            _replica(one.channel, age_s=now - one.confirmed_at, now=now)
            for one in some
            if one.channel is not None
        ]
    return replicas, former.known(now)


def _replica(channel: Channel, *, age_s: float, now: float) -> Replica:
    log = channel.log
    publications = tuple(log.since(log.oldest) or ())
    ages_s = tuple(now - (log.taken_at(one.offset) or now) for one in publications)
    return Replica(channel.name, log.epoch, log.offset, age_s, publications, ages_s)
