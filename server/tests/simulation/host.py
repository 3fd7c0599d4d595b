"""A place where a node runs, dies and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.broker import SimBroker
from simulation.census import shown
from simulation.truth import demand, is_newer

from riverd.core.hub import Hub
from riverd.errors import Reason
from riverd.model.log import Position
from riverd.node.node import Node
from riverd.node.replicas.attachment import Linger

if TYPE_CHECKING:
    from simulation.ear import Ear
    from simulation.line import Line
    from simulation.world import World

COMPARE_S = 2.5
NOTICE_S_MAX = 2.0


class Host:
    """One process after another at one address. Each node begins with nothing."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.up = False
        self.lines: dict[Line, None] = {}
        self._world = world
        self._versions: dict[str, Position] = {}

    async def start(self) -> None:
        """Run a new node."""
        world = self._world
        world.note(self.name, "starts")
        self._versions.clear()
        self.broker = SimBroker(world, self.name)
        self.hub = Hub(
            world.rules, part_bytes_max=world.part_bytes_max, writes_max=world.writes_max
        )
        self.node = Node(
            self.broker,
            self.hub,
            clock=world.loop.time,
            failed=world.fail,
            linger=Linger(world.idle_s, world.leave_s),
            compare_s=COMPARE_S,
        )
        await self.node.start()
        self.up = True

    def check_members(self, channel: str, ear: Ear | None) -> None:
        """A session was told of members: it sees the list that the node has, which is true."""
        presence = self.hub.channels[channel].presence
        assert presence is not None, "nobody is told of members of a channel without"
        position, before = presence.position, self._versions.get(channel)
        self._versions[channel] = position
        if before is not None and before != position:
            newer = (
                position.offset > before.offset
                if position.epoch == before.epoch
                # Of two masters either may have begun its list first.
                else self._world.was_split or is_newer(position.epoch, before.epoch)
            )
            demand(newer, "{} goes back to {} of {} from {}", self.name, position, channel, before)
        true = self._world.server.census.at(channel, position)
        has = shown([*presence._members.values()])
        demand(has == true, "{} has {} in {}, {} was {}", self.name, has, channel, position, true)
        if ear is not None:
            ear.agree(position)

    async def crash(self) -> None:
        """As with `kill -9`: nothing is said to anybody, nothing of it runs any more."""
        self._world.note(self.name, "crashes")
        self.up = False
        lines, self.lines = self.lines, {}
        for line in lines:
            line.cut_by_crash(self._world.dice.uniform(0, NOTICE_S_MAX))
        self.broker.kill()
        await self.node._tasks.close()

    async def stop(self) -> None:
        """As with SIGTERM: clients are sent away, and everything is given up."""
        self._world.note(self.name, "stops")
        self.up = False
        for line in list(self.lines):
            line.session.close(Reason.DRAINING, "draining")
        await self.node.close()
        self.broker.closed = True
