"""What has reached the page behind one connection, as far as the page has proven it.

    state     | is_claimed | is_kept | left by
    ----------+------------+---------+-----------------------------------------------------------
    claiming  | False      | False   | the broker's answer: the cursors of earlier connections
    new       | True       | False   | the first write, which begins a row: kept
    kept      | True       | True    | a write that finds no row but others: doubted; that finds
              |            |         | nothing of the page: new
    doubted   | True       | False   | a pong to a ping that was sent since: new

In `doubted` another connection has replaced this one. Either the page has left this one, and
answers it no more; or two pages have one identity, and this one has to have a row again. Then each
may have begun with what the other had proven, so both are sent a gap on all channels. A row is
verified now and then, because a page that is sent nothing has nothing else to write.

A barrier is a ping. The client answers in order, so its pong proves what was sent before the ping.
Only one is outstanding at a time.
"""

import math
from collections.abc import Callable, Container
from typing import Protocol

from msgspec.structs import replace

from riverd.model.commands import Subscribe
from riverd.model.log import NOWHERE, Position
from riverd.model.tabs import TabRow, TabTraits, TabWrite, Written

PING_EVERY_S = 1.0
CURSORS_MAX = 1_000


class PageSubscription(Protocol):
    """A subscription as far as a page's cursors are concerned: see `core.session`."""

    @property
    def channel(self) -> str:
        """Of which channel."""
        ...

    @property
    def offset(self) -> int:
        """Its own cursor, if it is not live."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether its cursor is the channel's."""
        ...

    @property
    def is_admitted(self) -> bool:
        """Whether it is sent anything: not before it is admitted, nor after its end."""
        ...


_Standing = tuple[tuple[PageSubscription, Position], ...]


