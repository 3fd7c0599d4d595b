"""A cluster of which one server loses what it had, or whose slots are moved: nobody notices."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, suppress

import pytest
import redis
from brokers import RULES, persistently
from healing_processes import Processes, heard, publish, settle
from redis_cluster_servers import RedisCluster, cluster, cluster_options
from redis_server import RedisServer, running
from river_feed import Notes, until

from riverd.broker.redis import address, keys, lease
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.cluster_healing import LOOK_S, ClusterHome
from riverd.broker.redis.connector import Connector
from riverd.broker.redis.terms import Part
from riverd.broker.redis.topology import Topology, slot_of
from riverd.errors import BrokerError
from riverd.healing.process import Healing, Term
from riverd.healing.union import ALIVE_S
from riverd.model.log import Member, Message, Position
from riverd.scheduling.tasks import Tasks

CHANNELS = [f"c{number}" for number in range(12)]
OF_A_CHANNEL, HOME = keys.log_meta("c1"), keys.NODES
"""A key of a server that has channels alone, and one of that which has River's own keys too."""
SLOTS_EACH = 5461
AT_FIRST = keys.log_meta("c2")
"""At the server that is neither of these two's."""
WITHOUT_SOME = {"cluster-require-full-coverage": "no"}
LOADED = 1_000
"""Keys that a server loads in ten seconds."""
SIGNED_S_MAX = 60.0
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
        until_signed(shards)
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


@pytest.mark.parametrize("shards", [WITHOUT_SOME], indirect=True)
async def test_a_server_that_hangs_does_not_keep_others_from_being_healed(
    shards: RedisCluster, members: Processes
) -> None:
    """What is at that one waits; nobody loses anything."""
    hanging, lost = shards.owner(OF_A_CHANNEL), shards.owner(AT_FIRST)
    is_away = owned_by(hanging, shards)
    visitor, publisher = await members.visitor(*CHANNELS), members.broker()
    first = await publish_all(publisher, 1)
    await settle()
    hanging.pause()
    lost.kill()
    lost.start()
    reached = [name for name in CHANNELS if not is_away(keys.log(name))]
    for name in reached:
        assert await publish(publisher, 2, name) == Position(first[name].epoch, 2)
    hanging.go_on()
    for name in set(CHANNELS) - set(reached):
        assert await publish(publisher, 2, name) == Position(first[name].epoch, 2)
    await until(lambda: heard(visitor).count("2") == len(CHANNELS))
    assert "gap" not in heard(visitor)


@pytest.mark.parametrize("shards", [WITHOUT_SOME], indirect=True)
async def test_others_are_not_closed_while_a_server_loads_its_data(
    shards: RedisCluster, members: Processes
) -> None:
    loading = shards.owner(OF_A_CHANNEL)
    is_away = owned_by(loading, shards)
    visitor, publisher = await members.visitor(*CHANNELS), members.broker()
    first = await publish_all(publisher, 1)
    await settle()
    with loading.client() as client:
        for number in range(LOADED):
            client.set(f"{{c1}}{number}", secrets.token_bytes(1_024))
        client.save()
    loading.kill()
    loading.begin(**{"key-load-delay": 10_000, "loading-process-events-interval-bytes": 1_024})
    async with asyncio.timeout(20):
        # At first it does not answer at all.
        while not loads(loading):
            await asyncio.sleep(0.05)
    for name in CHANNELS:
        if not is_away(keys.log(name)):
            assert await publisher.publish(Message(name, "e", b'"2"')) == Position(
                first[name].epoch, 2
            )
    assert loads(loading)
    for name in CHANNELS:
        if is_away(keys.log(name)):
            assert await publish(publisher, 2, name) == Position(first[name].epoch, 2)
    await until(lambda: heard(visitor).count("2") == len(CHANNELS))
    assert "gap" not in heard(visitor)


async def test_a_server_that_is_in_no_cluster_yet_is_asked_for_nothing(
    shards: RedisCluster,
) -> None:
    """It has come back without what it knew of the others, and is among those that are listed."""
    with running(**cluster_options()) as blank:
        url = shards.url.replace("redis+cluster://", f"redis+cluster://127.0.0.1:{blank.port},")
        made = Processes(url, unsafe=True)
        server = shards.owner(AT_FIRST)

        def restart_it() -> None:
            server.kill()
            server.start()

        await notices_nothing(made, restart_it, loses=owned_by(server, shards))
        await made.close()


