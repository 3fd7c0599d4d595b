"""Publishing through Redis: order, keys, the window, many at once, and too late."""

import asyncio
import time
from collections.abc import Callable

import pytest
from brokers import RedisBrokers
from redis_server import RedisServer
from river_feed import Notes, until

from riverd.broker.redis import keys
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.connection import WAITING_MAX, RefusedError
from riverd.errors import BrokerError, ErrorCode, RiverError
from riverd.model import Message, Position, Publication


def message(number: int = 0, *, channel: str = "c", key: str | None = None) -> Message:
    return Message(channel, "e", b"%d" % number, key)


async def outcomes(broker: RedisBroker, messages: list[Message]) -> list[Position | BaseException]:
    """What became of messages that were published all at once."""
    return await asyncio.gather(*[broker.publish(one) for one in messages], return_exceptions=True)


async def numbers(broker: RedisBroker) -> list[int]:
    return [int(one.data) for one in (await broker.read("c")).publications]


async def test_what_publishers_get_is_what_the_log_has_and_what_nodes_hear(
    redis_broker: RedisBrokers,
) -> None:
    nodes = [await redis_broker.node() for _ in range(2)]
    for broker, _ in nodes:
        await broker.subscribe("c")
    publishers = [redis_broker(size=1000) for _ in range(5)]

    async def publish(who: int) -> dict[int, int]:
        places = [await publishers[who].publish(message(who * 100 + n)) for n in range(100)]
        return {place.offset: who * 100 + n for n, place in enumerate(places)}

    given: dict[int, int] = {}
    for answer in await asyncio.gather(*[publish(who) for who in range(5)]):
        assert list(answer) == sorted(answer)
        given |= answer
    assert sorted(given) == list(range(1, 501))
    assert await numbers(publishers[0]) == [given[offset] for offset in range(1, 501)]
    for _, notes in nodes:
        await until(lambda notes=notes: len(notes.publications) == 500)
        assert [(one.offset, int(one.data)) for one in heard(notes)] == sorted(given.items())


async def test_one_publisher_s_messages_keep_their_order_while_all_are_under_way(
    redis_broker: RedisBrokers,
) -> None:
    broker = redis_broker(size=2000)
    results = await broker.publish_many([message(number) for number in range(2000)])
    assert [one.offset for one in results if isinstance(one, Position)] == list(range(1, 2001))
    assert await numbers(broker) == list(range(2000))


async def test_a_key_publishes_once_however_many_send_it_together(
    redis_broker: RedisBrokers,
) -> None:
    brokers = [redis_broker() for _ in range(4)]
    sent = [broker.publish(message(key="k")) for broker in brokers for _ in range(25)]
    assert len(set(await asyncio.gather(*sent))) == 1
    assert len(await numbers(brokers[0])) == 1


