"""A cluster of which one server loses what it had, or whose slots are moved: nobody notices."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from healing_processes import Processes, heard, publish, settle
from redis_cluster_servers import RedisCluster, cluster, cluster_options
from redis_server import RedisServer, running
from river_feed import until

from riverd.broker.redis import keys
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.terms import Part
from riverd.broker.redis.topology import slot_of
from riverd.model.log import Position

CHANNELS = [f"c{number}" for number in range(12)]
OF_A_CHANNEL, HOME = keys.log_meta("c1"), keys.NODES
"""A key of a server that has channels alone, and one of that which has River's own keys too."""
SLOTS_EACH = 5461
SIGNED_S = 8.0
"""Eight comparisons after the cluster is up again."""
assert [slot_of(one) // SLOTS_EACH for one in (OF_A_CHANNEL, HOME)] == [2, 1], "of three servers"
UNHEARD = [f"unheard-{number}" for number in range(12)]
"""Channels that nobody is subscribed to: what their own server loses of them is lost."""


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


async def notices_nothing(
    processes: Processes,
    harm: Callable[[], None],
    *,
    loses: Callable[[str], bool] = lambda _: False,
) -> None:
    """Publish, do harm, publish again: every client has all of it once, in the same epochs.

    `loses` says whether the harm is done to the server that has a key.
    """
    subscribed = (*CHANNELS, "room-1")
    visitors = [await processes.visitor(*subscribed, user=user) for user in ("ann", "bob")]
    publisher = processes.broker()
    await stand_by(processes)
    first = await publish_all(publisher, 1)
    unheard = {
        name: await publish(publisher, 1, name) for name in UNHEARD if not loses(keys.log(name))
    }
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
    for name, place in unheard.items():
        assert (await publisher.read(name)).position == place


@pytest.mark.parametrize("shards", [{"replicas": 1}], indirect=True)
@pytest.mark.parametrize("key", [OF_A_CHANNEL, HOME])
async def test_a_replica_that_takes_over_is_not_noticed(
    shards: RedisCluster, members: Processes, key: str
) -> None:
    server = shards.owner(key)
    await notices_nothing(members, server.kill, loses=owned_by(server, shards))


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

    await notices_nothing(members, restart_it, loses=owned_by(server, shards))


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

    await notices_nothing(members, move_and_restart, loses=owned_by(source, shards))


async def test_a_slot_is_moved_to_a_server_that_was_restarted_before(
    shards: RedisCluster, members: Processes
) -> None:
    """Nodes sign what they have replicas of, in the new term."""
    target = shards.other(OF_A_CHANNEL)

    def restart_and_move() -> None:
        target.kill()
        target.start()
        time.sleep(SIGNED_S)
        move(shards, OF_A_CHANNEL, target)

    await notices_nothing(members, restart_and_move, loses=owned_by(target, shards))


async def test_a_server_that_is_added_is_not_noticed(
    shards: RedisCluster, members: Processes
) -> None:
    with running(**cluster_options()) as added:

        def add() -> None:
            shards.add(added)
            for key in (OF_A_CHANNEL, HOME):
                move(shards, key, added)

        await notices_nothing(members, add)
        # Before the server: it has River's own keys by now.
        await members.close()


async def test_where_a_function_publishes_a_lost_log_begins_again(
    shards: RedisCluster, members: Processes
) -> None:
    """It cannot be asked; what other servers have goes on."""
    function = members.broker(Part.OUTSIDER)
    visitor = await members.visitor(*CHANNELS)
    first = await publish_all(function, 1)
    await until(lambda: heard(visitor).count("1") == len(CHANNELS))
    await settle()
    server = shards.owner(OF_A_CHANNEL)
    is_lost = owned_by(server, shards)
    lost = {name for name in CHANNELS if is_lost(keys.log(name))}
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    second = await publish_all(function, 2)
    assert {name for name in CHANNELS if second[name].epoch != first[name].epoch} == lost
    await until(lambda: heard(visitor).count("gap") == len(lost))


async def stand_by(processes: Processes) -> None:
    """One more process, which has to do with a server that no harm is done to, and the home."""
    at_first = next(one for one in UNHEARD if slot_of(keys.log(one)) // SLOTS_EACH == 0)
    await publish(processes.broker(), 0, at_first)


def owned_by(server: RedisServer, shards: RedisCluster) -> Callable[[str], bool]:
    """Whether it has a key, as things are now."""
    having = {name for name in map(keys.log, (*CHANNELS, *UNHEARD)) if shards.owner(name) is server}
    return having.__contains__


def move(shards: RedisCluster, name: str, target: RedisServer) -> None:
    shards.begin_move(name, target)
    shards.move_keys(name, target, at_once=1)
    shards.end_move(name, target)