class Tab:
    """See the table. `key` is the page's identity in its app; it is never logged.

    Attributes:
        is_new: Whether the page is so young that nothing was sent to it before.
        began_at: When it says that it began, in unix seconds.
        cursors: What is proven of each channel, or where it starts before it has proven any.
        traits: What the row says beside the cursors.
        touched: The subscriptions that were sent something since the last barrier.
        owes_gaps: Whether another page may have moved what this one began with: see `lose`.
    """

    __slots__ = (
        "_barrier",
        "_changed",
        "_ends_doubt",
        "_is_doubted",
        "_is_over",
        "_is_unsure",
        "_number",
        "_pinged_at",
        "_starting",
        "_was_kept",
        "began_at",
        "cursors",
        "is_claimed",
        "is_kept",
        "is_new",
        "key",
        "owes_gaps",
        "session",
        "touched",
        "traits",
    )

    def __init__(self, key: str, session: str, *, is_new: bool, began_at: float = math.inf) -> None:
        self.key = key
        self.session = session
        self.is_new = is_new
        self.began_at = began_at
        self.is_claimed = False
        self.is_kept = False
        self.cursors: dict[str, Position] = {}
        self.traits = TabTraits(sessions=(session,))
        self.touched: dict[PageSubscription, None] = {}
        self._barrier: _Standing | None = None
        self._changed: dict[str, None] = {}
        self._ends_doubt = False
        self._is_doubted = False
        self._is_over = False
        self._is_unsure = False
        self._was_kept = False
        self.owes_gaps = False
        self._number = 0
        self._pinged_at = -math.inf
        self._starting: dict[str, None] = {}

    # Cursors.

    def claim(self, row: TabRow | None, *, since: float = -math.inf) -> None:
        """Begin with what earlier connections had; None if nothing is known of the page.

        What was known before `since` (unix seconds) may be lost.
        """
        self.is_claimed = True
        if row is None:
            is_lost = not self.is_new or self.began_at <= since
            self.traits = replace(self.traits, is_lost=is_lost)
        else:
            self.is_kept = self._was_kept = True
            self.traits = row.traits
            # Of two pages with one identity the rows of one may be lost: the other's say nothing.
            is_certain = not (row.traits.is_shared and row.traits.is_lost)
            self.cursors = dict(row.cursors) if is_certain else {}

    @property
    def earlier_sessions(self) -> tuple[str, ...]:
        """Whose exclusions are this connection's own too, for what is sent again."""
        return () if self.traits.is_shared else self.traits.sessions

    def resuming(self, command: Subscribe) -> Subscribe:
        """The command with the position from which the page goes on, if it is known or lost."""
        position = self.cursors.get(command.channel)
        if position is None and self.traits.is_lost:
            position = NOWHERE
        return command if position is None else replace(command, position=position)

    def lacks_start(self, channel: str) -> bool:
        """Whether the broker does not know yet from where on the page has a channel."""
        if channel in self._starting:
            return True
        return channel not in self.cursors and not self.traits.is_lost

    def start(self, channel: str, position: Position, *, subscribed: Container[str]) -> None:
        """The page has what comes after this position."""
        if len(self.cursors) >= CURSORS_MAX:
            # From channels that it has left without a word. Now nobody knows which.
            for one in [one for one in self.cursors if one not in subscribed]:
                self._remove(one)
            self.traits = replace(self.traits, is_lost=True)
        self.cursors[channel] = position
        self._changed[channel] = self._starting[channel] = None

    def forget(self, subscription: PageSubscription) -> None:
        """The page has left a channel."""
        self.touched.pop(subscription, None)
        self._remove(subscription.channel)

    def end(self) -> None:
        """The connection is over. Without this it and its subscriptions would hold one another."""
        self.touched = {}
        self._barrier = None
        self._is_over = True

    def _remove(self, channel: str) -> None:
        self._starting.pop(channel, None)
        if self.cursors.pop(channel, None) is not None:
            self._changed[channel] = None

    # Barriers.

    @property
    def has_to_ask(self) -> bool:
        """Whether there is anything to prove."""
        return self._is_doubted or bool(self.touched)

    def may_ping(self, now: float) -> bool:
        """Whether a barrier may be sent now."""
        return self._barrier is None and now >= self._pinged_at + PING_EVERY_S

    def ping(self, standing: Callable[[PageSubscription], Position | None], *, now: float) -> bool:
        """Note what was sent so far; False if a pong would prove nothing new.

        `standing` says how far a subscription was sent; None while something is still to be sent.
        """
        barrier: list[tuple[PageSubscription, Position]] = []
        touched, self.touched = self.touched, {}
        for subscription in touched:
            if not subscription.is_admitted:
                continue
            position = standing(subscription)
            if position is None or not subscription.is_live:
                self.touched[subscription] = None
            if position not in (None, self.cursors.get(subscription.channel)):
                barrier.append((subscription, position))
        if not (barrier or self._is_doubted):
            return False
        self._barrier, self._pinged_at = tuple(barrier), now
        self._ends_doubt = self._is_doubted
        return True

    def prove(self) -> bool:
        """The pong to the outstanding ping is there. Whether anything is to be written."""
        barrier, self._barrier = self._barrier, None
        if barrier is None:
            return False
        for subscription, position in barrier:
            # It may have been left meanwhile, and made anew.
            if subscription.is_admitted:
                self.cursors[subscription.channel] = position
                self._changed[subscription.channel] = None
        if self._ends_doubt:
            self._ends_doubt = self._is_doubted = False
            self.owes_gaps = True
        return bool(self._changed) or self.owes_gaps

    def lose(self) -> None:
        """Nothing is proven any more: it is sent a gap on all channels, which has to arrive.

        Also on those that it subscribes to from now on: the other page may have left them.
        """
        self.owes_gaps = False
        self.traits = replace(self.traits, is_lost=True, is_shared=True)
        self.cursors = dict.fromkeys(self.cursors, NOWHERE)
        self._barrier = None
        self.rewrite()

    # Writing.

    def write(self) -> TabWrite | None:
        """What the broker has to know; None if it is nothing, or in doubt.

        A new page is written also without cursors: later it is not unknown. But not after the end
        of a connection whose first row nobody has seen: its page knows of no subscription here,
        and what it has elsewhere the broker may have lost since. To be followed by `written` or
        `unwritten`, before the next.

        A row that the broker has lost begins again with what this connection knows. That is all of
        it, unless the page has another connection by now, or another page has the same identity.
        """
        is_silent = self._is_doubted or not self.is_claimed
        is_silent |= self._is_over and not (self._was_kept or self.traits.is_lost)
        if is_silent or (self.is_kept and not (self._changed or self._is_unsure)):
            return None
        changed, self._changed, self._is_unsure = self._changed, {}, False
        self._number += 1
        if not self.is_kept and self._was_kept and (self._is_over or self.traits.is_shared):
            self.traits = replace(self.traits, is_lost=True)
        cursors = {channel: self.cursors.get(channel) for channel in changed}
        return TabWrite(
            self.key, self.session, self._number, not self.is_kept, self.traits, cursors
        )

    def written(self, write: TabWrite, result: Written) -> None:
        """The broker has taken it, or had no row for it any more."""
        if result is Written.TAKEN:
            self.is_kept = self._was_kept = True
            for channel, position in write.cursors.items():
                if position is not None and self.cursors.get(channel) == position:
                    self._starting.pop(channel, None)
            return
        self.unwritten(write)
        if result is Written.ROBBED:
            self.owes_gaps = True
            return
        self.rewrite()
        self.is_kept = False
        self._is_doubted = result is Written.REPLACED

    def unwritten(self, write: TabWrite) -> None:
        """The broker may have taken it or not."""
        self._changed = dict.fromkeys((*write.cursors, *self._changed))

    def verify(self) -> None:
        """Find out with the next write whether the row is still there."""
        self._is_unsure = True

    def rewrite(self) -> None:
        """The broker may have lost something: write all of it."""
        self._changed = dict.fromkeys((*self._changed, *self.cursors))

    @property
    def is_changed(self) -> bool:
        """Whether the broker does not have all of it."""
        return bool(self._changed)
