"""Runs with pages whose clients keep no positions: unmodified clients of Pusher's protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from simulation.ending import PATIENCE_S, STEP_S
from simulation.page import Page
from simulation.storm import Storm
from simulation.truth import demand
from simulation.world import World

from riverd.auth.apps import App, Apps
from riverd.channels.rules import ChannelRule, ChannelRules
from riverd.node.tabs import VERIFY_S
from riverd.protocols.pusher.protocol import PusherProtocol

APP = App(id="1", key="k", secret="s" * 16, native=True, public="open")
KIND = ("cut client", "close client", "crash node", "stop node")
"""What may go wrong without the broker's doing."""
PROVEN_S = 5.0
"""So long after the last event all of it is proven and written."""


class TabWorld(World):
    """As `World`, with pages instead of clients that know where they are."""

    may_heal = False

    def __init__(self, seed: int, *, trace: Callable[[str], None] | None = None) -> None:
        super().__init__(seed, trace=trace)
        self.are_young = seed % 2 == 0
        """Pages say so of themselves as long as this lasts."""
        dice = self.dice
        self.channels = ["dogs", "cats", "cache-birds"][: dice.randint(1, 3)]
        self.keeps_all = dice.random() < 0.6
        size = 10_000 if self.keeps_all else dice.randint(3, 20)
        # Without rules: what each window is.
        self.rules = ChannelRules(
            (ChannelRule(match="cats", keep_last=True),) if dice.random() < 0.3 else (),
            history_size=size,
            history_ttl_s=300.0 if self.keeps_all else dice.choice((5.0, 30.0)),
        )
        self.server = type(self.server)(self)
        for one in (*self.hosts, *self.publishers):
            one.__init__(self, one.name)  # type: ignore[misc]  with other rules and another server
        self.is_kind = self._is_kind()
        self.app_protocol = PusherProtocol(APP, Apps([APP]), rules=self.rules)
        self.pages = [Page(self, f"c{number}") for number in range(dice.randint(2, 5))]
        if dice.random() < 0.3:
            self.pages[1].share(self.pages[0])
        self.clients = self.pages  # type: ignore[assignment]  as far as a storm knows them

    def _is_kind(self) -> bool:
        """Mostly the broker does what it should: then it is certain what pages may see twice."""
        weather = self.weather
        weather.faults.setdefault("cut client", 0.3)
        if self.dice.random() < 0.5:
            return False
        weather.latency_s = 0.02
        weather.late = weather.refused = weather.unanswered = weather.ghosts = weather.lost = 0.0
        weather.faults = {name: rate for name, rate in weather.faults.items() if name in KIND}
        return True

    def drawn_fields(self) -> dict[str, Any]:
        """Mostly for the log and for all."""
        fields: dict[str, Any] = {}
        if self.dice.random() < 0.15:
            fields["keep"] = False
        excluded = self.dice.choice(self.pages).session
        if excluded is not None and self.dice.random() < 0.2:
            fields["exclude"] = excluded
        return fields

    async def _story(self) -> None:
        for host in self.hosts:
            await host.start()
        for one in (*self.pages, *self.publishers):
            self.start(one.live())
        self.start(Storm(self).rage())
        await asyncio.sleep(self.calm_at)
        self.calm = True
        weather = self.weather
        weather.late = weather.refused = weather.unanswered = weather.lost = weather.ghosts = 0.0
        self.note("world", "CALM")
        await self._until(self._unheard)
        await asyncio.sleep(PROVEN_S)
        await self._until(self._unproven)
        self.note("world", "ALL LEAVE")
        for page in self.pages:
            page.leave()
        for host in self.hosts:
            await host.stop()
        await self._until(self._leftovers)
        self._over.set_result(None)

    async def _until(self, complaints: Callable[[], Iterator[str]]) -> None:
        # That two pages are one identity's takes two verifications of a row to be told.
        deadline = self.now + PATIENCE_S + 2 * VERIFY_S
        while found := list(complaints()):
            demand(self.now < deadline, "after {:g} s: {}", PATIENCE_S, "; ".join(found[:6]))
            await asyncio.sleep(STEP_S)

    def _unheard(self) -> Iterator[str]:
        yield from (f"{one.name} waits" for one in self.publishers if not one.idle)
        yield from (f"{host.name} is down" for host in self.hosts if not host.up)
        for page in self.pages:
            if page.line is None or not page.line.held:
                yield f"{page.name} is not connected"
                continue
            for channel in page.wanted:
                position = self.server.position(channel)
                if not page.is_at(channel, position):
                    yield f"{page.name} stands at {page.has.get(channel)} of {channel}: {position}"
            if page.holes and self.server.run == 1:
                # That a page is shared is kept at the broker, which has lost nothing.
                yield f"{page.name} was not told what it missed: {page.holes}"

    def _unproven(self) -> Iterator[str]:
        yield from self._unheard()
        for page in self.pages:
            assert page.line is not None, "all pages are connected"
            if page.other is not None:
                continue
            key, session = page.key, page.line.session
            rows = self.server.tabs._pages.get(key, (0.0, {}))[1]
            row = rows.get(session.id)
            for channel in page.wanted:
                cursor = None if row is None else row.cursors.get(channel)
                if cursor != self.server.position(channel):
                    yield f"{page.name} has proven {cursor} of {channel}"
            extra = set() if row is None else row.cursors.keys() - page.ever
            if extra:
                yield f"{page.name} never had {extra}"

    def _leftovers(self) -> Iterator[str]:
        for host in self.hosts:
            for task in host.node._tasks._tasks:
                yield f"{host.name} still has {task}"


def failure_of(seed: int) -> str | None:
    """What went wrong in one run."""
    try:
        TabWorld(seed).run()
    except Exception as error:  # noqa: BLE001  whatever it is, it is the result
        return f"{type(error).__name__}: {error}"
    return None
