"""A Redis that comes back with less than it had: what processes hold is given back to it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack

import msgspec
import pytest
from brokers import persistently
from healing_processes import Processes, heard, publish, settle
from redis_sentinels import Watched
from redis_server import RedisServer
from river_feed import until

from riverd.broker.redis import keys
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.connection import UnansweredError
from riverd.broker.redis.terms import Part
from riverd.errors import BrokerError, OutcomeUnknownError, RiverError
from riverd.model.log import Message, Position

NEW = Message("new", "e", b"1", None)
ASKED: dict[str, Callable[[RedisBroker], Awaitable[object]]] = {
    "publish": lambda broker: broker.publish(NEW),
    "announce": lambda broker: broker.publish(msgspec.structs.replace(NEW, keep=False)),
    "read": lambda broker: broker.read("new", keep=True),
    "members": lambda broker: broker.members("room-1", keep=True),
    "positions": lambda broker: broker.positions(["new"]),
}
ProcessesAt = Callable[[str], Processes]


@pytest.fixture
async def processes(own_server: RedisServer) -> AsyncIterator[Processes]:
    made = Processes(own_server.url)
    yield made
    await made.close()


def restart(server: RedisServer, *, with_data: bool) -> None:
    server.kill()
    if not with_data:
        server.lose_data()
    server.start()


@pytest.mark.parametrize("with_data", [True, False])
async def test_subscribers_notice_nothing(
    own_server: RedisServer, processes: Processes, *, with_data: bool
) -> None:
    visitors = [await processes.visitor("c", "room-1", user=user) for user in ("ann", "bob")]
    publisher = processes.broker()
    first = [await publish(publisher, number) for number in range(5)]
    await until(lambda: all("4" in heard(one) for one in visitors))
    await settle()
    for one in visitors:
        one.client.take()
    restart(own_server, with_data=with_data)
    second = [await publish(publisher, number) for number in range(5, 8)]
    await until(lambda: all("7" in heard(one) for one in visitors))
    await settle()
    assert [heard(one) for one in visitors] == [["5", "6", "7"]] * 2
    assert [one.offset for one in second] == [6, 7, 8]
    assert {one.epoch for one in (*first, *second)} == {first[0].epoch}
    tail = await publisher.read("c", after=first[3])
    assert [one.data for one in tail.publications] == [b'"4"', b'"5"', b'"6"', b'"7"']


async def test_failover_is_not_noticed_either() -> None:
    with ExitStack() as stack:
        watched = Watched(stack)
        await until(watched.is_ready)
        processes = Processes(watched.url, unsafe=True)
        visitors = [await processes.visitor("c", user=user) for user in ("ann", "bob")]
        publisher = processes.broker()
        before = await publish(publisher, 1)
        await until(lambda: all("1" in heard(one) for one in visitors))
        await settle()
        watched.master.kill()
        after = await publish(publisher, 2)
        await until(lambda: all("2" in heard(one) for one in visitors))
        assert [heard(one) for one in visitors] == [["1", "2"]] * 2
        assert after == Position(before.epoch, 2)
        await processes.close()


async def test_what_was_accepted_under_an_id_is_not_published_again(
    own_server: RedisServer, processes: Processes
) -> None:
    await processes.visitor("c")
    publisher, other = processes.broker(), processes.broker()
    before = await publish(publisher, 1, key="k")
    await settle()
    restart(own_server, with_data=False)
    assert await publish(other, 1, key="k") == before


async def test_the_last_event_outlives_it_too(
    own_server: RedisServer, processes: Processes
) -> None:
    await processes.visitor("state-1")
    publisher = processes.broker()
    before = await publish(publisher, "on", "state-1")
    await settle()
    restart(own_server, with_data=False)
    after = await persistently(lambda: publisher.read("state-1"))
    assert after.position == before
    assert [one.data for one in after.publications] == [b'"on"']


async def test_pages_learn_since_when_something_is_known_of_them(
    own_server: RedisServer, processes: Processes
) -> None:
    broker = processes.broker()
    await publish(broker, 1)
    assert broker.tabs.since == 0
    restarted_at = time.time()
    restart(own_server, with_data=False)
    await publish(broker, 2)
    assert restarted_at - 1 <= broker.tabs.since <= time.time() + 1


async def test_nobody_notices_that_the_server_is_flushed(
    own_server: RedisServer, processes: Processes
) -> None:
    visitors = [await processes.visitor("c", "room-1", user=user) for user in ("ann", "bob")]
    publishers = [processes.broker(), processes.broker()]
    first = [await publish(one, number) for number, one in enumerate(publishers)]
    await settle()
    for one in visitors:
        one.client.take()
    with own_server.client() as client:
        client.flushall()
    # At once: no process knows of it yet.
    second = [await publish(one, number) for number, one in enumerate(publishers, 2)]
    await until(lambda: all("3" in heard(one) for one in visitors))
    await settle()
    assert [heard(one) for one in visitors] == [["2", "3"]] * 2
    assert [one.offset for one in second] == [3, 4]
    assert {one.epoch for one in (*first, *second)} == {first[0].epoch}


@pytest.mark.parametrize("asked", ASKED)
async def test_what_a_flushed_server_has_not_is_not_new(
    own_server: RedisServer, processes: Processes, asked: str
) -> None:
    broker = processes.broker()
    with own_server.client() as client:
        for _ in range(10):
            await publish(broker, 1)
            client.flushall()
            [answer] = await asyncio.gather(ASKED[asked](broker), return_exceptions=True)
            if isinstance(answer, BrokerError):  # no sign of life came before it
                break
        assert "flushed" in str(answer)
        assert not isinstance(answer, UnansweredError | OutcomeUnknownError)
        assert client.keys("river:{new}*") == client.keys("river:{room-1}*") == []


async def test_without_an_answer_of_all_processes_logs_begin_again(
    own_server: RedisServer, processes: Processes
) -> None:
    visitor = await processes.visitor("c")
    publisher = processes.broker()
    before = await publish(publisher, 1)
    with own_server.client() as client:
        seconds, micros = client.time()
        client.zadd(keys.SIGNS, {"another process": seconds * 1000 + micros / 1000})
        await settle()
        client.zadd(keys.SIGNS, {"another process": (seconds + 2) * 1000})
    await settle()
    restart(own_server, with_data=True)
    after = await publish(publisher, 2)
    assert after.epoch != before.epoch
    await until(lambda: heard(visitor)[:2] == ["1", "gap"])


async def test_process_on_which_many_publish_becomes_known_to_another_that_hears_nothing(
    processes: Processes,
) -> None:
    """Neither has a feed: nobody can ask the other for a sign of life."""
    await publish(processes.broker(), 1)
    second = processes.broker()
    receipts = await asyncio.gather(*(publish(second, number) for number in range(2, 302)))
    assert len(receipts) == 300


async def test_process_that_has_left_its_term_while_nobody_heals_comes_back(
    processes: Processes,
) -> None:
    visitor, publisher = await processes.visitor("c"), processes.broker()
    await publish(publisher, 1)
    assert publisher._terms is not None
    publisher._terms.healing.least += 1
    await publish(publisher, 2)
    async with asyncio.timeout(20):
        while heard(visitor)[-1:] != ["3"]:
            await publish(publisher, 3)
            await asyncio.sleep(0.1)
    # Who was in the older term was told that it may have missed something.
    assert "gap" in heard(visitor)


async def test_publisher_is_told_that_the_broker_is_away_for_as_long_as_it_is(
    own_server: RedisServer, processes: Processes
) -> None:
    publisher = processes.broker()
    await publish(publisher, 1)
    assert publisher._terms is not None
    own_server.kill()
    # Others know of this process for some seconds more.
    await until(lambda: publisher._terms is not None and not publisher._terms.may_act)
    with pytest.raises(BrokerError, match="the broker is away"):
        await publisher.publish(Message("c", "e", b"2"))


async def test_sign_of_before_the_clock_was_set_back_grows_old(
    own_server: RedisServer, processes: Processes
) -> None:
    await publish(processes.broker(), 1)
    with own_server.client() as client:

        def now_ms() -> float:
            seconds, micros = client.time()
            return float(seconds) * 1000 + float(micros) / 1000

        client.zadd(keys.SIGNS, {"gone": now_ms() + 300_000})
        await until(lambda: float(client.zscore(keys.SIGNS, "gone")) <= now_ms())
        given = client.zscore(keys.SIGNS, "gone")
        await settle()
        assert client.zscore(keys.SIGNS, "gone") == given


async def test_offer_that_cannot_be_read_is_as_none(
    own_server: RedisServer, processes: Processes
) -> None:
    visitor = await processes.visitor("c")
    publisher = processes.broker()
    before = await publish(publisher, 1)
    await settle()
    with own_server.client() as client:
        seconds, micros = client.time()
        client.zadd(keys.SIGNS, {"a newer process": seconds * 1000 + micros / 1000})
        await settle()
    restart(own_server, with_data=True)

    def offer() -> bool:
        with own_server.client() as client:
            client.hset(keys.OFFERS, "a newer process", b"\xc1")
            return client.hget(keys.TERM, "t") != term

    with own_server.client() as client:
        term = client.hget(keys.TERM, "t")
    await until(offer)
    after = await publish(publisher, 2)
    assert after.epoch != before.epoch
    await until(lambda: heard(visitor)[:2] == ["1", "gap"])


async def test_log_that_began_again_is_healed_the_next_time(
    own_server: RedisServer, processes: Processes
) -> None:
    publisher = processes.broker()
    before = await publish(publisher, 1)
    await settle()
    restart(own_server, with_data=False)
    visitor = await processes.visitor("c", user="bob")
    after = await persistently(lambda: publisher.read("c"))
    assert after.position.epoch != before.epoch
    await settle()
    restart(own_server, with_data=False)
    assert await publish(publisher, 2) == Position(after.position.epoch, 1)
    await until(lambda: heard(visitor) == ["2"])


async def test_offers_that_do_not_fit_into_the_server_do_not_keep_it_closed(
    own_server: RedisServer, processes: Processes
) -> None:
    channels = [f"c{number}" for number in range(4)]
    for user in ("ann", "bob"):
        await processes.visitor(*channels, user=user)
    publisher = processes.broker()
    before = [await publish(publisher, "x" * 800_000, channel) for channel in channels]
    await settle()
    own_server.kill()
    own_server.lose_data()
    # Enough for the logs, and not for one offer beside them.
    config = own_server.folder / "redis.conf"
    config.write_text("maxmemory 5500000", encoding="ascii")
    own_server.start()
    after = [await publish(publisher, 2, channel) for channel in channels]
    assert after == [Position(one.epoch, 2) for one in before]


async def test_where_functions_publish_logs_begin_again(
    own_server: RedisServer, processes: Processes
) -> None:
    visitor = await processes.visitor("c")
    function = processes.broker(Part.OUTSIDER)
    before = await publish(function, 1)
    await settle()
    restart(own_server, with_data=True)
    assert (await publish(function, 2)).epoch != before.epoch
    await until(lambda: heard(visitor)[:2] == ["1", "gap"])


async def test_function_that_runs_notices_that_the_data_was_opened_again(
    own_server: RedisServer, processes: Processes
) -> None:
    visitor = await processes.visitor("c")
    function = processes.broker(Part.OUTSIDER)
    await publish(function, 1)
    await settle()
    with own_server.client() as client:
        client.flushall()
        await until(lambda: client.exists(keys.TERM) == 1)
    await settle()
    await publish(function, 2)
    await until(lambda: heard(visitor)[-1] == "2")


async def test_a_log_that_no_node_has_begins_again(
    own_server: RedisServer, processes: Processes
) -> None:
    await processes.visitor("c")
    publisher = processes.broker()
    before = await publish(publisher, 1, "other")
    await settle()
    restart(own_server, with_data=True)
    with pytest.raises(RiverError, match="epoch"):
        await persistently(lambda: publisher.read("other", after=before))
