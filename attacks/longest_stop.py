"""How long the loop is stopped by what concerns all channels or all clients of a gateway.

    python attacks/longest_stop.py --channels 100000

A node with so many channels, each with a client of a user of its own, and one channel that all of
them have, on a Redis of its own; the clients have no sockets. For each piece of work: the longest
turn of the loop, in this thread's time on the processor, so that it does not matter how busy the
machine is. What writes to all subscribers of one channel is not among them: it is one write each.
"""

# ruff: noqa: SLF001, ASYNC110  it looks at what is within, while it happens

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "server" / "tests" / "support"))

from redis_server import RedisServer
from river_wire import sent

from riverd.auth.session_secrets import SessionSecrets
from riverd.broker.redis import address
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.connector import Connector
from riverd.channels.rules import ChannelRules
from riverd.core.hub import Hub
from riverd.core.session import Session
from riverd.core.session_limits import SessionLimits
from riverd.errors import Reason
from riverd.model.claims import Claims
from riverd.model.log import Message
from riverd.node.node import Node
from riverd.protocols.native.protocol import Native
from riverd.service.collector import OldObjects

SECRET = "a-secret-of-a-measured-node-0123456789"  # noqa: S105  nobody else's
RULES = ChannelRules((), history_size=100, history_ttl_s=300)
PRESENCE_EVERY = 5
"""One of so many channels has members."""
LIMITS = SessionLimits(rate=1e9, user_channels_max=1_000_000, node_channels_max=1_000_000)
AT_ONCE = 20
ROOM = "presence-room"


class MuteSink:
    """Takes everything."""

    def write(self, frames: bytes) -> None:
        """Nobody reads it."""

    def write_parts(self, parts: Any) -> None:
        """Nobody reads it."""

    def close(self, code: int, reason: str) -> None:
        """Nothing is open."""

    def on_authenticated(self, *, renewed: bool) -> None:
        """It was a token."""

    def take_guest(self) -> bool:
        """It has a token."""
        return True


class Turns:
    """Measures the turns of a loop, from one wait for sockets to the next."""

    def __init__(self) -> None:
        self.longest_s = self.collected_s = 0.0
        self._collecting_at = 0.0
        gc.callbacks.append(self._collected)
        self._began_at = time.thread_time()
        selector: Any = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
        self._select = selector.select
        selector.select = self._measured

    def _collected(self, phase: str, _info: object) -> None:
        now = time.thread_time()
        if phase == "stop":
            self.collected_s = max(self.collected_s, now - self._collecting_at)
        self._collecting_at = now

    def _measured(self, timeout: float | None = None) -> object:
        self.longest_s = max(self.longest_s, time.thread_time() - self._began_at)
        try:
            return self._select(timeout)
        finally:
            self._began_at = time.thread_time()


class Crowd:
    """The node, its sessions, and what is done to them."""

    def __init__(self, url: str, channels: int) -> None:
        self.count = channels
        self.turns = Turns()
        self.failures: list[BaseException] = []
        self.sessions: list[Session] = []
        broker = self.broker = RedisBroker(
            Connector(address.parse(url)), rules=RULES, failed=self.failures.append
        )
        self.hub = Hub(RULES, part_bytes_max=131_072)
        self.node = Node(broker, self.hub, clock=time.monotonic, failed=self.failures.append)
        self._native = Native(RULES, SessionSecrets([SECRET]))

    def channel(self, number: int) -> str:
        """The one of a client."""
        return f"{'presence-' if number % PRESENCE_EVERY == 0 else ''}c{number}"

    def channels_of(self, number: int) -> tuple[str, ...]:
        """Where a client subscribes."""
        return self.channel(number), "all"

    async def come(self) -> None:
        """All clients, each with a token."""
        await self.node.start()
        for number in range(self.count):
            session = Session(
                f"s{number}", MuteSink(), protocol=self._native, limits=LIMITS, verify=_claims
            )
            self.sessions.append(session)
            self.node.opened(session)
            now = time.time()
            self.node.receive(session, sent(type="auth", token=f"u{number}"), now=now)
            for channel in self.channels_of(number):
                self.node.receive(session, sent(type="subscribe", channel=channel), now=now)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
                await self.until(lambda: self.waiting <= 100 * AT_ONCE)
        await self.until(lambda: self.waiting == 0)

    @property
    def waiting(self) -> int:
        """How many subscriptions are not live."""
        of_all = self.hub.channels.get("all")
        live = 0 if of_all is None else of_all.subscribers + len(self.hub.channels) - 1
        return 2 * len(self.node.sessions) - live

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is so that nobody tells of."""
        while not holds():
            await asyncio.sleep(0.05)

    async def compare(self) -> None:
        """All positions."""
        await self.node.attachments.compare(on_its_way_s=0)

    async def lose_data(self) -> None:
        """The broker comes back without its data: every log begins again, with a gap."""
        [*_] = await self.broker._server.commands([("FLUSHALL", "ASYNC")])
        epoch = self.hub.channels["all"].log.epoch
        self.node.on_interrupted()
        await self.until(lambda: self.hub.channels["all"].log.epoch != epoch)
        await self.compare()
        await self.settled()

    async def settled(self) -> None:
        """The lists of members are taken, with the entries that were made again."""
        await asyncio.sleep(2)
        attachments = self.node.attachments
        await self.until(lambda: attachments._membership.remaking.is_over)
        await self.until(lambda: not attachments._repairs._settlements._waiting)
        await asyncio.sleep(3)

    async def count_all(self) -> None:
        """The subscribers of all channels."""
        self.node.on_counts_wanted()
        await asyncio.sleep(1)
        await self.until(lambda: not self.node._counts._reporting)

    async def remake_entries(self) -> None:
        """All that the node's lease held."""
        self.node.on_presence_lost()
        await self.until(lambda: not self.node._counts._reporting)
        await self.settled()

    async def sweep(self) -> None:
        """The sweep of the replicas, which is every five seconds."""
        await asyncio.sleep(6)

    async def publish_to_all(self) -> None:
        """A publication for every channel."""
        for start in range(1, self.count, 100):
            names = [self.channel(one) for one in range(start, min(self.count, start + 100))]
            await self.broker.publish_many([Message(one, "e", b"1") for one in names])

    async def list_channels(self) -> None:
        """All of them."""
        await self.broker.occupied("")

    async def list_users(self) -> None:
        """The first thousand."""
        await self.node.users.connected("", 1_000)

    async def revoke(self) -> None:
        """Refusals are looked up for all users after the node lost its place among the orders."""
        self.node._on_reloaded(False)
        await asyncio.sleep(1)

    async def end(self) -> None:
        """A planned stop: all are closed."""
        for start in range(0, self.count, AT_ONCE):
            for session in self.sessions[start : start + AT_ONCE]:
                session.close(Reason.DRAINING, "")
                self.node.closed(session)
            await asyncio.sleep(0)
        await asyncio.sleep(7)
        await self.until(lambda: not self.hub.channels)

    async def clear(self) -> None:
        """What a node that is gone had entered."""
        await self.broker._lease._clear(self.broker._lease.node)  # type: ignore[union-attr]


