"""A cluster: calls and feeds find their server while slots move and servers die."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from brokers import RedisBrokers, persistently
from redis_cluster_servers import RedisCluster, cluster
from river_feed import Notes, until

from riverd.broker.redis import keys
from riverd.broker.redis.topology import slot_of
from riverd.channels.names import CONTROL
from riverd.errors import BrokerError
from riverd.model.log import Member, Message, Occupancy, Position
from riverd.model.orders import Order, OrderKind

BrokersAt = Callable[..., RedisBrokers]
CHANNELS = [f"presence-{number}" for number in range(60)]


@pytest.fixture
def servers(shared_cluster: RedisCluster) -> RedisCluster:
    shared_cluster.flush()
    return shared_cluster


@pytest.fixture
def own_servers() -> Iterator[RedisCluster]:
    with cluster(replicas=1) as made:
        yield made


async def hears(brokers: RedisBrokers, notes: Notes, channel: str) -> Position:
    """Publish until the node hears one: what came before that may have been lost."""
    async with asyncio.timeout(40):
        while True:
            place = await brokers.published(Message(channel, "e", b"1"))
            for _ in range(50):
                if (channel, place) in heard(notes):
                    return place
                await asyncio.sleep(0.002)


def heard(notes: Notes) -> set[tuple[str, Position]]:
    return {
        (channel, Position(epoch, publication.offset))
        for channel, epoch, publication in notes.publications
    }


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        ("123456789", 12739),
        ("foo", 12182),
        ("river:{foo}:log", 12182),
        ("{foo}{bar}", 12182),
        ("{}foo", slot_of("{}foo")),
    ],
)
def test_slots_are_those_of_the_specification(name: str, slot: int) -> None:
    assert slot_of(name) == slot


def test_all_of_a_channel_is_in_one_slot() -> None:
    feeds = keys.FeedNames(0)
    names = [
        keys.log_meta("c"),
        keys.log("c"),
        keys.seen("c", "{other}"),
        feeds.name("c"),
        *keys.member_keys("c"),
        keys.node_entries("c", "node"),
    ]
    assert {slot_of(name) for name in names} == {slot_of("c")}
    assert slot_of(keys.NODES) == slot_of(keys.CLAIMS)


async def test_channels_are_spread_over_all_servers(
    servers: RedisCluster, brokers_at: BrokersAt
) -> None:
    brokers = brokers_at(servers.url)
    broker, notes = await brokers.node()
    await asyncio.gather(*[broker.subscribe(channel) for channel in CHANNELS])
    results = await brokers().publish_many([Message(name, "e", b"1") for name in CHANNELS])
    assert all(isinstance(one, Position) for one in results)
    await until(lambda: len(notes.publications) == len(CHANNELS))
    for name in CHANNELS:
        await broker.join(name, Member("ann"))
    await broker.report(dict.fromkeys(CHANNELS, 2))
    assert await brokers().occupied("") == dict.fromkeys(CHANNELS, Occupancy(2, 1))
    positions = await broker.positions(CHANNELS)
    assert [log for log, _ in positions] == results
    for server in servers.servers:
        with server.client() as client:
            assert client.dbsize() > 20
            assert client.execute_command("PUBSUB SHARDCHANNELS")
    await broker.close()
    assert await brokers().occupied("") == {}
    assert (await brokers().members(CHANNELS[0])).members == {}


async def test_a_channel_is_served_while_its_slot_moves(
    servers: RedisCluster, brokers_at: BrokersAt
) -> None:
    brokers = brokers_at(servers.url)
    broker, notes = await brokers.node()
    await broker.subscribe("moving")
    await broker.subscribe("staying")
    places = [await hears(brokers, notes, "moving")]
    name = keys.log("moving")
    target = servers.other(name)
    servers.begin_move(name, target)
    places.append(await brokers.published(Message("moving", "e", b"2")))
    servers.move_keys(name, target)
    # The slot's old server sends us on (ASK).
    places.append(await brokers.published(Message("moving", "e", b"3")))
    assert (await broker.read("moving")).position == places[-1]
    servers.end_move(name, target)
    places.append(await hears(brokers, notes, "moving"))
    assert len(set(places)) == len(places)
    assert (await broker.read("moving")).position == places[-1]
    await hears(brokers, notes, "staying")
    assert servers.owner(name) is target


async def test_one_dead_seed_is_enough_to_begin_with(
    servers: RedisCluster, brokers_at: BrokersAt
) -> None:
    url = servers.url.replace("redis+cluster://", "redis+cluster://127.0.0.1:1,")
    await brokers_at(url)().publish(Message("c", "e", b"1"))


async def test_no_server_of_the_cluster_is_said(brokers_at: BrokersAt) -> None:
    broker, notes = await brokers_at("redis+cluster://127.0.0.1:1").node()
    for _ in range(2):
        with pytest.raises(BrokerError):
            await broker.publish(Message("c", "e", b"1"))
    with pytest.raises(BrokerError):
        await broker.subscribe("c")
    assert notes.interruptions == 0


async def test_a_replica_takes_the_place_of_a_master_that_dies(
    own_servers: RedisCluster, brokers_at: BrokersAt
) -> None:
    brokers = brokers_at(own_servers.url, unsafe=True)
    broker, notes = await brokers.node()
    for name in ("c", "d", "e"):
        await broker.subscribe(name)
    owners = {name: own_servers.owner(keys.log(name)) for name in ("c", "d", "e")}
    before = {name: await hears(brokers, notes, name) for name in owners}
    await broker.join("presence-c", Member("ann"))
    owners["c"].kill()
    after = {name: await hears(brokers, notes, name) for name in owners}
    for name, owner in owners.items():
        # Only what the dead server had begins again.
        assert (after[name].epoch != before[name].epoch) == (owner is owners["c"])
    await persistently(lambda: broker.join("presence-c", Member("ann")))
    assert list((await brokers().members("presence-c")).members) == ["ann"]
    await until(own_servers.is_whole)
    await persistently(lambda: broker.subscribe(CONTROL))
    order = Order("1", OrderKind.DISCONNECT, user="ann")
    await persistently(lambda: broker.control.order(order))
    await until(lambda: "ann" in notes.disconnected)
