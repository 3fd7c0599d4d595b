"""Writes to all live subscribers of channels: where they are many, some in each turn of the loop.

    the turn has room for all of them  --> they are written to at once
    it has not                         --> a round: with each flush some more are written to, and
                                           the others are owed it

Who is owed something may block, or be sent a gap: what it is sent in its own time comes after what
it is owed, so the caller settles that first.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from riverd.core.batch import batch_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from riverd.core.audience import Audience, Part, Share
    from riverd.core.batch import FlushBatch
    from riverd.core.channel import Channel
    from riverd.core.session import Subscription

WRITES_MAX = 1_000
"""In one turn: some 7 us each."""
HEAVY_BYTES = 16_384
"""A write of so much counts for two."""


class Fanout:
    """The only writer to audiences.

    `left` is how many more writes this turn has room for, `writing` are the audiences of whom some
    are owed something. `deliveries` counts events that sessions were given, `notified` those who
    were sent joins and leaves, until it is taken.
    """

    __slots__ = ("_writes_max", "deliveries", "left", "notified", "writing")

    def __init__(self, writes_max: int) -> None:
        self.deliveries = 0
        self.left = self._writes_max = writes_max
        self.notified = 0
        self.writing: dict[Audience, None] = {}

    @property
    def gaps_max(self) -> int:
        """How many more gaps, each made for one, a turn has room for: never none."""
        return max(1 + self._writes_max // 10, self.left // 2)

    def send_news(self, channels: dict[Channel, None]) -> Iterable[Channel]:
        """Begin a turn: write what is owed, then what is new in channels, the oldest first.

        Gives the channels for which there was room: all as they are, or some, which are taken out.
        """
        self.left = self._writes_max
        if self.writing:
            self._go_on()
        count = 0
        # No more channels than writes, because some have no live subscribers.
        for channel in islice(channels, self._writes_max):
            if self.left <= 0:
                break
            count += 1
            self.send_new(channel)
        if count == len(channels):
            return channels
        flushed = list(islice(channels, count))
        for channel in flushed:
            del channels[channel]
        return flushed

    def _go_on(self) -> None:
        while self.writing and self.left > 0:
            audience = next(iter(self.writing))
            self._write_some(audience)
            if not audience.rounds:
                del self.writing[audience]

    def take_notified(self) -> int:
        """How many were notified, and begin again."""
        notified, self.notified = self.notified, 0
        return notified

    def send_new(self, channel: Channel) -> None:
        """Send the live ones what is new."""
        log, sent = channel.log, channel.sent
        if channel.presence is not None or channel.passing or channel.excluding > sent:
            self._send_mixed(channel)
            return
        # What most channels have: new entries, and all of them for everybody.
        channel.sent = offset = log.offset
        if offset <= sent:
            return
        for audience in channel.audiences.values():
            if audience.live:
                frames = b"".join(log.frames(audience.publication, sent))
                self.write(audience, frames, size=offset - sent, after=sent)

    def _send_mixed(self, channel: Channel) -> None:
        sent, sent_version = channel.sent, channel.sent_version
        log, presence = channel.log, channel.presence
        passing = channel.passing
        is_for_all = not passing and channel.excluding <= sent
        if passing:
            channel.passing = []
            channel.passed += passing
        # Noted before it is written: one that blocks at the write has been sent all of it.
        channel.sent = log.offset
        channel.sent_version = 0 if presence is None else presence.position.offset
        for audience in channel.audiences.values():
            if not audience.live:
                continue
            frames, size = b"", 0
            if is_for_all and log.offset > sent:
                frames = b"".join(log.frames(audience.publication, sent))
                size = log.offset - sent
            if presence is not None and channel.sent_version > sent_version:
                frames += presence.changes.joined(audience.change, sent_version)
                size += channel.sent_version - sent_version
                self.notified += len(audience.live)
            if is_for_all:
                self.write(audience, frames, size=size, after=sent)
            else:
                batch = batch_of(
                    log,
                    passing,
                    after=sent,
                    publication=audience.publication,
                    ephemeral=audience.ephemeral,
                )
                self.write_batch(audience, batch, changes=frames, count=size, after=sent)

    def write(self, audience: Audience, frames: bytes, *, size: int, after: int) -> None:
        """Write `size` events to all that are live, who were sent everything up to `after`."""
        if not frames:
            return
        count, weight = len(audience.live), 1 + len(frames) // HEAVY_BYTES
        left = self.left - count * weight
        if left >= 0 and not audience.rounds:
            self.left = left
            self.deliveries += size * count
            # A copy, because one that blocks at it is live no more.
            for write_to_one in list(audience.live.values()):
                write_to_one(frames)
        else:
            self._begin(audience, (frames, size), weight=weight, after=after)

    def write_batch(
        self, audience: Audience, batch: FlushBatch, *, changes: bytes, count: int, after: int
    ) -> None:
        """The same for what is not for all of them, and `count` changes behind it that are."""
        shared, size = batch.frames + changes, batch.size + count
        if not batch.excluded:
            self.write(audience, shared, size=size, after=after)
            return

        def part(subscription: Subscription) -> tuple[bytes, int]:
            session = subscription.session
            # Few are excluded: the others share their bytes.
            if batch.is_for(session.id, session.continues):
                return shared, size
            frames, left = batch.without(session.ids())
            return frames + changes, left + count

        self._begin(audience, part, weight=1 + len(shared) // HEAVY_BYTES, after=after)

    def _begin(self, audience: Audience, part: Part | Share, *, weight: int, after: int) -> None:
        audience.begin(part, weight=weight, after=after)
        if self.left > 0:
            self._write_some(audience)
        if audience.rounds:
            self.writing[audience] = None

    def _write_some(self, audience: Audience) -> None:
        oldest = audience.rounds[0]
        count = min(len(oldest.owed), max(1, self.left // oldest.weight))
        self.left -= count * oldest.weight
        self.deliveries += audience.go_on(count)

    def settle(self, audience: Audience, subscription: Subscription) -> bool:
        """Write one that takes more what it is owed; whether it still does then."""
        self.deliveries += audience.settle(subscription)
        return not subscription.session.blocked
