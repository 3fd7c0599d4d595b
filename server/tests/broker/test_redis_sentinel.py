"""A master that Sentinels watch: found, followed when another takes its place."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack

import pytest
from brokers import RedisBrokers, persistently
from redis_sentinels import DOWN_AFTER_MS, PASSWORD, Watched
from redis_server import RedisServer
from river_feed import until

from riverd.broker.redis.feed import RedisFeed
from riverd.errors import BrokerError, OutcomeUnknownError, RiverError
from riverd.model.log import Member, Message, Position

BrokersAt = Callable[..., RedisBrokers]


@pytest.fixture
def pair() -> Iterator[Watched]:
    with ExitStack() as stack:
        yield Watched(stack)


@pytest.fixture
async def safe() -> AsyncIterator[Watched]:
    """As above, and the master takes writes only while its replica has them."""
    options = {"min-replicas-to-write": 1, "min-replicas-max-lag": 2}
    with ExitStack() as stack:
        made = Watched(stack, **options)
        await until(made.is_ready)
        yield made


@pytest.fixture
async def watched(pair: Watched) -> Watched:
    await until(pair.is_ready)
    return pair


async def test_another_master_is_followed_when_the_first_dies(
    watched: Watched, brokers_at: BrokersAt
) -> None:
    brokers = brokers_at(watched.url, unsafe=True)
    broker, notes = await brokers.node()
    await broker.subscribe("c")
    await broker.join("presence-c", Member("ann"))
    before = await brokers.published(Message("c", "e", b"1"))
    watched.sentinels[0].kill()
    watched.master.kill()
    after = await brokers.published(Message("c", "e", b"2"))
    assert after.epoch != before.epoch
    assert after.offset == 1
    await until(lambda: notes.interruptions == 2)
    last = await brokers.published(Message("c", "e", b"3"))
    await until(lambda: notes.offsets("c")[-1:] == [last.offset])
    # Its lease was in what the other master had; the list of members begins again.
    await broker.join("presence-c", Member("ann"))
    assert list((await broker.members("presence-c")).members) == ["ann"]


async def test_what_a_frozen_master_said_yes_to_is_in_no_other_log_under_the_same_place(
    watched: Watched, brokers_at: BrokersAt
) -> None:
    brokers = brokers_at(watched.url, unsafe=True)
    accepted: dict[Position, int] = {}

    async def publish(number: int) -> None:
        place = await brokers.published(Message("c", "e", b"%d" % number))
        assert place not in accepted
        accepted[place] = number

    for number in range(3):
        await publish(number)
    first = next(iter(accepted)).epoch
    watched.master.pause()
    await publish(3)
    # For some seconds there are two masters.
    watched.master.go_on()
    for number in range(4, 7):
        await publish(number)
    tail = await brokers().read("c")
    assert tail.position.epoch != first
    logged = {Position(tail.position.epoch, one.offset): int(one.data) for one in tail.publications}
    assert logged == {place: n for place, n in accepted.items() if place.epoch != first}


async def test_without_a_sentinel_that_knows_the_broker_is_away(
    watched: Watched, brokers_at: BrokersAt
) -> None:
    for url in (watched.url.replace("/main", "/other"), watched.url.replace(PASSWORD, "wrong")):
        with pytest.raises(BrokerError, match="no majority of the Sentinels"):
            await brokers_at(url, unsafe=True)().ping()
    await persistently(brokers_at(watched.url, unsafe=True)().ping)


async def test_one_sentinel_of_three_is_enough_to_find_the_others(
    watched: Watched, brokers_at: BrokersAt
) -> None:
    one = f"redis+sentinel://127.0.0.1:{watched.sentinels[1].port}/main"
    broker = brokers_at(f"{one}?sentinel_password={PASSWORD}", unsafe=True)()
    await persistently(lambda: broker.publish(Message("c", "e", b"1")))


async def test_without_a_majority_that_names_the_master_nothing_is_accepted(
    safe: Watched, brokers_at: BrokersAt
) -> None:
    broker = brokers_at(safe.url)()
    await persistently(lambda: broker.publish(Message("c", "e", b"1")))
    for sentinel in safe.sentinels[:2]:
        sentinel.pause()
    try:
        paused_at = time.monotonic()
        refused = False
        while not refused:
            asked_at = time.monotonic()
            try:
                await broker.publish(Message("c", "e", b"2"))
            except BrokerError:
                refused = True
            else:
                # Before a majority could have made another master, accepting ends.
                assert asked_at - paused_at < DOWN_AFTER_MS / 1000
        with pytest.raises(BrokerError, match="majority"):
            await broker.ping()
    finally:
        for sentinel in safe.sentinels[:2]:
            sentinel.go_on()
    await persistently(lambda: broker.publish(Message("c", "e", b"3")))


async def test_a_master_that_keeps_no_replica_is_not_ready(
    watched: Watched, brokers_at: BrokersAt
) -> None:
    broker = brokers_at(watched.url)()
    with pytest.raises(BrokerError, match="min-replicas-to-write"):
        await persistently_but("majority", broker.ping)
    with pytest.raises(BrokerError, match="RIVER_BROKER_UNSAFE"):
        await broker.publish(Message("c", "e", b"1"))
    acknowledged = brokers_at(watched.url, ack_replica=True)()
    await persistently(lambda: acknowledged.publish(Message("c", "e", b"1")))
    watched.replica.kill()
    with pytest.raises(OutcomeUnknownError, match="no replica"):
        await acknowledged.publish(Message("c", "e", b"2"))


async def test_a_master_that_comes_back_without_a_restart_has_another_history(
    watched: Watched, brokers_at: BrokersAt
) -> None:
    brokers = brokers_at(watched.url, unsafe=True)
    broker, notes = await brokers.node()
    await broker.subscribe("unused")
    before = await brokers.published(Message("unused", "e", b"1"))
    for master, other in (
        (watched.master, watched.replica),
        (watched.replica, watched.master),
    ):
        # From A to B, and back: neither process is restarted, and the channel is not used.
        await until(lambda master=master, other=other: follows(other, master))
        with watched.sentinels[0].client() as client:
            client.execute_command("SENTINEL FAILOVER", "main")
        await until(lambda other=other: role(other) == "master")
    await until(lambda: follows(watched.replica, watched.master))
    with pytest.raises(RiverError, match="epoch"):
        await persistently(lambda: broker.read("unused", after=before, keep=True))
    after = await brokers.published(Message("unused", "e", b"2"))
    assert after.epoch != before.epoch
    await until(lambda: notes.publications[-1][1] == after.epoch)


async def test_a_feed_leaves_a_server_that_is_no_master_any_more(
    watched: Watched, brokers_at: BrokersAt
) -> None:
    brokers = brokers_at(watched.url, unsafe=True)
    broker, notes = await brokers.node()
    await persistently(lambda: broker.subscribe("c"))
    await until(lambda: follows(watched.replica, watched.master))
    with watched.master.client() as master, watched.replica.client() as replica:
        # By hand: nobody closes the connections of the old master, which follows nobody.
        replica.replicaof("NO", "ONE")
        for sentinel in watched.sentinels:
            with sentinel.client() as client:
                client.execute_command("SENTINEL REMOVE", "main")
                where = ("127.0.0.1", watched.replica.port)
                client.execute_command("SENTINEL MONITOR", "main", *where, 2)
        master.replicaof("127.0.0.1", 1)
    assert isinstance(broker._feed, RedisFeed)
    feed = broker._feed
    place = await brokers.published(Message("c", "e", b"1"))
    await until(lambda: is_connected_to(watched.replica, feed))
    last = await brokers.published(Message("c", "e", b"2"))
    assert last.epoch == place.epoch
    await until(lambda: notes.offsets("c")[-1:] == [last.offset])


def is_connected_to(server: RedisServer, feed: RedisFeed) -> bool:
    connection = feed._connection
    if connection is None or connection.history is None:
        return False
    with server.client() as client:
        return connection.history.run_id == str(client.info("server")["run_id"])


def role(server: RedisServer) -> str:
    with server.client() as client:
        return str(client.info("replication")["role"])


def follows(replica: RedisServer, master: RedisServer) -> bool:
    with replica.client() as client:
        info = client.info("replication")
    return (
        info["role"] == "slave"
        and info["master_port"] == master.port
        and info["master_link_status"] == "up"
    )


async def persistently_but(text: str, do: Callable[[], Awaitable[None]]) -> None:
    """Again and again while it fails with this text, as it does until the Sentinels answered."""
    while True:
        try:
            await do()
        except BrokerError as error:
            if text not in str(error):
                raise
        else:
            return
