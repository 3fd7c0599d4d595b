"""A place where a node runs, dies and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.broker import SimBroker

from riverd.errors import CloseCode
from riverd.hub import Hub
from riverd.node import Node

if TYPE_CHECKING:
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

    async def start(self) -> None:
        """Run a new node."""
        world = self._world
        world.note(self.name, "starts")
        self.broker = SimBroker(world, self.name)
        self.hub = Hub(
            history_size=world.history_size,
            history_ttl_s=world.history_ttl_s,
            part_bytes_max=world.part_bytes_max,
        )
        self.node = Node(
            self.broker,
            self.hub,
            clock=world.loop.time,
            failed=world.fail,
            linger_s=world.linger_s,
            compare_s=COMPARE_S,
        )
        await self.node.start()
        self.up = True

    async def crash(self) -> None:
        """As with `kill -9`: nothing is said to anybody, nothing of it runs any more."""
        self._world.note(self.name, "crashes")
        self.up = False
        lines, self.lines = self.lines, {}
        for line in lines:
            line.cut_by_crash(self._world.dice.uniform(0, NOTICE_S_MAX))
        self.broker.kill()
        for attachment in self.node.replicas._attachments.values():
            if attachment.linger is not None:
                attachment.linger.cancel()
        await self.node._tasks.close()

    async def stop(self) -> None:
        """As with SIGTERM: clients are sent away, and everything is given up."""
        self._world.note(self.name, "stops")
        self.up = False
        for line in list(self.lines):
            line.session.close(CloseCode.UNAVAILABLE, "draining")
        await self.node.close()
        self.broker.closed = True
