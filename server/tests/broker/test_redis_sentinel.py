"""A master that Sentinels watch: found, followed when another takes its place."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from brokers import RedisBrokers
from redis_server import running
from river_feed import until

from riverd.errors import BrokerError
from riverd.model import Member, Message, Position

BrokersAt = Callable[[str], RedisBrokers]
PASSWORD = "the-sentinels-own"


class Watched:
    """A master, its replica, and three Sentinels that exchange them within a second or two."""

    def __init__(self, stack: ExitStack) -> None:
        self.master = stack.enter_context(running())
        self.replica = stack.enter_context(running(replicaof=f"127.0.0.1 {self.master.port}"))
        lines = (
            f"monitor main 127.0.0.1 {self.master.port} 2",
            "down-after-milliseconds main 500",
            "failover-timeout main 3000",
            f"sentinel-pass {PASSWORD}",
        )
        config = "".join(f"sentinel {line}\n" for line in lines)
        self.sentinels = [
            stack.enter_context(running(sentinel=config, requirepass=PASSWORD)) for _ in range(3)
        ]

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        return f"redis+sentinel://{places}/main?sentinel_password={PASSWORD}"

    def is_ready(self) -> bool:
        """Whether the replica has all, and each Sentinel knows everybody."""
        with self.master.client() as client:
            if not client.info("replication")["connected_slaves"]:
                return False
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                state = client.sentinel_master("main")
                if int(state["num-slaves"]) < 1 or int(state["num-other-sentinels"]) < 2:
                    return False
        return True


@pytest.fixture
def pair() -> Iterator[Watched]:
    with ExitStack() as stack:
        yield Watched(stack)


@pytest.fixture
async def watched(pair: Watched) -> Watched:
    await until(pair.is_ready)
    return pair


async def test_another_master_is_followed_when_the_first_dies(
    watched: Watched, brokers_at: BrokersAt
) -> None:
    brokers = brokers_at(watched.url)
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
    brokers = brokers_at(watched.url)
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
        with pytest.raises(BrokerError, match="no Sentinel knows where"):
            await brokers_at(url)().ping()
    for sentinel in watched.sentinels[:2]:
        sentinel.pause()
    try:
        async with asyncio.timeout(20):
            await brokers_at(watched.url)().ping()
    finally:
        for sentinel in watched.sentinels[:2]:
            sentinel.go_on()
