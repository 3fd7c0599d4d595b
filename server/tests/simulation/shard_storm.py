"""What goes wrong in a cluster: with its servers, its slots and River's processes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from simulation.shard_server import LAG_MAX, NO_SLOT, NODES, ShardData

if TYPE_CHECKING:
    from simulation.shard_process import ShardProcess
    from simulation.shard_server import ShardServer
    from simulation.shard_world import ShardWorld

SPARE = "d1"
PAUSE_S_MAX = 8.0
ROUND_WAIT_S = 6.0

Fault = Callable[[], Awaitable[None]]


class ShardStorm:
    """Every fault ends by itself after a while."""

    def __init__(self, world: ShardWorld, *, is_gentle: bool) -> None:
        self._world, self._dice, self._cluster = world, world.dice, world.cluster
        self._is_gentle = is_gentle
        """No process sees what another one does not."""
        self._under_way = 0
        self.failed: set[str] = set()
        """The addresses of servers that lost something."""
        self.servers: dict[str, Fault] = {
            "failover": self._fail_over,
            "restart": self._restart,
            "away": self._away,
            "loss while another is away": self._lose_while_away,
            "move": self._move,
            "move the record": self._move_record,
            "failover of the home": self._fail_over_home,
            "restart of the home": self._restart_home,
        }
        self._faults: dict[str, Fault] = self.servers | {
            "pause": self._pause,
            "kill": self._kill,
            "kill the leader": self._kill_leader,
            "second failure": self._fail_again,
            "loss of what was moved": self._move_and_lose,
        }

    async def single(self) -> str:
        """One fault of a server. Gives which."""
        name = self._dice.choice(sorted(self.servers))
        self._world.note("storm", name)
        await self.servers[name]()
        return name

    async def rage(self, until: float) -> None:
        """One fault after another, several at a time."""
        names = list(self._faults)
        every_s = self._dice.choice((1.0, 2.0, 4.0))
        while True:
            await asyncio.sleep(self._dice.expovariate(1 / every_s))
            if self._world.now > until:
                return
            name = self._dice.choice(names)
            self._world.note("storm", name)
            self._under_way += 1
            self._world.spawn(self._run(self._faults[name]))

    @property
    def is_over(self) -> bool:
        """Whether all faults have ended."""
        return self._under_way == 0

    async def _run(self, fault: Fault) -> None:
        await fault()
        self._under_way -= 1

    # Servers.

    def _server(self, *, with_replica: bool = False) -> ShardServer | None:
        cluster = self._cluster
        found = [
            address
            for address in cluster.masters
            if self._is_well(address) and (address in cluster.replicas or not with_replica)
        ]
        return cluster.servers[self._dice.choice(found)] if found else None

    def _is_well(self, address: str) -> bool:
        server = self._cluster.servers[address]
        return not (server.is_away or server.seen_by is not None)

    async def _fail_over(self) -> None:
        server = self._server(with_replica=True)
        if server is not None:
            await self._promote(server)

    async def _fail_over_home(self) -> None:
        home = self._cluster.home
        if self._is_well(home.address) and home.address in self._cluster.replicas:
            await self._promote(home)

    async def _promote(self, server: ShardServer) -> None:
        world, dice, address = self._world, self._dice, server.address
        self.failed.add(address)
        data = server.data(lag=dice.randint(0, LAG_MAX))
        names = [process.name for process in world.processes if dice.random() < 0.4]
        seen_by = frozenset(() if self._is_gentle or dice.random() < 0.5 else names)
        server.seen_by = seen_by
        server.is_away = not seen_by
        server.split = frozenset(self._cluster.slots_of(address))
        world.note("storm", address, "is lost, but for", sorted(seen_by))
        self._break_some(server)
        await asyncio.sleep(dice.choice((0.1, 0.5, 2.0)))
        new = self._cluster.promote(address, data, seen_by=seen_by)
        self.failed.add(new.address)
        await asyncio.sleep(dice.uniform(0, 3))
        self._cluster.end_split(server, new.address)

    def _break_some(self, server: ShardServer) -> None:
        """Some notice at once."""
        for process in self._world.processes:
            if self._dice.random() < 0.7:
                process.lose(server)

    async def _restart(self) -> None:
        server = self._server()
        if server is not None:
            await self._come_back(server)

    async def _restart_home(self) -> None:
        home = self._cluster.home
        if self._is_well(home.address):
            await self._come_back(home)

    async def _come_back(self, server: ShardServer) -> None:
        dice, address = self._dice, server.address
        self.failed.add(address)
        data = dice.choice((ShardData(), self._world.snapshot(address), server.data()))
        server.is_away = True
        self._break_some(server)
        await asyncio.sleep(dice.choice((0.1, 1.0, 3.0)))
        self._cluster.restart(address, data)

    async def _lose_while_away(self) -> None:
        server, other = self._server(), self._server()
        if server is None or other is None or other in (server, self._cluster.home):
            # Whoever gives a sign first at a home that was away takes others for gone.
            return
        other.is_away = True
        if server.address in self._cluster.replicas:
            await self._promote(server)
        else:
            await self._come_back(server)
        await asyncio.sleep(self._dice.choice((0.5, 3.0)))
        other.is_away = False

    async def _away(self) -> None:
        server = self._server()
        if server is not None:
            server.is_away = True
            await asyncio.sleep(self._dice.choice((0.3, 2.0, 8.0)))
            server.is_away = False

    # Slots.

    async def _move(self) -> None:
        slots = [slot for slot in self._cluster.owners if slot != NODES]
        await self._move_slot(self._dice.choice(slots))

    async def _move_record(self) -> None:
        await self._move_slot(NODES)

    async def _move_and_lose(self) -> None:
        cluster = self._cluster
        slot = self._dice.choice([slot for slot in cluster.owners if slot != NODES])
        await self._move_slot(slot)
        for _ in range(50):
            server = cluster.servers[cluster.owners[slot]]
            log = server.slots.get(slot, NO_SLOT).log
            if log is not None and log.mark.history == server.history:
                break
            await asyncio.sleep(0.1)
        server = cluster.servers[cluster.owners[slot]]
        if self._is_well(server.address):
            has_replica = server.address in cluster.replicas
            await (self._promote(server) if has_replica else self._come_back(server))

    async def _move_slot(self, slot: str) -> None:
        cluster, dice = self._cluster, self._dice
        targets = [
            address
            for address in {*cluster.masters, SPARE} - {cluster.owners[slot]}
            if self._is_well(address)
        ]
        if not targets or not cluster.may_move(slot):
            return
        target = dice.choice(sorted(targets))
        cluster.begin_move(slot, target)
        for step in (cluster.move_data, cluster.end_move):
            await asyncio.sleep(dice.choice((0.05, 0.3, 1.0)))
            if cluster.moving.get(slot) == target:
                step(slot)

    # Processes.

    def _process(self) -> ShardProcess:
        return self._dice.choice(self._world.processes)

    async def _pause(self) -> None:
        process = self._process()
        if not process.is_paused:
            process.is_paused = True
            await asyncio.sleep(self._dice.uniform(0.5, PAUSE_S_MAX))
            process.go_on()

    async def _kill(self) -> None:
        await self._replace(self._process())

    async def _replace(self, process: ShardProcess) -> None:
        world = self._world
        if not process.is_over:
            world.note("storm", "kills", process.name)
            process.kill()
            await asyncio.sleep(self._dice.uniform(0, 5))
            world.start_instead(process)

    async def _kill_leader(self) -> None:
        if await self._round_begins():
            await asyncio.sleep(self._dice.uniform(0, 0.6))
            owner = self._cluster.home.home.owner
            for process in self._world.processes:
                if process.healing.members.name == owner:
                    await self._replace(process)
                    return

    async def _fail_again(self) -> None:
        if await self._round_begins():
            await asyncio.sleep(self._dice.uniform(0, 0.6))
            name = self._dice.choice(sorted(self.servers))
            self._world.note("storm", "meanwhile", name)
            await self.servers[name]()

    async def _round_begins(self) -> bool:
        until = self._world.now + ROUND_WAIT_S
        while not self._cluster.home.home.has_round:
            if self._world.now > until:
                return False
            await asyncio.sleep(0.05)
        return True
