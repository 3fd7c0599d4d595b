"""Nothing goes wrong in the cluster any more: everything has to come right."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from simulation.shard_server import NO_SLOT, NODES, ShardLog, ShardServer
from simulation.truth import demand

from riverd.errors import BrokerError
from riverd.model.log import Message

if TYPE_CHECKING:
    from simulation.shard_process import ShardProcess
    from simulation.shard_world import ShardWorld

SETTLED_S_MAX = 45.0
PUBLISHED_S_MAX = 10.0


class ShardEnding:
    """Looks at everything from outside."""

    def __init__(self, world: ShardWorld) -> None:
        self._world = world
        self._cluster = world.cluster

    async def until_settled(self, within_s: float) -> None:
        """Wait until the processes are in one open term and have what the servers have."""
        end = self._world.now + within_s
        while (reason := self._unsettled()) is not None:
            self._world.check()
            demand(self._world.now < end, "not settled after {} s: {}", within_s, reason)
            await asyncio.sleep(0.1)
        self._world.check()

    async def end(self) -> None:
        """The storm is over: check that all comes right, and that publishing works."""
        world = self._world
        world.losses = world.ghosts = world.announcement_losses = 0.0
        world.is_quiet = True
        await self.until_settled(SETTLED_S_MAX)
        for number, process in enumerate(list(world.processes)):
            for slot in sorted(self._cluster.owners):
                if slot != NODES:
                    await self._publish(process, slot, f"end-{number}")
        await self.until_settled(PUBLISHED_S_MAX)
        self._check_logs()

    async def _publish(self, process: ShardProcess, channel: str, text: str) -> None:
        key = f"{text}-{channel}"
        message = Message(channel, "number", f'"{key}"'.encode(), key=key)
        end = self._world.now + PUBLISHED_S_MAX
        while True:
            try:
                await process.publish(message)
            except BrokerError as error:
                is_late = self._world.now > end
                demand(not is_late, "{} cannot publish in {}: {}", process.name, channel, error)
                await asyncio.sleep(0.1)
            else:
                return

    def _unsettled(self) -> str | None:
        world, cluster = self._world, self._cluster
        opened = cluster.home.home.opened
        if opened is None:
            return "no term is open"
        if cluster.moving or cluster.old:
            return "the cluster is not whole"
        for process in world.processes:
            if process.now is None or process.now.term != opened.term:
                return f"{process.name} is in {process.now}, not {opened.term}"
            if not process.healing.is_alive:
                return f"{process.name} is not alive"
        used = {cluster.owners[one] for gateway in world.gateways for one in gateway.replicas}
        # Nobody asks for one that nobody uses.
        for address in used:
            if opened.shard(cluster.servers[address].history) is None:
                return f"{address} is none of the term's"
        return self._behind()

    def _behind(self) -> str | None:
        for gateway in self._world.gateways:
            for channel, replica in gateway.replicas.items():
                log = self._log(channel)
                if log is None or log.position != replica.position:
                    return f"{gateway.name} has {channel} at {replica.position}, not {log}"
        return None

    def _log(self, channel: str) -> ShardLog | None:
        return self._owner(channel).slots.get(channel, NO_SLOT).log

    def _owner(self, channel: str) -> ShardServer:
        return self._cluster.servers[self._cluster.owners[channel]]

    def _check_logs(self) -> None:
        for slot in self._cluster.owners:
            log = None if slot == NODES else self._log(slot)
            if log is not None:
                self._world.truth.goes_on(slot, log.epoch, log.offset)
                self._world.truth.check(slot, log.epoch, log.publications)

    # Where only one thing went wrong.

    def epochs(self) -> dict[str, tuple[str, str]]:
        """The epoch of each log that a gateway has, and the server where it is."""
        found: dict[str, tuple[str, str]] = {}
        for gateway in self._world.gateways:
            for channel, replica in gateway.replicas.items():
                found[channel] = replica.epoch, self._cluster.owners[channel]
        return found

    def check_effect(
        self, name: str, before: dict[str, tuple[str, str]], *, failed: set[str]
    ) -> None:
        """No log began again, and nothing was written where nothing was lost."""
        for channel, (epoch, address) in before.items():
            if name == "loss while another is away" and address in failed:
                # A process that waits for the one that is away may offer too late.
                continue
            log = self._log(channel)
            now = None if log is None else log.epoch
            demand(now == epoch, "{}: {} was {} and is {}", name, channel, epoch, log)
        for address, channel in self._world.restored:
            was_at = before.get(channel, ("", address))[1]
            is_lost = was_at in failed or address != was_at
            demand(is_lost, "{}: {} was written at {}, which lost nothing", name, channel, address)
