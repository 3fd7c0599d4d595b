"""Lists of members at a Redis that lost its data: slow nodes' members have not left."""

import asyncio
import time

import pytest
from brokers import RULES, RedisBrokers
from redis_server import RedisServer
from river_cluster import Visitor
from river_feed import until
from river_wire import Book

from riverd.core.hub import Hub
from riverd.core.presence import PresenceReplica
from riverd.node.node import Node
from riverd.node.replicas import remaking
from riverd.node.replicas.settling import SETTLE_S

ROOM = "presence-room"
USERS = (240, 60)
PORTION, EVERY_S = 10, 0.15
"""The first node needs more than twice as long as a list is waited for where nobody is slow."""


def replica(node: Node) -> PresenceReplica:
    presence = node._hub.channels[ROOM].presence
    assert presence is not None
    return presence


async def test_members_of_slow_nodes_are_not_announced_as_gone(
    redis_broker: RedisBrokers, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remaking, "DOUBTED_AT_ONCE", PORTION)
    monkeypatch.setattr(remaking, "DOUBT_EVERY_S", EVERY_S)
    assert USERS[0] / PORTION * EVERY_S > 2 * SETTLE_S
    failures = list[BaseException]()
    nodes = [
        Node(
            redis_broker(),
            Hub(RULES, part_bytes_max=100_000),
            clock=time.monotonic,
            failed=failures.append,
        )
        for _ in USERS
    ]
    visitors = list[Visitor]()
    for node, count in zip(nodes, USERS, strict=True):
        await node.start()
        for number in range(count):
            visitor = Visitor(node, f"{count}-{number}", book=Book(), rules=RULES)
            visitor.ask(type="subscribe", channel=ROOM)
            visitors.append(visitor)
    for node in nodes:
        await until(lambda: ROOM in node._hub.channels and replica(node).count == sum(USERS))  # noqa: B023
    await until(lambda: all("subscribed" in one.client.types() for one in visitors))
    await asyncio.sleep(0.5)
    for visitor in visitors:
        visitor.client.take()
    before = replica(nodes[0]).position.epoch
    with server.client() as client:
        client.flushall()
    for node in nodes:
        await until(lambda: replica(node).position.epoch != before)  # noqa: B023
        assert replica(node).count == sum(USERS)
    told = {message["type"] for visitor in visitors for message in visitor.client.take()}
    assert not told & {"left", "joined", "presence"}
    for node in nodes:
        await node.close()
    assert failures == []
