"""A cluster of which one server loses what it had, or whose slots are moved: nobody notices."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from healing_processes import Processes, heard, publish, settle
from redis_cluster_servers import RedisCluster, cluster
from redis_server import RedisServer
from river_feed import until

from riverd.broker.redis import keys
from riverd.broker.redis.broker import RedisBroker
from riverd.model.log import Position

CHANNELS = [f"c{number}" for number in range(12)]
OF_A_CHANNEL, HOME = keys.log_meta("c0"), keys.NODES
"""A key of a server that has channels alone, and one of that which has River's own keys too."""


@pytest.fixture
def shards(request: pytest.FixtureRequest) -> Iterator[RedisCluster]:
    with cluster(**getattr(request, "param", {})) as made:
        yield made


@pytest.fixture
async def members(shards: RedisCluster) -> AsyncIterator[Processes]:
    made = Processes(shards.url, unsafe=True)
    yield made
    await made.close()


async def publish_all(publisher: RedisBroker, data: object) -> dict[str, Position]:
    places = await asyncio.gather(*[publish(publisher, data, name) for name in CHANNELS])
    return dict(zip(CHANNELS, places, strict=True))


async def notices_nothing(processes: Processes, harm: Callable[[], None]) -> None:
    """Publish, do harm, publish again: every client has all of it once, in the same epochs."""
    subscribed = (*CHANNELS, "room-1")
    visitors = [await processes.visitor(*subscribed, user=user) for user in ("ann", "bob")]
    publisher = processes.broker()
    first = await publish_all(publisher, 1)
    await until(lambda: all(heard(one).count("1") == len(CHANNELS) for one in visitors))
    await settle()
    for one in visitors:
        one.client.take()
    await asyncio.to_thread(harm)
    second = await publish_all(publisher, 2)
    await until(lambda: all(heard(one).count("2") == len(CHANNELS) for one in visitors))
    await settle()
    assert [heard(one) for one in visitors] == [["2"] * len(CHANNELS)] * 2
    assert second == {name: Position(place.epoch, 2) for name, place in first.items()}
    for name in CHANNELS:
        tail = await publisher.read(name)
        assert [one.data for one in tail.publications] == [b'"1"', b'"2"']


@pytest.mark.parametrize("shards", [{"replicas": 1}], indirect=True)
@pytest.mark.parametrize("key", [OF_A_CHANNEL, HOME])
async def test_a_replica_that_takes_over_is_not_noticed(
    shards: RedisCluster, members: Processes, key: str
) -> None:
    await notices_nothing(members, shards.owner(key).kill)


@pytest.mark.parametrize(
    "shards", [{}, {"appendonly": "yes"}], ids=["empty", "kept"], indirect=True
)
@pytest.mark.parametrize("key", [OF_A_CHANNEL, HOME])
async def test_a_server_that_is_restarted_is_not_noticed(
    shards: RedisCluster, members: Processes, key: str
) -> None:
    server = shards.owner(key)

    def restart_it() -> None:
        server.kill()
        server.start()

    await notices_nothing(members, restart_it)


@pytest.mark.parametrize("key", [OF_A_CHANNEL, HOME])
async def test_a_slot_that_is_moved_is_not_noticed(
    shards: RedisCluster, members: Processes, key: str
) -> None:
    await notices_nothing(members, lambda: move(shards, key, shards.other(key)))


async def test_a_slot_that_was_moved_outlives_the_server_that_it_came_from(
    shards: RedisCluster, members: Processes
) -> None:
    source, target = shards.owner(OF_A_CHANNEL), shards.other(OF_A_CHANNEL)

    def move_and_restart() -> None:
        move(shards, OF_A_CHANNEL, target)
        source.kill()
        source.start()

    await notices_nothing(members, move_and_restart)


def move(shards: RedisCluster, name: str, target: RedisServer) -> None:
    shards.begin_move(name, target)
    shards.move_keys(name, target, at_once=1)
    shards.end_move(name, target)
