"""The subscribers of one channel that speak one protocol."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from riverd.core.session import BEHIND, LIVE, LOST, Subscription
from riverd.scheduling.large_copies import LARGE_COPIES

if TYPE_CHECKING:
    from riverd.model.log import Position
    from riverd.protocols import ClientProtocol

Share = tuple[bytes, int]
"""Frames, and how many events they are."""
Part = Callable[[Subscription], Share]
"""Gives the share of one."""


class Round:
    """What is written to all who were live when it began: those in `owed` wait for it.

    They were sent everything up to `after`. A write counts for `weight`.

    A live one takes frames with one function. One that waits may block, begin a long message or
    end, and its sink has another function then: it is asked at each write.
    """

    __slots__ = ("_part", "after", "owed", "weight")

    def __init__(self, audience: Audience, part: Part | Share, *, weight: int, after: int) -> None:
        # Copied with the functions, which takes a fifth of the time of the keys alone.
        self.owed = LARGE_COPIES.copy(audience.live, audience.live.copy)
        self.after = after
        self.weight = weight
        self._part = part

    def write(self, subscription: Subscription) -> int:
        """Write one what it is owed, if it is: how many events that is."""
        if subscription not in self.owed:
            return 0
        del self.owed[subscription]
        frames, count = self._part(subscription) if callable(self._part) else self._part
        if frames:
            subscription.session.sink.write(frames)
        return count

    def go_on(self, count: int) -> int:
        """Write to some who are owed it; how many events that is."""
        # A copy, because one that blocks at it may end others.
        some = list(islice(self.owed, count))
        if callable(self._part):
            return sum([self.write(one) for one in some])
        frames, size = self._part
        owed, events = self.owed, 0
        for subscription in some:
            if subscription in owed:
                del owed[subscription]
                subscription.session.sink.write(frames)
                events += size
        return events


class LostCrowd:
    """Those who were live when the log began again, until each is sent that: `began_at` says where.

    They had this `version` of the list of members. It is noted once for all of them: to give each
    a cursor of its own at once would stop the loop where they are many.
    """

    __slots__ = ("began_at", "subscriptions", "version")

    def __init__(
        self,
        subscriptions: dict[Subscription, Callable[[bytes], None]],
        *,
        began_at: Position,
        version: int,
    ) -> None:
        self.subscriptions = subscriptions
        self.began_at = began_at
        self.version = version


class Audience:
    """Those in `live` were sent what the channel's cursor says; those `behind` have own cursors.

    Those who are `lost` get one with the gap, or when anything else happens to them. But who is
    owed something by one of the `rounds` has yet to be written it: see `Fanout`.
    `publication`, `ephemeral` and `change` make their frames: each is encoded once for all of
    them.
    """

    __slots__ = (
        "behind",
        "change",
        "ephemeral",
        "live",
        "lost",
        "protocol",
        "publication",
        "rounds",
    )

    def __init__(self, channel: str, protocol: ClientProtocol) -> None:
        self.protocol = protocol
        self.publication = protocol.publications(channel)
        self.ephemeral = protocol.ephemerals(channel)
        self.change = protocol.changes(channel)
        # With the function that writes to each: the flush is a loop over these and nothing else.
        self.live: dict[Subscription, Callable[[bytes], None]] = {}
        self.behind: set[Subscription] = set()
        self.lost: tuple[LostCrowd, ...] = ()
        """None of them is empty."""
        self.rounds: tuple[Round, ...] = ()
        """The oldest first."""

    @property
    def size(self) -> int:
        """How many they are."""
        count = len(self.live) + len(self.behind)
        for crowd in self.lost:
            count += len(crowd.subscriptions)
        return count

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
        if self.lost:
            self._take_lost(subscription)
        for one in self.rounds:
            one.owed.pop(subscription, None)

    def lose_all(self, *, began_at: Position, version: int) -> None:
        """All cursors are lost; those that are live, with this version of the list of members."""
        for subscription in self.behind:
            subscription.offset = LOST
        for crowd in self.lost:
            crowd.began_at = began_at
        if self.live:
            self.lost += (LostCrowd(self.live, began_at=began_at, version=version),)
            self.live = {}

    def lose_list(self) -> None:
        """The list of members began again: those who are not live are sent all of it."""
        for subscription in self.behind:
            subscription.version = LOST
        for crowd in self.lost:
            crowd.version = LOST

    def has_lost(self, subscription: Subscription) -> bool:
        """Whether one has yet to be sent that the log began again, and has no cursor yet."""
        return any(subscription in crowd.subscriptions for crowd in self.lost)

    def end_lost(self, subscription: Subscription) -> bool:
        """Give one that is lost the cursor that says so; False if it is not."""
        crowd = self._take_lost(subscription)
        if crowd is None:
            return False
        subscription.state = BEHIND
        subscription.offset = LOST
        subscription.version = crowd.version
        self.behind.add(subscription)
        return True

    def _take_lost(self, subscription: Subscription) -> LostCrowd | None:
        for crowd in self.lost:
            if subscription in crowd.subscriptions:
                del crowd.subscriptions[subscription]
                if not crowd.subscriptions:
                    self.lost = tuple([one for one in self.lost if one is not crowd])
                return crowd
        return None

    def begin(self, part: Part | Share, *, weight: int, after: int) -> None:
        """Owe something to all that are live."""
        self.rounds += (Round(self, part, weight=weight, after=after),)

    def go_on(self, count: int) -> int:
        """Write to some who are owed something by the oldest round; how many events that is."""
        oldest = self.rounds[0]
        events = oldest.go_on(count)
        if not oldest.owed:
            self.rounds = self.rounds[1:]
        return events

    def settle(self, subscription: Subscription) -> int:
        """Write one all that it is owed; how many events that is."""
        return sum([one.write(subscription) for one in self.rounds])

    def owed_after(self, subscription: Subscription) -> int | None:
        """Up to which offset one was sent the log that is owed something; None if it is not."""
        for one in self.rounds:
            if subscription in one.owed:
                return one.after
        return None