class Room(Crowd):
    """The same with one channel, of which all are members."""

    def channel(self, number: int) -> str:
        """The one that there is."""
        del number
        return ROOM

    def channels_of(self, number: int) -> tuple[str, ...]:
        """The same one for all."""
        return (self.channel(number),)

    @property
    def waiting(self) -> int:
        """How many subscriptions are not live."""
        room = self.hub.channels.get(ROOM)
        return len(self.node.sessions) - (0 if room is None else room.subscribers)

    async def read_again(self) -> None:
        """The list of members, as after a change that was lost."""
        [attachment] = self.node.attachments
        self.node.attachments._repairs.soon(attachment)
        await self.until(lambda: not attachment.repairing)

    async def lose_data(self) -> None:
        """The list and the log begin again."""
        [*_] = await self.broker._server.commands([("FLUSHALL", "ASYNC")])
        epoch = self.hub.channels[ROOM].log.epoch
        self.node.on_interrupted()
        await self.until(lambda: self.hub.channels[ROOM].log.epoch != epoch)
        await self.settled()


def _claims(token: str, now: float) -> Claims:
    return Claims(user=token, issued_at=now)


def _pieces(crowd: Crowd) -> dict[str, Callable[[], Awaitable[None]]]:
    if isinstance(crowd, Room):
        return {
            "clients come into one channel": crowd.come,
            "its list of members is read again": crowd.read_again,
            "its presence entries are made again": crowd.remake_entries,
            "the broker lost its data": crowd.lose_data,
            "all clients are closed": crowd.end,
        }
    return {
        "clients come, each with two subscriptions": crowd.come,
        "positions are compared": crowd.compare,
        "a publication for every channel": crowd.publish_to_all,
        "replicas are swept": crowd.sweep,
        "counts are reported": crowd.count_all,
        "presence entries are made again": crowd.remake_entries,
        "what GET /channels asks for": crowd.list_channels,
        "what GET /users asks for": crowd.list_users,
        "refusals are looked up for all users": crowd.revoke,
        "the broker lost its data": crowd.lose_data,
        "entries of a node are cleared": crowd.clear,
        "all clients are closed": crowd.end,
    }


async def measure(crowd: Crowd) -> None:
    """Do everything, and print the longest turn of each."""
    gc.collect()
    gc.freeze()
    collector = asyncio.create_task(OldObjects().run())
    for name, work in _pieces(crowd).items():
        await asyncio.sleep(0)
        crowd.turns.longest_s = crowd.turns.collected_s = 0.0
        began_at = time.monotonic()
        await work()
        took_s = time.monotonic() - began_at
        longest_ms, collected_ms = crowd.turns.longest_s * 1000, crowd.turns.collected_s * 1000
        print(
            f"{name}: {longest_ms:.1f} ms of {took_s:.1f} s (collector: {collected_ms:.1f} ms)",
            flush=True,
        )
    collector.cancel()
    await crowd.node.close()
    if crowd.failures:
        raise crowd.failures[0]


async def _measure(url: str, count: int, *, is_room: bool) -> None:
    await measure((Room if is_room else Crowd)(url, count))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=100_000)
    parser.add_argument("--room", action="store_true", help="one channel with so many members")
    wanted = parser.parse_args()
    server = RedisServer()
    try:
        server.start()
        asyncio.run(_measure(server.url, wanted.channels, is_room=wanted.room))
    finally:
        server.close()


if __name__ == "__main__":
    main()
