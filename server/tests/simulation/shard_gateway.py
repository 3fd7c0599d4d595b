"""A process with replicas of logs: announced publications, and reads where one is behind."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from simulation.shard_connection import ShardConnection
from simulation.shard_process import ShardProcess
from simulation.shard_server import Caller, ElsewhereError, ShardLog, ShardServer
from simulation.truth import demand

from riverd.errors import BrokerError
from riverd.healing.offers import Held, Replica
from riverd.model.log import NOWHERE, Position, Publication

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulation.shard_world import ShardWorld

RETRY_S_MAX = 0.6
COMPARE_S = 1.0, 2.5


@dataclass
class ShardReplica:
    """Of one log: since when each publication is here, and when it had all that there was."""

    epoch: str = ""
    offset: int = 0
    taken: list[tuple[float, Publication]] = field(default_factory=list[tuple[float, Publication]])
    confirmed_at: float = -math.inf
    is_stale: bool = False
    is_read: bool = False
    """Whether it is read at the moment."""

    @property
    def position(self) -> Position:
        """Up to where it goes."""
        return Position(self.epoch, self.offset) if self.epoch else NOWHERE


class ShardGateway(ShardProcess):
    """Publishes too."""

    def __init__(self, world: ShardWorld, name: str, *, channels: Sequence[str]) -> None:
        super().__init__(world, name)
        self.replicas = {channel: ShardReplica() for channel in channels}
        self.healing.held = self._held
        self._inbox: list[Callable[[], None]] = []

    def start(self) -> None:
        super().start()
        self.spawn(self._compare_always())

    def go_on(self) -> None:
        """It stood still: it takes what has come meanwhile."""
        self.is_paused = False
        inbox, self._inbox = self._inbox, []
        for take in inbox:
            take()

    def announced(
        self, server: ShardServer, channel: str, epoch: str, *, publication: Publication
    ) -> None:
        """A server announces a publication; it comes later, or never."""
        connection = self._connections.get(server.address)
        world = self.world
        if connection is None or connection.server is not server or channel not in self.replicas:
            return
        if world.dice.random() >= world.announcement_losses:
            come = partial(self._come, connection, channel, epoch, publication=publication)
            world.loop.call_later(world.delay_s(), come)

    def _come(
        self, connection: ShardConnection, channel: str, epoch: str, *, publication: Publication
    ) -> None:
        if self.is_paused:
            again = partial(self._come, connection, channel, epoch, publication=publication)
            self._inbox.append(again)
            return
        if connection.is_closed or self.is_over or not self.healing.is_alive:
            return
        replica = self.replicas[channel]
        if epoch != replica.epoch or publication.offset > replica.offset + 1:
            self._read_soon(channel)
        elif publication.offset == replica.offset + 1:
            self._take(channel, [publication])

    def _take(self, channel: str, publications: Sequence[Publication]) -> None:
        replica = self.replicas[channel]
        for one in publications:
            demand(one.offset == replica.offset + 1, "{} has a hole at {}", self.name, one)
            self.world.truth.know(channel, replica.epoch, one)
            replica.taken.append((self.world.now, one))
            replica.offset = one.offset

    def revived(self) -> None:
        """What was announced meanwhile is lost."""
        self.spawn(self._compare())

    async def _held(self) -> Held:
        now, found = self.world.now, list[Replica]()
        for channel, one in self.replicas.items():
            if one.epoch:
                publications = tuple(publication for _, publication in one.taken)
                ages_s = tuple(now - at for at, _ in one.taken)
                age_s = now - one.confirmed_at
                found.append(Replica(channel, one.epoch, one.offset, age_s, publications, ages_s))
        return found, ()

    # Reads.

    def _read_soon(self, channel: str) -> None:
        replica = self.replicas[channel]
        replica.is_stale = True
        if not replica.is_read:
            replica.is_read = True
            self.spawn(self._read_always(channel, replica))

    async def _read_always(self, channel: str, replica: ShardReplica) -> None:
        try:
            while replica.is_stale:
                replica.is_stale = False
                try:
                    await self._read(channel, replica)
                except BrokerError:
                    replica.is_stale = True
                    await asyncio.sleep(self.world.dice.uniform(0.1, RETRY_S_MAX))
        finally:
            replica.is_read = False

    async def _read(self, channel: str, replica: ShardReplica) -> None:
        if not self.healing.is_alive:
            raise BrokerError("others do not know of this process")
        world, after, asked_at = self.world, replica.position, self.world.now

        def script(server: ShardServer, caller: Caller) -> ShardLog:
            return server.read(channel, caller, after=after)

        log = await self.call(channel, script)
        self.healing.acceptance.read(channel, log.position, now=world.now)
        replica.confirmed_at = asked_at
        publications = [one for one in log.publications if one.offset > replica.offset]
        first = publications[0].offset if publications else log.offset + 1
        if log.epoch != replica.epoch or first > replica.offset + 1:
            world.note(self.name, "begins again with", channel, log.position)
            replica.epoch, replica.taken = log.epoch, []
            publications = list(log.publications)
            replica.offset = log.offset - len(publications)
        self._take(channel, publications)

    async def _compare_always(self) -> None:
        while True:
            await asyncio.sleep(self.world.dice.uniform(*COMPARE_S))
            await self.awake()
            await self._compare()

    async def _compare(self) -> None:
        by_server: dict[str, list[str]] = {}
        for channel in self.replicas:
            by_server.setdefault(self.view[channel], []).append(channel)
        for channels in by_server.values():
            asked_at = self.world.now
            try:
                found = await self.call(channels[0], partial(_positions, channels))
            except BrokerError:
                continue
            for channel, position in found.items():
                replica = self.replicas[channel]
                if replica.epoch and position == replica.position:
                    replica.confirmed_at = asked_at
                else:
                    self._read_soon(channel)


def _positions(channels: Sequence[str], server: ShardServer, caller: Caller) -> dict[str, Position]:
    found: dict[str, Position] = {}
    for channel in channels:
        try:
            server.check_slot(channel, is_asking=False)
        except ElsewhereError:
            continue
        log = server.counted(channel, caller)
        found[channel] = NOWHERE if log is None else log.position
    return found
