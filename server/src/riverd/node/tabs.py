"""Carries out what `core.tab` decides: claims rows, sends barriers, writes cursors in batches."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice

from msgspec.structs import replace

from riverd.broker import Broker
from riverd.core.channel import Channel
from riverd.core.hub import Hub
from riverd.core.session import Session, Subscription
from riverd.core.tab import PageSubscription, Tab
from riverd.errors import RiverError
from riverd.model.commands import Command
from riverd.model.log import NOWHERE, Position
from riverd.model.replies import Barrier
from riverd.model.tabs import TabWrite, Written
from riverd.node.waiting import WaitingRoom
from riverd.scheduling.portions import PORTION, do_all, portions
from riverd.scheduling.tasks import Tasks

TICK_S = 0.25
SAVE_EVERY = 4
"""What pages have proven is written every so many ticks; starts are at once."""
CLAIM_AGAIN_S = 0.5
LAST_SAVE_S = 0.5
MARGIN_S = 60.0
"""Cursors are kept for so long after what they point at is gone."""
VERIFY_S = 15.0
"""How long a page whose row was replaced may not know it, and so what it missed."""
VERIFIED_MAX = 1_000
"""Rows that are verified in one turn at most."""


def _nobody_waits(_subscription: Subscription) -> None:
    """No subscription is attached yet."""


def _nothing() -> None:
    """Nobody flushes yet."""


class Tabs:
    """The pages of a node whose clients keep no positions.

    `claimed` is called with a session and the commands that waited for its row, `started` with a
    subscription whose start the broker has. Rows outlive what their channels keep.
    """

    def __init__(
        self,
        broker: Broker,
        hub: Hub,
        *,
        tasks: Tasks,
        clock: Callable[[], float],
        claimed: Callable[[Session, list[Command]], None],
    ) -> None:
        self._life_s = hub.rules.longest_ttl_s + MARGIN_S
        self.started: Callable[[Subscription], None] = _nobody_waits
        self.lost: Callable[[], None] = _nothing
        """Called when subscriptions are to be sent gaps with the next flush."""
        self._broker = broker
        self._hub = hub
        self._tasks = tasks
        self._clock = clock
        self._claimed = claimed
        self._waiting = WaitingRoom()
        self._sessions: dict[Tab, Session] = {}
        self._subscriptions: dict[str, dict[Subscription, None]] = {}
        self._flushed: dict[str, None] = {}
        self._touched: dict[Tab, None] = {}
        self._starting: dict[Tab, dict[Subscription, None]] = {}
        self._soon: dict[Tab, None] = {}
        """To be written now."""
        self._later: dict[Tab, None] = {}
        """To be written with the next batch."""
        self._written_at: dict[Tab, float] = {}
        """The one that was written to longest ago is the first."""
        self._running = False
        self._saving = False

    # What sessions do.

    def opened(self, session: Session) -> None:
        """A session with a page began: until its row is claimed its commands wait."""
        if session.tab is None:
            return
        self._sessions[session.tab] = session
        self._tasks.start(self._claim(session, session.tab))
        if not self._running:
            self._running = True
            self._tasks.start(self._run())

    def hold(self, session: Session, command: Command, *, size: int) -> bool:
        """Keep a command of a session for later. False if it does not have to wait."""
        if session.tab is None or session.tab.is_claimed:
            return False
        self._waiting.hold(session, command, size=size)
        return True

    def closed(self, session: Session) -> None:
        """A session is over: its page keeps what it has."""
        tab = session.tab
        if tab is None or self._sessions.pop(tab, None) is None:
            return
        self._waiting.drop(session)
        self._touched.pop(tab, None)
        self._starting.pop(tab, None)
        self._written_at.pop(tab, None)
        tab.end()
        if tab.is_changed and tab.is_kept:
            self._save_soon(tab)

    def reached(self, session: Session) -> None:
        """A session's client has answered the last barrier."""
        tab = session.tab
        if tab is not None and tab.prove():
            self._later[tab] = None
            if tab.owes_gaps and tab in self._sessions:
                self._send_gaps(tab)

    def drained(self, session: Session) -> None:
        """What a session missed is sent now: its cursors move without a flush of the channel."""
        if session.tab is not None:
            for subscription in session.subscriptions.values():
                self._touch(session.tab, subscription)

    # What attaching does.

    def store_start(self, subscription: Subscription, position: Position) -> None:
        """Have the broker know from where on a page has a channel; then `started` is called."""
        session = subscription.session
        tab = session.tab
        assert tab is not None, "only a page's cursors are stored"
        waiting = self._starting.setdefault(tab, {})
        if subscription not in waiting:
            waiting[subscription] = None
            tab.start(subscription.channel, position, subscribed=session.subscriptions)
            self._save_soon(tab)

    def admitted(self, subscription: Subscription) -> None:
        """A subscription is live, or will be with the next flush."""
        tab = subscription.session.tab
        if tab is not None:
            self._subscriptions.setdefault(subscription.channel, {})[subscription] = None
            self._touch(tab, subscription)

    def ended(self, subscription: Subscription) -> None:
        """A subscription was ended: by its page, unless the session is over."""
        tab = subscription.session.tab
        if tab is None:
            return
        channel = subscription.channel
        subscriptions = self._subscriptions.get(channel, {})
        subscriptions.pop(subscription, None)
        if not subscriptions:
            self._subscriptions.pop(channel, None)
        if tab in self._sessions:
            self._starting.get(tab, {}).pop(subscription, None)
            tab.forget(subscription)
            if tab.is_changed:
                self._later[tab] = None

    # What the hub and the broker do.

    def flushed(self, channels: Iterable[Channel]) -> None:
        """Their live sessions were sent something."""
        if self._subscriptions:
            for channel in channels:
                if channel.name in self._subscriptions:
                    self._flushed[channel.name] = None

    def rewrite(self) -> None:
        """The broker may have lost something."""

        def rewrite(tab: Tab) -> None:
            if tab in self._sessions:
                tab.rewrite()
                self._later[tab] = None

        do_all(list(self._sessions), rewrite, tasks=self._tasks)

    async def close(self) -> None:
        """Write what is left."""
        self._soon |= self._later
        self._later = {}
        with suppress(RiverError, TimeoutError):
            async with asyncio.timeout(LAST_SAVE_S):
                while self._soon:
                    await self._save(self._writes())

    # Claiming.

    async def _claim(self, session: Session, tab: Tab) -> None:
        while tab in self._sessions:
            try:
                row = await self._broker.tabs.claim(tab.key, session.id, life_s=self._life_s)
            except RiverError:
                await asyncio.sleep(CLAIM_AGAIN_S)
                continue
            if tab in self._sessions:
                tab.claim(row, since=self._broker.tabs.since)
                self._later[tab] = None
                self._written_at[tab] = self._clock()
                self._claimed(session, self._waiting.take(session))
            return

    # Barriers.

    async def _run(self) -> None:
        turn = 0
        try:
            while self._sessions or self._later or self._soon:
                await asyncio.sleep(TICK_S)
                await self._ask()
                turn += 1
                if turn % SAVE_EVERY == 0:
                    self._verify()
                    self._soon |= self._later
                    self._later = {}
                    self._save_if_any()
        finally:
            self._running = False

    async def _ask(self) -> None:
        """Send the barriers that are due."""
        flushed, self._flushed = self._flushed, {}
        concerned = [one for name in flushed for one in self._subscriptions.get(name, ())]
        async for some in portions(concerned):
            for subscription in some:
                tab = subscription.session.tab
                assert tab is not None, "only pages' subscriptions are kept here"
                self._touch(tab, subscription)
        touched, self._touched = self._touched, {}
        async for tabs in portions(list(touched)):
            now = self._clock()
            for tab in tabs:
                session = self._sessions.get(tab)
                if session is None:
                    continue
                if not session.blocked and tab.may_ping(now) and tab.ping(self._standing, now=now):
                    session.reply(Barrier())
                if tab.has_to_ask:
                    self._touched[tab] = None

    def _touch(self, tab: Tab, subscription: Subscription) -> None:
        tab.touched[subscription] = None
        self._touched[tab] = None

    def _standing(self, subscription: PageSubscription) -> Position | None:
        """How far a subscription was sent; None while it is owed something, or a gap."""
        assert isinstance(subscription, Subscription), "the hub's own"
        channel = self._hub.channels.get(subscription.channel)
        if channel is None or channel.is_owed(subscription):
            return None
        offset = channel.cursor_of(subscription)
        return None if offset < 0 else Position(channel.log.epoch, offset)

    # Writing.

    def _verify(self) -> None:
        """Find out of rows that were not written to for a while whether they are still there."""
        before = self._clock() - VERIFY_S
        for tab, written_at in list(islice(self._written_at.items(), VERIFIED_MAX)):
            if written_at > before:
                return
            del self._written_at[tab]
            tab.verify()
            self._later[tab] = None

    def _send_gaps(self, tab: Tab) -> None:
        """Another page has had the identity: nobody knows what either of them missed."""
        session = self._sessions[tab]
        tab.lose()
        for subscription in session.subscriptions.values():
            request = subscription.request
            if request is not None:
                # Also where nothing is known of the channel: the other page may have left it.
                subscription.request = replace(request, position=NOWHERE)
            self._hub.lose(subscription)
            self._touch(tab, subscription)
        self._later[tab] = None
        self.lost()

    def _save_soon(self, tab: Tab) -> None:
        self._soon[tab] = None
        self._save_if_any()

    def _save_if_any(self) -> None:
        if self._soon and not self._saving:
            self._saving = True
            self._tasks.start(self._save_all())

    async def _save_all(self) -> None:
        # What comes in this turn of the loop is written together.
        await asyncio.sleep(0)
        try:
            while self._soon:
                await self._save(self._writes())
        finally:
            self._saving = False

    def _writes(self) -> list[tuple[Tab, TabWrite]]:
        soon = list(islice(self._soon, PORTION))
        for tab in soon:
            del self._soon[tab]
        return [(tab, write) for tab in soon if (write := tab.write()) is not None]

    async def _save(self, writes: list[tuple[Tab, TabWrite]]) -> None:
        """Write rows, and see to what became of each."""
        if not writes:
            return
        results: list[Written | RiverError]
        try:
            results = await self._broker.tabs.save(
                [write for _, write in writes], life_s=self._life_s
            )
        except RiverError as error:
            results = [error] * len(writes)
        now = self._clock()
        for (tab, write), result in zip(writes, results, strict=True):
            if isinstance(result, RiverError):
                tab.unwritten(write)
                self._later[tab] = None
                continue
            tab.written(write, result)
            if tab not in self._sessions:
                continue
            if tab.owes_gaps:
                self._send_gaps(tab)
                continue
            if result is not Written.TAKEN:
                # Written again, or asked for.
                self._later[tab] = self._touched[tab] = None
                continue
            self._written_at.pop(tab, None)
            self._written_at[tab] = now
            self._end_starts(tab)

    def _end_starts(self, tab: Tab) -> None:
        waiting = self._starting.get(tab)
        if waiting is None:
            return
        for subscription in [one for one in waiting if not tab.lacks_start(one.channel)]:
            del waiting[subscription]
            self.started(subscription)
        if not waiting:
            self._starting.pop(tab, None)
