"""The subscribers of one channel that speak one protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riverd.core.session import BEHIND, LIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from riverd.core.batch import FlushBatch
    from riverd.core.session import Subscription
    from riverd.protocols import ClientProtocol


class Audience:
    """Those in `live` were sent what the channel's cursor says; those `behind` have own cursors.

    `publication`, `ephemeral` and `change` make their frames: each is encoded once for all of
    them.
    """

    __slots__ = ("behind", "change", "ephemeral", "live", "protocol", "publication")

    def __init__(self, channel: str, protocol: ClientProtocol) -> None:
        self.protocol = protocol
        self.publication = protocol.publications(channel)
        self.ephemeral = protocol.ephemerals(channel)
        self.change = protocol.changes(channel)
        # With the function that writes to each: the flush is a loop over these and nothing else.
        self.live: dict[Subscription, Callable[[bytes], None]] = {}
        self.behind: set[Subscription] = set()

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self.live) + len(self.behind)

    def add_live(self, subscription: Subscription) -> None:
        """From now on it gets each flush."""
        self.behind.discard(subscription)
        subscription.state = LIVE
        self.live[subscription] = subscription.session.sink.write

    def add_behind(self, subscription: Subscription) -> None:
        """From now on it has a cursor of its own."""
        self.live.pop(subscription, None)
        subscription.state = BEHIND
        self.behind.add(subscription)

    def remove(self, subscription: Subscription) -> None:
        """It is sent nothing any more."""
        self.live.pop(subscription, None)
        self.behind.discard(subscription)

    def write(self, frames: bytes) -> None:
        """Write to all that are live."""
        # A copy, because one that blocks at it is live no more.
        for write in list(self.live.values()) if frames else ():
            write(frames)

    def write_batch(self, batch: FlushBatch, more: bytes) -> int:
        """Write to all that are live what is for each, and then `more`; how many frames less.

        Few are excluded: the others share their bytes.
        """
        shared, withheld = batch.frames + more, 0
        for subscription, write in list(self.live.items()):
            session = subscription.session
            if batch.is_for(session.id, session.continues):
                write(shared)
                continue
            frames, count = batch.without(session.ids())
            withheld += batch.size - count
            if frames or more:
                write(frames + more)
        return withheld
