"""A page with an unmodified client of Pusher's protocol: it keeps nothing but its own name."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

from simulation.tab_line import TabLine
from simulation.truth import demand

from riverd.model.log import Position
from riverd.model.tabs import SESSIONS_MAX

if TYPE_CHECKING:
    from simulation.tab_world import TabWorld

AGAIN_S = 1.0
TWICE_S_MAX = 4.0
"""What was heard so long before a connection was lost was proven: it is not sent twice."""
CALM_STEP_S = 0.3
GAPS_MAX = 1
"""Of a subscription, where nothing was lost: not one each time that its other page comes back."""


class Page:
    """One browser tab.

    `wanted` are the channels it has, `has` what it must get everything after, once it was told
    that a subscription succeeded. `at` is where the present subscription has come to, None before
    its first event.
    """

    def __init__(self, world: TabWorld, name: str) -> None:
        self.name = self.user = name
        self.key = f"1:{name}"
        self.line: TabLine | None = None
        self.wanted: dict[str, None] = {}
        self.ever: set[str] = set()
        self.has: dict[str, Position] = {}
        self.at: dict[str, Position | None] = {}
        self.sessions: list[str] = []
        self.other: Page | None = None
        self.began_s = world.now
        self.is_known = False
        """An earlier connection was told that a subscription succeeded."""
        self._world = world
        self._dice = world.dice
        self._heard: dict[tuple[str, Position], tuple[float, int]] = {}
        self._fresh: set[str] = set()
        self._gaps: Counter[str] = Counter()
        """How many gaps its present subscriptions have had."""
        self._cache_only: set[str] = set()
        self._lost_s: dict[int, float] = {}
        """When each of its connections was lost."""
        self.holes: dict[str, str] = {}
        """What it has missed because of a page with the same identity, and was not told."""
        self._owed: dict[str, str] = {}
        self._told: dict[str, Position] = {}
        """Where each channel stood when its present subscription succeeded."""
        self._own: list[str] = []
        """The sockets over which a subscription has succeeded."""
        self._ids = count(1)

    def share(self, other: Page) -> None:
        """Have the identity of another page."""
        self.key = other.key
        self.other, other.other = other, self

    @property
    def session(self) -> str | None:
        """The socket that its back end would exclude."""
        return self.sessions[-1] if self.sessions else None

    # What it does.

    async def live(self) -> None:
        """Come back a second after each loss; subscribe and unsubscribe now and then."""
        pace = self._dice.choice((0.3, 1.0))
        while True:
            calm = self._world.calm
            await asyncio.sleep(CALM_STEP_S if calm else self._dice.expovariate(pace))
            if self.line is None:
                await asyncio.sleep(AGAIN_S)
                self._connect()
            elif not self._world.calm:
                self._turn(self._dice.choice(self._world.channels))

    def leave(self) -> None:
        """The page is closed."""
        if self.line is not None:
            self.line.cut(0.0)

    def _connect(self) -> None:
        hosts = [host for host in self._world.hosts if host.up]
        if not hosts:
            return
        self.line = TabLine(self._world, self, self._dice.choice(hosts))
        self.sessions.append(self.line.session.id)
        self.at.clear()
        self._owed.clear()
        self._fresh.clear()
        for channel in self.wanted:
            self._authorise(channel)

    def _authorise(self, channel: str) -> None:
        """Ask the back end first, which may take its time."""
        line, delay_s = self.line, self._dice.choice((0.0, 0.02, 0.02, 2.0))

        def authorised() -> None:
            if line is self.line and line is not None and channel in self.wanted:
                self.ever.add(channel)
                line.send_event("pusher:subscribe", channel)

        self._world.loop.call_later(delay_s, authorised)

    def _turn(self, channel: str) -> None:
        if channel not in self.wanted:
            self.wanted[channel] = None
            self._authorise(channel)
        elif self._dice.random() < 0.3 and channel in self.at and self.line is not None:
            del self.wanted[channel]
            self.at.pop(channel, None)
            self.has.pop(channel, None)
            self.holes.pop(channel, None)
            self._fresh.add(channel)
            self.line.send_event("pusher:unsubscribe", channel)

    def lost(self, line: TabLine) -> None:
        """The connection is gone."""
        if line is self.line:
            self._world.note(self.name, "has lost its connection")
            self.line, self._lost_s[len(self.sessions)] = None, self._world.now
            self.is_known = self.is_known or bool(self.has)

    # What it hears.

    def hear(self, line: TabLine, messages: list[tuple[dict[str, Any], Position | None]]) -> None:
        """Take what has arrived, with where the channel stood when it was sent."""
        for message, position in messages:
            if line is not self.line:
                return
            event, channel = message["event"], message.get("channel", "")
            if event == "pusher:ping":
                line.send_event("pusher:pong", None)
            elif channel not in self.wanted or position is None:
                continue
            elif event == "pusher_internal:subscription_succeeded":
                self._succeeded(channel, position)
            elif channel not in self.at:
                # Of a subscription that it has left.
                continue
            elif event == "river:gap":
                self._owed.pop(channel, None)
                self._gap(channel, position)
            elif event == "number":
                self._event(channel, json.loads(message["data"]))

    def _succeeded(self, channel: str, position: Position) -> None:
        self.at[channel] = None
        self._told[channel] = position
        self._gaps.pop(channel, None)
        if self.session is not None and self.session not in self._own:
            self._own.append(self.session)
        if channel in self._fresh or channel not in self.has:
            self.has[channel] = position
            if channel.startswith("cache-"):
                self._cache_only.add(channel)
        else:
            self._cache_only.discard(channel)

    def _gap(self, channel: str, position: Position) -> None:
        world = self._world
        is_honest = not world.keeps_all or world.server.run > 1 or self.other is not None
        is_honest = is_honest or self.key in world.claims.overtaken
        demand(
            is_honest, "{} has a gap in {} at {}: nothing was lost", self.name, channel, position
        )
        if self.other is not None and world.keeps_all and world.server.run == 1:
            self._gaps[channel] += 1
            demand(
                self._gaps[channel] <= GAPS_MAX,
                "{} has {} gaps in one subscription to {}",
                self.name,
                self._gaps[channel],
                channel,
            )
        self.has[channel] = self.at[channel] = position
        self.holes.pop(channel, None)

    def _event(self, channel: str, mark: str) -> None:
        has, at = self.has[channel], self.at[channel]
        demand(channel not in self._owed, self._owed.get(channel, ""))
        position = self._world.server.truth.place_of(channel, mark, near=has)
        if position is None:
            # It is not in a log.
            return
        if channel in self._cache_only:
            # The last event from before the subscription.
            self._cache_only.discard(channel)
            if position.epoch == has.epoch and position.offset <= has.offset:
                return
        text = f"{self.name} at {at} gets {mark} ({position}) of {channel}, and has {has}"
        if channel in self._fresh and at is None:
            demand(position.offset > has.offset, "{}: from before its subscription", text)
        if not self._is_next(channel, at or has, position, is_first=at is None):
            if at is None and channel.startswith("cache-"):
                # The last event of the channel: a gap has to follow.
                self._owed[channel] = text
                return
            demand(self.other is not None, text)
            # Nobody may know yet that two pages have one identity: then it is told later.
            self.holes[channel] = text
        self._check_twice(channel, position, text=text)
        self._check_own(channel, position, text=text)
        if (channel, position) in self._heard:
            self.at[channel] = position
            return
        self._heard[channel, position] = self._world.now, len(self.sessions)
        self.at[channel] = position
        if position.epoch != has.epoch or position.offset > has.offset:
            self.has[channel] = position

    def _is_next(
        self, channel: str, after: Position, position: Position, *, is_first: bool
    ) -> bool:
        if position.epoch != after.epoch:
            return False
        if is_first and position.offset <= after.offset:
            # It is sent again.
            return True
        truth = self._world.server.truth
        ids = {*self.sessions, *(() if self.other is None else self.other.sessions)}
        for offset in range(after.offset + 1, position.offset):
            if truth.at(channel, after.epoch, offset).exclude not in ids:
                return False
        return position.offset > after.offset

    def _check_twice(self, channel: str, position: Position, *, text: str) -> None:
        heard = self._heard.get((channel, position))
        if heard is None or not self._world.is_kind or self.other is not None:
            return
        heard_s, lost_s = heard[0], self._lost_s[heard[1]]
        demand(
            heard_s > lost_s - TWICE_S_MAX,
            "{} again, had at {:g}, lost {:g}",
            text,
            heard_s,
            lost_s,
        )

    def _check_own(self, channel: str, position: Position, *, text: str) -> None:
        """What its own socket was excluded from does not come with what it missed."""
        if self.other is not None or not self._world.is_kind or channel.startswith("cache-"):
            return
        if position.offset <= self._told[channel].offset:
            own = self._own[-SESSIONS_MAX:]
            excluded = self._world.server.truth.at(channel, position.epoch, position.offset).exclude
            demand(excluded not in own, "{}, which excludes its own {}", text, excluded)

    def is_at(self, channel: str, position: Position | None) -> bool:
        """Whether it has all of a channel."""
        has = self.has.get(channel)
        if has is None or channel not in self.at or position is None:
            return False
        if has.epoch != position.epoch:
            return False
        ids = {*self.sessions, *(() if self.other is None else self.other.sessions)}
        return self._world.server.truth.next_for(ids, channel, has) == position.offset + 1
