"""Those to whom something is sent that is their own: where they are many, some with each flush."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from riverd.core.audience import Audience
    from riverd.core.channel import Channel
    from riverd.core.session import Subscription
    from riverd.model.log import Position

CATCH_UPS_MAX = 250
"""In one flush, each of a part of what was missed."""


class LostSubscribers:
    """Audiences that may have some whose log began again, and who have not been sent that.

    `waiting` are they; nobody else changes it.
    """

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: dict[Audience, None] = {}

    def add(self, audience: Audience) -> None:
        """All who were live there are lost."""
        self.waiting[audience] = None

    def take(self, count: int) -> Iterator[tuple[Subscription, Position]]:
        """Some that are lost no more, but behind, and where their log began: so many at most."""
        while self.waiting and count > 0:
            audience = next(iter(self.waiting))
            if not audience.lost:
                count -= 1
                del self.waiting[audience]
                continue
            crowd = audience.lost[0]
            some = list(islice(crowd.subscriptions, count))
            count -= len(some)
            for subscription in some:
                # One that blocks at a gap may end others.
                if audience.end_lost(subscription):
                    yield subscription, crowd.began_at


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
