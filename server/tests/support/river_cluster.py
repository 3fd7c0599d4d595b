"""Nodes, clients and publishers around one store, with weather between if a test wants it."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from itertools import count
from typing import Any

from river_feed import until
from river_hearing import Hearing, Truth
from river_late_broker import LateBroker, Weather
from river_time import in_no_time
from river_wire import Book, Client, sent, session_of

from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.channels.rules import ChannelRules
from riverd.core.hub import Hub
from riverd.core.session import Session
from riverd.model.log import Message, Position
from riverd.node.node import Node
from riverd.node.replicas.attachment import Linger

HISTORY_SIZE = 50
HISTORY_TTL_S = 300.0
RULES = ChannelRules(history_size=HISTORY_SIZE, history_ttl_s=HISTORY_TTL_S)
IDLE_S = 5.0
COMPARE_S = 2.0


class Visitor:
    """A client of a node, with what it hears; its connection ends as the gateway would end it."""

    def __init__(
        self,
        node: Node,
        user: str | None,
        *,
        book: Book,
        rules: ChannelRules,
    ) -> None:
        self.node = node
        self.client = Client()
        self.session: Session = session_of(self.client, book=book, rules=rules)
        self.client.on_full = lambda: node.blocked(self.session)
        self._close = self.client.close
        self.client.close = self.close  # type: ignore[method-assign]  the sink that the node closes
        node.opened(self.session)
        if user is not None:
            self.ask(type="auth", token=user)
        self.client.take()

    def ask(self, **fields: object) -> None:
        """Send a message and have it carried out."""
        now = asyncio.get_running_loop().time()
        self.node.receive(self.session, sent(**fields), now=now)

    def close(self, code: int, reason: str) -> None:
        """The session ends the connection."""
        self._close(code, reason)
        self.leave()

    def leave(self) -> None:
        """The connection is gone."""
        self.session.closed = True
        self.node.closed(self.session)

    async def told(self, *types: str) -> list[dict[str, Any]]:
        """All that was told, once it is of these types in this order."""
        await until(lambda: self.client.types() == list(types))
        return self.client.take()


class Cluster:
    """A store, and the doors to it."""

    def __init__(self, rules: ChannelRules = RULES) -> None:
        self.loop = asyncio.get_running_loop()
        self.epochs = count(1)
        self.truth: dict[str, Truth] = {}
        self.failures: list[BaseException] = []
        self.book = Book()
        self.rules = rules
        self.store = Store(self.rules, new_epoch=self.new_epoch)
        self.board = Switchboard(self.store)
        self.publisher = MemoryBroker(self.board, self.loop.time)
        self.nodes: list[Node] = []

    def new_epoch(self) -> str:
        return f"e{next(self.epochs)}"

    async def node(
        self,
        *,
        weather: Weather | None = None,
        idle_s: float = IDLE_S,
        leave_s: float = 0.0,
        compare_s: float | None = None,
        clock: Callable[[], float] | None = None,
    ) -> tuple[Node, LateBroker]:
        """One more node; its `clock` need not agree with the loop's timers."""
        broker = LateBroker(self.board, self.loop.time, weather)
        hub = Hub(self.rules, part_bytes_max=2_000)
        node = Node(
            broker,
            hub,
            clock=clock or self.loop.time,
            failed=self.failures.append,
            linger=Linger(idle_s, leave_s),
            compare_s=compare_s,
        )
        await node.start()
        self.nodes.append(node)
        return node, broker

    def visitor(self, node: Node, user: str = "ann") -> Visitor:
        """One more client."""
        return Visitor(node, user, book=self.book, rules=self.rules)

    def stranger(self, node: Node) -> Visitor:
        """One more client, which has sent no token."""
        return Visitor(node, None, book=self.book, rules=self.rules)

    def publish(self, channel: str = "c", *, times: int = 1) -> Position:
        """Publish from a back end; it is in the store when this returns."""
        position = self.store.read(channel, now=self.loop.time()).position
        for _ in range(times):
            log = self.truth.setdefault(channel, {}).setdefault(position.epoch, [])
            data = f'"{channel} {position.epoch} {len(log) + 1}"'
            log.append(data.strip('"'))
            message = Message(channel, "e", data.encode())
            receipt, publication = self.store.publish(message, self.loop.time())
            assert publication is not None
            assert isinstance(receipt, Position)
            position = receipt
            self.board.event(channel, position.epoch, event=publication)
        return position

    def begin_again(self, channel: str = "c") -> None:
        """The broker lost the channel: its log has another epoch."""
        self.store._logs.pop(channel, None)

    def hearing(self, channel: str = "c", *, start: int | None = None) -> Hearing:
        """A client's view that is held against what was published."""
        return Hearing(self.truth.setdefault(channel, {}), expected_start=start)

    async def close(self) -> None:
        """End all nodes; nothing may have failed."""
        for node in self.nodes:
            await node.close()
        assert self.failures == []


async def turns(number: int = 20) -> None:
    """Let the loop turn a few times."""
    for _ in range(number):
        await asyncio.sleep(0)


def in_a_cluster(
    test: Callable[[Cluster], Coroutine[None, None, None]], *, rules: ChannelRules = RULES
) -> Callable[[], None]:
    """Give a test a cluster on a loop that does not wait; nothing may fail in the background."""

    async def run() -> None:
        cluster = Cluster(rules)
        await test(cluster)
        await cluster.close()

    @wraps(test)
    def without_arguments() -> None:
        in_no_time(run)()

    del without_arguments.__wrapped__  # type: ignore[attr-defined]  pytest would look for fixtures
    return without_arguments


async def live(visitor: Visitor, channel: str = "c", **fields: object) -> None:
    """Subscribe and wait until it is so."""
    visitor.ask(type="subscribe", channel=channel, **fields)
    await until(lambda: "subscribed" in visitor.client.types())
    visitor.client.take()
    await turns()


def lose(cluster: Cluster, times: int, channel: str = "c") -> None:
    """Publish what no node is told of."""
    listeners, cluster.board.listeners = cluster.board.listeners, {}
    cluster.publish(channel, times=times)
    cluster.board.listeners = listeners
