"""Publishing through Redis: order, keys, the window, many at once, and too late."""

import asyncio
import time
from collections.abc import Callable

import pytest
from brokers import RedisBrokers
from mute_proxy import mute_proxy
from redis_server import RedisServer
from river_feed import Notes, until

from proxy import Proxy
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.calls import SILENCE_S_MAX, Calls
from riverd.errors import BrokerError, ErrorCode, OutcomeUnknownError, RiverError
from riverd.model.log import Message, Position, Publication


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


async def test_an_id_outlives_its_log(redis_broker: RedisBrokers, server: RedisServer) -> None:
    broker = redis_broker()
    first = await broker.publish(message(key="k"))
    with server.client() as client:
        client.delete("river:{c}:meta", "river:{c}:log")
    assert await broker.publish(message(key="k")) == first
    assert (await broker.publish(message())).epoch != first.epoch


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


async def test_a_paused_redis_leaves_unknown_what_it_was_sent_and_refuses_what_comes_later(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker = redis_broker(size=1000)
    await broker.publish(message(0))
    server.pause()
    try:
        began, some = time.monotonic(), range(1, 50)
        sent = await outcomes(broker, [message(number, key=f"k{number}") for number in some])
        took_s = time.monotonic() - began
        assert {type(one) for one in sent} == {OutcomeUnknownError}
        assert {one.error for one in sent if isinstance(one, RiverError)} == {ErrorCode.UNKNOWN}
        later = await outcomes(broker, [message(number) for number in range(50, 300)])
        assert {type(one) for one in later} == {BrokerError}
    finally:
        server.go_on()
    # A busy machine makes it longer, never shorter.
    assert took_s < 5.0
    async with asyncio.timeout(20):
        while not isinstance((await outcomes(broker, [message(1000, key="last")]))[0], Position):
            pass
    await until(lambda: only_the_last_connection(server))
    # The same ids settle it: each is there once, whether it was published before or is now.
    for number in range(1, 50):
        await broker.publish(message(number, key=f"k{number}"))
    assert sorted(await numbers(broker)) == [*range(50), 1000]


@pytest.mark.parametrize("how", ["cut", "killed"])
async def test_what_was_refused_for_certain_is_never_published(
    own_server: RedisServer, brokers_at: Callable[[str], RedisBrokers], how: str
) -> None:
    proxy = Proxy(own_server.port)
    proxy.start()
    broker = brokers_at(f"redis://127.0.0.1:{proxy.port}")(size=10_000)
    refused: set[int] = set()
    try:
        await broker.publish(message(0))
        for number in range(1, 400):
            if number == 200:
                if how == "killed":
                    own_server.kill()
                else:
                    proxy.cut()
            results = await outcomes(broker, [message(number), message(10_000 + number)])
            for one, result in zip((number, 10_000 + number), results, strict=True):
                if type(result) is BrokerError:
                    refused.add(one)
            if isinstance(results[0], BrokerError) and number > 202:
                break
        assert refused
        if how == "killed":
            own_server.start()
        proxy.close()
        kept = {
            int(one.data)
            for one in (await brokers_at(own_server.url)(size=10_000).read("c")).publications
        }
        assert not kept & refused
    finally:
        proxy.close()


async def test_a_script_that_fails_half_way_leaves_unknown_what_it_did(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker = redis_broker()
    await broker.publish(message(0))
    with server.client() as client:
        client.delete("river:{c}:log")
        client.set("river:{c}:log", "no stream")
    with pytest.raises(OutcomeUnknownError, match="WRONGTYPE"):
        await broker.publish(message(1))


async def test_a_full_redis_refuses_before_anything_is_done(
    own_server: RedisServer, brokers_at: Callable[[str], RedisBrokers]
) -> None:
    broker = brokers_at(own_server.url)()
    await broker.publish(message(0))
    with own_server.client() as client:
        before = client.dbsize()
        client.config_set("maxmemory", 1)
        for one in (message(1), message(2, channel="new"), message(3, key="k")):
            with pytest.raises(BrokerError, match="OOM"):
                await broker.publish(one)
        with pytest.raises(BrokerError, match="OOM"):
            await broker.ping()
        with pytest.raises(BrokerError, match="OOM"):
            await broker.read("new", keep=True)
        assert await numbers(broker) == [0]
        assert client.dbsize() <= before
        client.config_set("maxmemory", 0)
    await broker.publish(message(1))
    assert await numbers(broker) == [0, 1]


async def test_more_than_can_wait_is_refused_at_once(
    redis_broker: RedisBrokers, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To send twenty thousand takes a loaded machine longer than a silence may last.
    waiting_max = 1_000
    monkeypatch.setattr("riverd.broker.redis.connection.WAITING_MAX", waiting_max)
    broker = redis_broker()
    await broker.ping()
    server.pause()
    try:
        results = await outcomes(broker, [message(number) for number in range(waiting_max + 10)])
    finally:
        server.go_on()
    refused = ["too much waits" in str(one) for one in results]
    # A ping or two wait as well.
    assert 10 <= sum(refused) < 15
    assert not any(refused[: waiting_max - 5])


async def test_a_process_that_was_busy_reads_what_is_there_before_it_gives_up(
    redis_broker: RedisBrokers,
) -> None:
    broker = redis_broker()
    await broker.publish(message(0))
    under_way = asyncio.ensure_future(broker.publish(message(1)))
    for _ in range(3):
        await asyncio.sleep(0)
    # Longer than an answer may be due; then the next publish comes before anything is read.
    asyncio.get_running_loop().call_soon(time.sleep, 2 * SILENCE_S_MAX)
    positions = await asyncio.gather(under_way, broker.publish(message(2)))
    assert [position.offset for position in positions] == [2, 3]


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


def only_the_last_connection(server: RedisServer) -> bool:
    """Whether the server has read to its end whatever was sent to it while it was paused."""
    with server.client() as client:
        return len(client.client_list()) == 2


async def test_a_connection_whose_answer_is_overdue_is_not_used_where_no_timer_ran(
    server: RedisServer, brokers_at: Callable[[str], RedisBrokers]
) -> None:
    with mute_proxy(server.port) as proxy:
        broker = brokers_at(f"redis://127.0.0.1:{proxy.port}")()
        await broker.publish(message(1, channel="overdue"))
        proxy.forget()
        unanswered = asyncio.ensure_future(broker.publish(message(2, channel="overdue")))
        assert isinstance(broker._server, Calls)
        connection = broker._server._connection
        assert connection is not None
        await until(lambda: bool(connection._waiting))
        # As in a function that is frozen between its invocations: time has passed, and no timer.
        connection._received_at -= 1
        connection._waits_since -= 1
        assert (await broker.publish(message(3, channel="overdue"))).offset == 2
        with pytest.raises(OutcomeUnknownError):
            await unanswered
