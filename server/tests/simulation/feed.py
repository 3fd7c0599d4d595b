"""What a broker tells one node, as it arrives there: in order, late, and not all of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from simulation.truth import demand, is_newer

from riverd.errors import BrokerError
from riverd.model.log import Change, Ephemeral, Position, Publication
from riverd.node.node import Node

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from simulation.broker import SimBroker
    from simulation.server import Server
    from simulation.world import World

RECONNECT_S_MAX = 1.0
EXCUSED_S = 2.5


class SimFeed:
    """Subscriptions that outlive connections, as the Redis feed's do.

    `names` is what the node's end wants, `subscribed` what the server's end of this connection
    knows, `line` counts connections.
    """

    def __init__(self, world: World, broker: SimBroker, listener: Node) -> None:
        self.names: dict[str, None] = {}
        self.subscribed: dict[str, None] = {}
        self.connected = False
        self.line = 0
        self.server: Server | None = None
        self._world = world
        self._broker = broker
        self._listener = listener
        self._coming: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer: TimerHandle | None = None
        self._reconnecting: TimerHandle | None = None
        world.server.feeds[self] = None
        self.cut()

    def close(self) -> None:
        """The node is gone."""
        self._lose()
        self._world.server.feeds.pop(self, None)

    def interrupted(self) -> None:
        """What came meanwhile was not for this process."""
        if self.connected:
            self._listener.on_interrupted()

    def cut(self) -> None:
        """Lose the connection, with all that is on its way; another one is made soon."""
        self._lose()
        self._world.note(self._broker.node, "feed cut")
        wait_s = self._world.dice.uniform(0, RECONNECT_S_MAX)
        self._reconnecting = self._world.loop.call_later(wait_s, self._connect)

    def take(self, channel: str, line: int) -> None:
        """The server's end takes a subscription of this connection."""
        self._check(line)
        self.subscribed[channel] = None

    def drop(self, channel: str, line: int) -> None:
        """The server's end lets one go."""
        self._check(line)
        self.subscribed.pop(channel, None)

    def push(self, channel: str, epoch: str, entry: Publication | Ephemeral | Change) -> None:
        """Something is announced in a subscribed channel."""
        world = self._world
        if world.dice.random() < world.weather.lost:
            world.note(self._broker.node, "feed loses", channel, epoch, entry)
            return

        def arrive() -> None:
            if not self._broker.link.accepts(self.server):
                self.cut()
                return
            if not self._broker.link.may_act:
                # It is asked for when it may.
                self._broker.trouble_s = max(self._broker.trouble_s, world.now)
                return
            world.note(self._broker.node, "feed brings", channel, epoch, entry)
            if isinstance(entry, Publication):
                self._expect(channel, Position(epoch, entry.offset))
                self._listener.on_publication(channel, epoch, entry)
            elif isinstance(entry, Ephemeral):
                self._expect(channel, Position(epoch, entry.after))
                self._listener.on_ephemeral(channel, epoch, event=entry)
            else:
                self._listener.on_change(channel, epoch, entry)

        self._push(arrive)

    def _push(self, arrive: Callable[[], None]) -> None:
        if not self.connected:
            return
        due = self._world.now + self._world.delay_s()
        if self._coming:
            due = max(due, self._coming[-1][0])
        self._coming.append((due, arrive))
        if self._timer is None:
            self._timer = self._world.loop.call_at(due, self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        if self._broker.paused:
            return
        line, now = self.line, self._world.now
        # Several in one turn, as they come out of one read of a socket.
        while self._coming and self._coming[0][0] <= now and self.line == line:
            self._coming.popleft()[1]()
        if self._coming and self._timer is None:
            self._timer = self._world.loop.call_at(self._coming[0][0], self._deliver)

    def go_on(self) -> None:
        """What has arrived is read; then it shows whether the connection is there still."""
        self._deliver()
        if not self._broker.reachable or self.server is not self._broker.server:
            self.cut()

    def _lose(self) -> None:
        self.connected = False
        self.line += 1
        self.subscribed.clear()
        self._coming.clear()
        for timer in (self._timer, self._reconnecting):
            if timer is not None:
                timer.cancel()
        self._timer = self._reconnecting = None

    def _connect(self) -> None:
        if not self._broker.reachable:
            self.cut()
            return
        self._reconnecting = None
        self.connected = True
        self.server = self._broker.server
        self.subscribed = dict(self.names)
        self._world.note(self._broker.node, "feed connected", *self.subscribed)
        for name in self.subscribed:
            place = self.server.position(name)
            if place is not None:
                self._expect(name, place)
        self._listener.on_interrupted()

    def _expect(self, channel: str, place: Position) -> None:
        """The node has heard of a place, or should ask: it has to be there soon."""
        world = self._world
        # Some calls that are under way may be followed by as many others.
        prompt_s = 0.05 + 14 * (world.weather.latency_s + world.step_s)
        world.loop.call_later(prompt_s, self._check_prompt, channel, place, world.now)

    def _check_prompt(self, channel: str, place: Position, since_s: float) -> None:
        replica = self._listener.attachments.channel(channel)
        # A node that could not ask, or waits before it asks again, is excused.
        if replica is None or self._broker.trouble_s > since_s - EXCUSED_S:
            return
        log = replica.log
        older = log.epoch != place.epoch and is_newer(place.epoch, log.epoch)
        behind = log.epoch == place.epoch and log.offset < place.offset
        demand(
            not (older or behind),
            "{} stands at {} of {} and does nothing: {}",
            self._broker.node,
            log.position,
            channel,
            place,
        )

    def _check(self, line: int) -> None:
        if not self.connected or line != self.line:
            raise BrokerError("the feed is not connected")
