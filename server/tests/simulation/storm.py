"""Lets things go wrong, each kind as often as the weather says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from msgspec.structs import replace
from simulation.healing import Data
from simulation.host import Host
from simulation.server import LEASE_S

from riverd.errors import BrokerError
from riverd.model.orders import Order, OrderKind

if TYPE_CHECKING:
    from simulation.broker import SimBroker
    from simulation.world import World

NOTICE_S_MAX = 5.0
STALL_S_MAX = 10.0
REVOKE_LEEWAY_S = 0.3
BLOCK_S_MAX = 10.0


class Storm:
    """Every fault ends by itself after a while."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dice = world.dice
        self._ids = count(1)
        self._faults: dict[str, Callable[[], Awaitable[None]]] = {
            "cut feed": self._cut_feed,
            "cut node": self._cut_node,
            "crash node": self._crash,
            "stop node": self._stop,
            "broker away": self._away,
            "broker restart": self._lose if world.heals else self._restart,
            "broker failover": self._fail_over,
            "crash publisher": self._crash_publisher,
            "pause node": self._pause,
            "cut client": self._cut_client,
            "close client": self._close_client,
            "stall client": self._stall,
            "kick user": partial(self._order, OrderKind.DISCONNECT),
            "revoke user": partial(self._order, OrderKind.REVOKE),
            "block user": partial(self._order, OrderKind.BLOCK),
            "remove user": partial(self._order, OrderKind.REMOVE),
        }

    async def rage(self) -> None:
        """One fault after another, several at a time, until the weather is calm."""
        rates = self._world.weather.faults
        if not rates:
            return
        names, weights = list(rates), list(rates.values())
        while not self._world.calm:
            await asyncio.sleep(self._dice.expovariate(sum(weights)))
            if not self._world.calm:
                fault = self._dice.choices(names, weights)[0]
                self._world.note("storm", fault)
                self._world.start(self._ignoring(self._faults[fault]))

    async def _ignoring(self, fault: Callable[[], Awaitable[None]]) -> None:
        try:
            await fault()
        except BrokerError:
            return

    async def _while(self, longest_s: float) -> None:
        """Wait, but not longer than the weather is bad."""
        until = self._world.now + self._dice.uniform(0, longest_s)
        await asyncio.sleep(max(0.0, min(until, self._world.calm_at) - self._world.now))

    def _host(self) -> Host | None:
        hosts = [host for host in self._world.hosts if host.up]
        return self._dice.choice(hosts) if hosts else None

    async def _cut_feed(self) -> None:
        host = self._host()
        if host is not None and host.broker.feed is not None:
            host.broker.feed.cut()

    async def _cut_node(self) -> None:
        host = self._host()
        if host is not None:
            broker = host.broker
            broker.cut_off = True
            broker.break_connection()
            await self._while(self._dice.choice((1.0, 3.0, 2 * LEASE_S)))
            if host.broker is broker and host.up:
                broker.cut_off = False

    async def _crash(self) -> None:
        host = self._host()
        if host is not None:
            await host.crash()
            await self._while(LEASE_S)
            await host.start()

    async def _stop(self) -> None:
        host = self._host()
        if host is not None:
            await host.stop()
            await self._while(2.0)
            await host.start()

    async def _away(self) -> None:
        server = self._world.server
        server.away = True
        server.break_connections()
        await self._while(self._dice.choice((0.3, 3.0)))
        server.away = False

    async def _restart(self) -> None:
        server = self._world.server
        server.away = True
        server.break_connections()
        await self._while(self._dice.choice((0.1, 1.0)))
        self._world.note("storm", "the broker comes back with nothing")
        keep_leases, keep_standings = self._dice.random() < 0.5, self._dice.random() < 0.5
        server.restart(keep_leases=keep_leases, keep_standings=keep_standings)
        server.away = False
        # Some nodes know of it before others, and clients go from the ones to the others.
        await self._while(2.0)
        for client in self._world.clients:
            if client.line is not None and self._dice.random() < 0.5:
                client.line.cut(0.0)

    async def _lose(self) -> None:
        """The server dies, and comes back with its data, with older data, or with nothing."""
        server = self._world.server
        if self._world.flushes:
            self._world.note("storm", "somebody flushes the broker")
            server.flush()
            return
        server.away = True
        server.break_connections()
        await self._while(self._dice.choice((0.1, 1.0, 6.0)))
        if server is self._world.server:
            self._follow(self._dice.choice((Data(), server.healing.dump(), server.snapshot)))

    def _follow(self, data: Data) -> None:
        before, keep = self._world.server, self._dice.random() < 0.5
        self._world.note("storm", "the broker comes back with", data)
        self._world.server = before.successor(data, keep_leases=keep, keep_standings=keep)

    async def _fail_over(self) -> None:
        """A replica takes over; some still take the old master for one, and it takes their writes.

        Later it may be the master again, with what it has.
        """
        before, dice = self._world.server, self._dice
        if before.away or any(one.staying for one in self._world.brokers()):
            return
        self._world.was_split = True
        self._follow(dice.choice((before.snapshot, before.healing.dump())))
        after = self._world.server
        for broker in list(self._world.brokers()):
            if dice.random() < 0.5:
                broker.staying = before
                self._world.start(self._find_out(broker))
            else:
                broker.break_connection()
        await self._while(12.0)
        if self._world.server is after and dice.random() < 0.3:
            self._world.note("storm", "the old master is it again")
            after.break_connections()
            before.come_back()
            self._world.server = before

    async def _find_out(self, broker: SimBroker) -> None:
        await self._while(self._dice.choice((0.5, 2.0, 8.0)))
        broker.staying = None
        broker.break_connection()

    async def _crash_publisher(self) -> None:
        self._dice.choice(self._world.publishers).crash()

    async def _pause(self) -> None:
        host = self._host()
        if host is not None:
            broker = host.broker
            broker.pause()
            await self._while(self._dice.choice((1.0, 6.0, 14.0)))
            broker.go_on()

    async def _cut_client(self) -> None:
        line = self._dice.choice(self._world.clients).line
        if line is not None:
            line.cut(self._dice.uniform(0, NOTICE_S_MAX))

    async def _close_client(self) -> None:
        line = self._dice.choice(self._world.clients).line
        if line is not None:
            line.cut(0.0)

    async def _stall(self) -> None:
        line = self._dice.choice(self._world.clients).line
        if line is not None:
            line.stall(
                min(self._world.calm_at, self._world.now + self._dice.uniform(0, STALL_S_MAX))
            )

    async def _order(self, kind: OrderKind) -> None:
        world, dice = self._world, self._dice
        now, user, channel = world.now, dice.choice(world.clients).user, dice.choice(world.channels)
        order = Order(f"o{next(self._ids)}", kind, now, user=user)
        if kind is OrderKind.REVOKE:
            before = now + REVOKE_LEEWAY_S
            order = replace(order, before=before, ends_at=before + 3_600)
        elif kind is OrderKind.BLOCK:
            order = replace(order, ends_at=now + dice.uniform(0, BLOCK_S_MAX))
        elif kind is OrderKind.REMOVE:
            order = replace(order, channel=channel)
        await world.publishers[0].broker.control.order(order)
        if kind is OrderKind.BLOCK and dice.random() < 0.3:
            unblock = Order(f"o{next(self._ids)}", OrderKind.UNBLOCK, world.now, user=user)
            await world.publishers[0].broker.control.order(unblock)