async def test_publishing_goes_on_while_the_slot_of_rivers_own_keys_is_open(
    shards: RedisCluster, members: Processes
) -> None:
    """Somebody began to move it, and went home."""
    publisher, name = members.broker(), CHANNELS[0]
    await members.visitor(name)
    await publish(publisher, 1, name)
    await settle()
    shards.begin_move(HOME, shards.other(HOME))
    await asyncio.sleep(ALIVE_S + 1)
    await publisher.publish(Message(name, "e", b"2"))


@pytest.mark.parametrize("is_killed", [True, False])
async def test_a_node_that_is_stopped_while_it_makes_entries_again_leaves_nobody_behind(
    shards: RedisCluster, members: Processes, *, is_killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "FORMER_MS", 2_000)
    other, broker = members.broker(), members.broker()
    await other.attach(Notes())
    await broker.attach(Notes())
    await broker.join("room-1", Member("ann"))
    assert broker._lease is not None
    name = broker._lease.node
    server = shards.owner(HOME)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    # It has lost its lease, and does not say that it has made its entries again.
    await until(lambda: broker._lease is not None and broker._lease.node != name)
    await until(lambda: broker._lease is not None and not broker._lease._renewing.locked())
    if is_killed:
        await broker._lease._tasks.close()
    else:
        await broker.close()

    async def listed() -> list[str]:
        return list((await other.members("room-1")).members)

    async with asyncio.timeout(20):
        while await persistently(listed):
            await asyncio.sleep(0.1)


@pytest.fixture
async def home(shards: RedisCluster) -> AsyncIterator[ClusterHome]:
    tasks = Tasks(lambda error: pytest.fail(repr(error)))
    connector = Connector(address.parse(shards.url))
    topology = Topology(connector.open, connector.address.hosts, tasks=tasks)
    yield ClusterHome(Healing(time.monotonic), connector.open, topology=topology)
    await tasks.close()


@pytest.mark.parametrize("shards", [WITHOUT_SOME], indirect=True)
async def test_no_term_is_opened_in_a_server_that_was_restarted_meanwhile(
    shards: RedisCluster, home: ClusterHome
) -> None:
    with closing(await home.site(rules=RULES, key_ttl_s=60, is_light=False)) as site:
        await site.turn("a", least=1, round_name="r")
        await site.prepare(Term(1, "r"), former=())
        server = shards.owner(OF_A_CHANNEL)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        await site.turn("a", least=1, round_name="r")
        with pytest.raises(BrokerError):
            await site.open(Term(1, "r"), members=["a"])
        await site.prepare(Term(1, "r"), former=())
        await site.open(Term(1, "r"), members=["a"])


async def test_connections_that_are_made_together_ask_for_the_term_once(
    shards: RedisCluster, home: ClusterHome
) -> None:
    with shards.owner(HOME).client() as client:
        await home._look()
        await asyncio.sleep(2 * LOOK_S)
        before = client.info("stats")["total_connections_received"]
        await asyncio.gather(*[home._look() for _ in range(20)])
        assert client.info("stats")["total_connections_received"] == before + 1


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


def until_signed(shards: RedisCluster) -> None:
    """Wait until a log is signed in the second term: nodes compare some of them at a time."""
    deadline, signed, term = time.monotonic() + SIGNED_S_MAX, b"", b"1."
    while term.startswith(b"1.") or signed != term:
        assert time.monotonic() < deadline, (signed, term)
        time.sleep(0.1)
        # The cluster is down at first.
        with suppress(redis.RedisError), shards.owner(HOME).client() as home:
            term = b".".join(one or b"1" for one in home.hmget(keys.TERM, "n", "t"))
            with shards.owner(OF_A_CHANNEL).client() as owner:
                signed = owner.hget(OF_A_CHANNEL, "t") or b""


def loads(server: RedisServer) -> bool:
    """Whether it answers, and loads its data."""
    try:
        with server.client() as client:
            client.ping()
    except redis.BusyLoadingError:
        return True
    except redis.ConnectionError:
        return False
    return False


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
