"""Those to whom something is sent that is their own: where they are many, some with each flush."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from riverd.core.audience import Audience
    from riverd.core.channel import Channel
    from riverd.core.session import Subscription
    from riverd.model.log import Position

CATCH_UPS_MAX = 250
"""In one flush, each of a part of what was missed."""


class LostSubscribers:
    """Those whose log began again, at which position, and who have not been sent that.

    `waiting` are they; nobody else changes it.
    """

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: dict[
            Audience, tuple[dict[Subscription, Callable[[bytes], None]], Position]
        ] = {}

    def add(
        self,
        audience: Audience,
        lost: dict[Subscription, Callable[[bytes], None]],
        *,
        began_at: Position,
    ) -> None:
        """Take some. The dictionary is kept: to copy it would take too long where they are many."""
        earlier = self.waiting.pop(audience, None)
        if earlier is not None:
            lost = earlier[0] | lost
        self.waiting[audience] = lost, began_at

    def discard(self, audience: Audience, subscription: Subscription) -> None:
        """One is over."""
        if audience in self.waiting:
            self.waiting[audience][0].pop(subscription, None)

    def take(self, count: int) -> Iterator[tuple[Subscription, Position]]:
        """So many of them at most, who are not among them any more."""
        while self.waiting and count > 0:
            audience, (lost, began_at) = next(iter(self.waiting.items()))
            some = list(islice(lost, count))
            count -= max(1, len(some))
            for subscription in some:
                # One that blocks at a gap may end others.
                if lost.pop(subscription, None) is not None:
                    yield subscription, began_at
            if not lost:
                del self.waiting[audience]


def take_first(
    eager: dict[Subscription, None], flushed: Iterable[Channel]
) -> Iterable[Subscription]:
    """Take out some that are behind: the others' turn is with the next flushes."""
    first = list(islice(eager, CATCH_UPS_MAX))
    if passing := {channel.name for channel in flushed if channel.passed}:
        # What no log keeps is sent now or never.
        first += [one for one in islice(eager, len(first), None) if one.channel in passing]
    for subscription in first:
        del eager[subscription]
    return first
