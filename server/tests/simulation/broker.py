"""A node's or publisher's door to the server: each call takes time, and may come to nothing."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from simulation.controls import SimControl, SimTabs
from simulation.feed import SimFeed
from simulation.link import SimLink
from simulation.truth import demand

from riverd.broker import Feed
from riverd.broker.memory.counts import MemoryCounts
from riverd.broker.memory.switchboard import Switchboard
from riverd.broker.memory.webhooks import MemoryWebhookQueues, MemoryWebhooks, WebhookStore
from riverd.channels.names import CONTROL
from riverd.errors import BrokerError, OutcomeUnknownError, RiverError
from riverd.model.log import Member, Message, Occupancy, Position, Receipt, Roster, Tail
from riverd.node.node import Node

if TYPE_CHECKING:
    from simulation.server import Server
    from simulation.world import World

RENEW_S = 0.8
GIVE_UP_S = 1.0
SLOW_S = 0.1
GHOST_S_MAX = 3.0
PAUSE_STEP_S = 0.05

T = TypeVar("T")


class SimBroker:
    """See `Broker` for the promises; what a broker does not promise happens here.

    A call's effect comes after a while and its answer after another one. It may fail before the
    effect or after it, and it fails when its connection breaks in between. `trouble_s` is when
    a call last failed or was slow.
    """

    def __init__(self, world: World, place: str) -> None:
        self.node = place
        self.cut_off = False
        self.closed = False
        self.trouble_s = 0.0
        self.feed: SimFeed | None = None
        self._world = world
        self.staying: Server | None = None
        """A master that it does not know to be none any more."""
        self.paused = False
        self.is_over = False
        """Whether its process was ended."""
        self._sending: list[tuple[Message, Position]] = []
        self.link = SimLink(world, self)
        self._place = place
        self._renewing: asyncio.Task[None] | None = None
        self._line = 0
        self.control = SimControl(self._call, self)
        self.tabs = SimTabs(self._call, world)
        # No app of the simulator shows counts.
        self.counts = MemoryCounts(Switchboard(world.server.store), place)
        self.webhooks = MemoryWebhooks(WebhookStore(), place, publish=self.publish)
        self.webhook_queues = MemoryWebhookQueues(
            WebhookStore(), members=list, changed=lambda: None
        )

    @property
    def server(self) -> Server:
        """The server that it takes for the master."""
        return self.staying or self._world.server

    _server = server

    @property
    def term(self) -> int:
        return self.link.entered

    @property
    def reachable(self) -> bool:
        """Whether a connection can be made."""
        return not (self.cut_off or self._server.away)

    def break_connection(self) -> None:
        """Whatever is on its way, in any direction, is lost; but for what has arrived unread."""
        self.drop_calls()
        if self.feed is not None and not self.paused:
            self.feed.cut()

    def drop_calls(self) -> None:
        """Whatever was asked and is not answered yet never is."""
        self._line += 1
        self.link.lose()
        for message, after in self._sending:
            self.link.note_unanswered(message, after)
        self.trouble_s = max(self.trouble_s, self._world.now)

    def pause(self) -> None:
        """The process stands still."""
        self.paused = True

    def go_on(self) -> None:
        """It reads what has come meanwhile, unless it was ended while it stood still."""
        self.paused = False
        if self.feed is not None and not self.is_over:
            self.feed.go_on()

    def kill(self) -> None:
        """The process is gone: nothing of it happens any more."""
        self._line += 1
        self.is_over = True
        self.trouble_s = math.inf
        self.cut_off = True
        self.link.close()
        if self._renewing is not None:
            self._renewing.cancel()
        if self.feed is not None:
            self.feed.close()

    # The broker's interface.

    async def publish(self, message: Message) -> Receipt:
        done = False
        self.link.check_alive()
        server = self._server

        def effect() -> Receipt:
            nonlocal done, server
            # Not that of when it was asked: its connection may be a later one.
            server = self._server
            server.healing.check_publish(message.channel)
            done = True
            return server.publish(message)

        sending = message, self.link.given(message.channel)
        self._sending.append(sending)
        try:
            receipt = await self._call(effect)
        except BrokerError as error:
            late = message.key is not None and self.link.was_open
            if late and self._world.dice.random() < self._world.weather.ghosts:
                self._publish_late(message, server)
            elif not done:
                raise
            self.link.note_unanswered(*sending)
            raise OutcomeUnknownError(str(error)) from None
        finally:
            self._sending.remove(sending)
        self.link.note(message, receipt)
        return receipt

    async def publish_many(self, messages: Sequence[Message]) -> list[Receipt | RiverError]:
        return [await self.publish(message) for message in messages]

    async def read(
        self,
        channel: str,
        *,
        after: Position | None = None,
        limit: int | None = None,
        keep: bool = False,
    ) -> Tail:
        self._world.reads += channel != CONTROL
        if keep:
            self.link.check_alive()
        tail = await self._call(
            lambda: self._server.store.read(
                channel, after, limit=limit, keep=keep, now=self._world.now
            )
        )
        self.link.healing.acceptance.read(channel, tail.position, now=self._world.now)
        return tail

    async def renounce(self, channel: str, epoch: str) -> None:
        demand(False, f"{self.node} takes a position of {channel} in {epoch} to be given twice")

    async def positions(self, channels: Sequence[str]) -> list[tuple[Position, Position | None]]:
        return await self._call(lambda: self._server.positions(list(channels)))

    async def attach(self, feed: Feed) -> None:
        assert isinstance(feed, Node), "only a node listens"
        self.node = self._server.new_name(self._place)
        self.feed = SimFeed(self._world, self, feed)
        self.link.healing.held = feed.held
        self._renewing = self._world.start(self._renew_always(feed))

    async def subscribe(self, channel: str) -> None:
        feed = self._connected()
        line = feed.line
        feed.names[channel] = None
        try:
            await self._call(lambda: feed.take(channel, line))
        except BrokerError:
            feed.names.pop(channel, None)
            raise

    async def unsubscribe(self, channel: str) -> None:
        assert self.feed is not None, "only a node subscribes"
        demand(not self.closed, "{} was stopped, and goes on unsubscribing", self.node)
        feed, line = self.feed, self.feed.line
        feed.names.pop(channel, None)
        if feed.connected:
            await self._call(lambda: feed.drop(channel, line))

    async def join(self, channel: str, member: Member, *, limit: int | None = None) -> Position:
        node = self.node
        return await self._call(lambda: self._server.join(channel, node, member, limit=limit))

    async def leave(self, channel: str, user: str) -> None:
        node = self.node
        await self._call(lambda: self._server.leave(channel, node, user))

    async def members(
        self, channel: str, *, limit: int | None = None, keep: bool = False
    ) -> Roster:
        return await self._call(lambda: self._server.store.roster(channel, limit=limit, keep=keep))

    async def remaking(self, *, here: bool) -> bool:
        # Not with everybody's dice: the seeds that found bugs find them still.
        line = self._line
        await asyncio.sleep(self._world.weather.latency_s)
        if line != self._line or self.paused or not (self.reachable and self.link.may_act):
            raise BrokerError("the broker is away")
        return self._server.note_remaking(self._place, here=here)

    async def report(self, subscribers: Mapping[str, int]) -> None:
        node, counts = self.node, dict(subscribers)
        await self._call(lambda: self._server.report(node, counts))

    async def occupied(self, prefix: str, *, limit: int | None = None) -> dict[str, Occupancy]:
        found: dict[str, Occupancy] = {}
        await self._call(lambda: list(self._server.store.occupying(prefix, found, limit=limit)))
        return found

    async def occupancy(self, channel: str) -> Occupancy:
        return await self._call(lambda: self._server.store.occupancy(channel))

    async def compare_rules(self, process: str, digest: str) -> Mapping[str, str]:
        return {process: digest}

    async def ping(self) -> str:
        return await self._call(lambda: "")

    async def close(self) -> None:
        node, self.trouble_s = self.node, math.inf
        self.is_over = True
        self.link.close()
        if self._renewing is not None:
            self._renewing.cancel()
        if self.feed is not None:
            self.feed.close()
        try:
            await self._call(lambda: self.link.bid_farewell(node))
        except BrokerError:
            # The lease runs out instead.
            return

    # What becomes of calls.

    async def ask(self, effect: Callable[[], T], server: Server) -> T:
        """As `_call`, of one server, whether its data is open or not."""
        if self._server is not server:
            raise self._trouble("the master is another by now")
        return await self._call(effect, is_open=False)

    async def _call(self, effect: Callable[[], T], *, is_open: bool = True) -> T:
        world = self._world
        demand(not self.closed, "{} was stopped, and goes on asking", self.node)
        line = self._line
        await self._wait()
        if is_open and self.reachable and line == self._line and not self.link.enter():
            raise self._trouble("the broker's data is not open")
        if not self.reachable:
            await asyncio.sleep(world.dice.uniform(0, GIVE_UP_S))
            raise self._trouble("the broker is away")
        if line != self._line or world.dice.random() < world.weather.refused:
            raise self._trouble("the call was lost")
        error: RiverError | None = None
        try:
            answer = effect()
        except RiverError as raised:
            error = raised
        await self._wait()
        if line != self._line or world.dice.random() < world.weather.unanswered:
            raise self._trouble("the answer was lost")
        if error is not None:
            raise error
        return answer

    def _publish_late(self, message: Message, server: Server) -> None:
        """What was given up may be carried out all the same: the key is there for that."""
        run = server.run

        def effect() -> None:
            # A master that was replaced still may be one.
            if server.run == run and not server.away:
                with suppress(BrokerError):
                    server.healing.check_publish(message.channel)
                    server.publish(message)

        self._world.loop.call_later(self._world.dice.uniform(0, GHOST_S_MAX), effect)

    async def _wait(self) -> None:
        delay_s = self._world.delay_s()
        if delay_s > SLOW_S:
            self.trouble_s = max(self.trouble_s, self._world.now + delay_s)
        await asyncio.sleep(delay_s)
        while self.paused:
            self.trouble_s = self._world.now
            await asyncio.sleep(PAUSE_STEP_S)

    def _trouble(self, what: str) -> BrokerError:
        self.trouble_s = max(self.trouble_s, self._world.now)
        return BrokerError(what)

    async def _renew_always(self, listener: Feed) -> None:
        first = True
        while True:
            node, at_first = self.node, first
            try:
                kept = await self._call(lambda: self._server.renew(node, first=at_first))  # noqa: B023
            except BrokerError:
                await asyncio.sleep(RENEW_S)
                continue
            first = not kept
            if kept:
                await asyncio.sleep(RENEW_S)
            else:
                self.node = self._server.new_name(self._place)
                self._world.note(self.node, "has lost its seats as", node)
                listener.on_presence_lost()

    def _connected(self) -> SimFeed:
        if self.feed is None or not self.feed.connected:
            raise BrokerError("the feed is not connected")
        return self.feed