async def test_a_key_is_forgotten_with_its_log(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker = redis_broker()
    first = await broker.publish(message(key="k"))
    with server.client() as client:
        client.delete("river:{c}:meta")
    second = await broker.publish(message(key="k"))
    assert second.epoch != first.epoch
    assert second.offset == 1


async def test_thousands_of_publications_share_round_trips(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker = redis_broker()
    await broker.ping()
    with server.client() as client:
        before = int(client.info("stats")["total_reads_processed"])
        await broker.publish_many([message(number) for number in range(5000)])
        took = int(client.info("stats")["total_reads_processed"]) - before
    assert (await broker.read("c")).position.offset == 5000
    # Redis reads 16 KiB at once; each message is about 250 bytes.
    assert took < 500


async def test_what_is_older_than_the_window_is_gone_while_the_channel_is_busy(
    redis_broker: RedisBrokers,
) -> None:
    broker = redis_broker(size=100_000, ttl_s=0.3)
    start = await broker.publish(message(0))
    number = 1
    async with asyncio.timeout(20):
        while (await numbers(broker))[0] == 0:
            await broker.publish(message(number))
            number += 1
    assert (await numbers(broker))[-1] == number - 1
    with pytest.raises(RiverError, match="window") as caught:
        await broker.read("c", after=Position(start.epoch, 0))
    assert caught.value.error is ErrorCode.UNRECOVERABLE


async def test_thousands_that_are_too_old_go_at_once(redis_broker: RedisBrokers) -> None:
    broker = redis_broker(size=100_000, ttl_s=0.3)
    await broker.publish_many([message(number) for number in range(1000)])
    async with asyncio.timeout(20):
        while (await broker.publish(message(5000))) and 999 in await numbers(broker):
            pass
    assert set(await numbers(broker)) == {5000}


async def test_a_log_that_is_quiet_loses_its_publications_and_not_its_place(
    redis_broker: RedisBrokers,
) -> None:
    broker = redis_broker(ttl_s=0.1)
    place = await broker.publish(message())
    async with asyncio.timeout(20):
        while (await broker.read("c")).publications:
            pass
    assert (await broker.read("c", after=place)).position == place
    assert await broker.publish(message()) == Position(place.epoch, place.offset + 1)


async def test_without_a_history_there_is_a_place_and_nothing_to_read(
    redis_broker: RedisBrokers,
) -> None:
    broker, notes = await redis_broker.node()
    await broker.subscribe("c")
    place = await redis_broker(size=0).publish(message())
    assert await redis_broker(size=0).read("c", limit=5) == await broker.read("c")
    with pytest.raises(RiverError, match="window"):
        await broker.read("c", after=Position(place.epoch, 0))
    await until(lambda: notes.offsets("c") == [1])


async def test_flushed_scripts_are_loaded_again_and_nothing_is_done_twice(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker = redis_broker(size=1000)
    first = await broker.publish(message(0))
    with server.client() as client:
        client.script_flush()
        results = await broker.publish_many([message(number) for number in range(1, 501)])
        client.script_flush()
    assert (await broker.read("c")).position == Position(first.epoch, 501)
    assert [one.offset for one in results if isinstance(one, Position)] == list(range(2, 502))
    assert await numbers(broker) == list(range(501))


async def test_what_was_refused_is_not_published_when_a_paused_redis_goes_on(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker = redis_broker(size=1000)
    await broker.publish(message(0))
    server.pause()
    try:
        took = [await refusal_s(broker, number) for number in range(1, 5)]
        sent = [message(number) for number in range(5, 300)]
        assert all(isinstance(one, BrokerError) for one in await outcomes(broker, sent))
    finally:
        server.go_on()
    # A busy machine makes it longer, never shorter.
    assert min(took) < 1.0
    async with asyncio.timeout(20):
        while not isinstance((await outcomes(broker, [message(1000)]))[0], Position):
            pass
    await until(lambda: only_the_last_connection(server))
    assert set(await numbers(broker)) == {0, 1000}


async def test_what_comes_too_late_is_refused_by_redis_itself(redis_broker: RedisBrokers) -> None:
    broker = redis_broker()
    await broker.publish(message(0))
    names = (keys.log_meta("c"), keys.log("c"))
    arguments = ("epoch", b"", 5, 1000, "feed", "PUBLISH", 600)
    with pytest.raises(RefusedError, match="LATE"):
        await broker._server.call("publish", names, arguments, within_s=-0.01)
    assert await numbers(broker) == [0]


async def test_more_than_can_wait_is_refused_at_once(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker = redis_broker()
    await broker.ping()
    server.pause()
    try:
        results = await outcomes(broker, [message(number) for number in range(WAITING_MAX + 10)])
    finally:
        server.go_on()
    refused = ["too much waits" in str(one) for one in results]
    # A ping or two wait as well.
    assert 10 <= sum(refused) < 15
    assert not any(refused[: WAITING_MAX - 5])


async def test_no_server_is_said_at_once(brokers_at: Callable[[str], RedisBrokers]) -> None:
    broker = brokers_at("redis://127.0.0.1:1")()
    for _ in range(2):
        with pytest.raises(BrokerError, match="the broker is away: ConnectionRefusedError"):
            await broker.publish(message())


async def test_a_closed_door_refuses(redis_broker: RedisBrokers) -> None:
    broker = redis_broker()
    await broker.publish(message())
    await broker.close()
    with pytest.raises(BrokerError, match="closing"):
        await broker.publish(message())


def heard(notes: Notes) -> list[Publication]:
    return [publication for _, _, publication in notes.publications]


async def refusal_s(broker: RedisBroker, number: int) -> float:
    began = time.monotonic()
    with pytest.raises(BrokerError):
        await broker.publish(message(number))
    return time.monotonic() - began


def only_the_last_connection(server: RedisServer) -> bool:
    """Whether the server has read to its end whatever was sent to it while it was paused."""
    with server.client() as client:
        return len(client.client_list()) == 2
