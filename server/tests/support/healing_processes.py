"""Nodes with clients and publishers at a real broker, each with a part in healing it."""

import asyncio
import time
from typing import Any

import msgspec
from brokers import RULES, persistently
from river_cluster import Visitor
from river_feed import until
from river_wire import Book

from riverd.broker.redis import address as redis_address
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.connector import Connector
from riverd.broker.redis.terms import Part
from riverd.core.hub import Hub
from riverd.model.log import Message, Position
from riverd.node.node import Node


class Processes:
    """Nodes with clients, and publishers, each as in a process of its own."""

    def __init__(self, url: str, *, unsafe: bool = False) -> None:
        self.failures: list[BaseException] = []
        self._address = msgspec.structs.replace(redis_address.parse(url), unsafe=unsafe)
        self._brokers: list[RedisBroker] = []
        self._nodes: list[Node] = []

    def broker(self, part: Part = Part.MEMBER) -> RedisBroker:
        broker = RedisBroker(
            Connector(self._address), rules=RULES, failed=self.failures.append, healing=part
        )
        self._brokers.append(broker)
        return broker

    async def visitor(self, *channels: str, user: str = "ann") -> Visitor:
        """A client on a node of its own, live in channels."""
        node = Node(
            self.broker(),
            Hub(RULES, part_bytes_max=100_000),
            clock=time.monotonic,
            failed=self.failures.append,
            compare_s=0.5,
        )
        await node.start()
        self._nodes.append(node)
        visitor = Visitor(node, user, book=Book(), rules=RULES)
        for channel in channels:
            visitor.ask(type="subscribe", channel=channel)
        await until(lambda: visitor.client.types().count("subscribed") == len(channels))
        visitor.client.take()
        return visitor

    async def close(self) -> None:
        for node in self._nodes:
            await node.close()
        for broker in self._brokers:
            await broker.close()
        assert self.failures == []


async def publish(
    broker: RedisBroker, data: object, channel: str = "c", key: str | None = None
) -> Position:
    message = Message(channel, "e", f'"{data}"'.encode(), key)
    receipt = await persistently(lambda: broker.publish(message))
    assert isinstance(receipt, Position)
    return receipt


def heard(visitor: Visitor) -> list[Any]:
    """What a client was told, each event by its data."""
    return [one.get("data", one["type"]) for one in visitor.client.told]


async def settle() -> None:
    """Until all nodes have compared with the broker, and processes have seen each other."""
    await asyncio.sleep(1.5)
