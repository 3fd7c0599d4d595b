"""The feed of a Redis: what it brings, and how it lives through lost connections."""

import asyncio
from collections.abc import Callable

import pytest
from brokers import RedisBrokers, persistently
from redis_server import RedisServer
from river_feed import until

from proxy import Proxy
from riverd.broker.redis.feed import RedisFeed
from riverd.errors import BrokerError
from riverd.model.log import Message

BrokersAt = Callable[[str], RedisBrokers]


def cut_feeds(server: RedisServer) -> None:
    with server.client() as client:
        client.client_kill_filter(_type="pubsub")


def heard_names(server: RedisServer) -> set[bytes]:
    with server.client() as client:
        return set(client.pubsub_channels())


async def test_subscriptions_outlive_connections(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker, notes = await redis_broker.node()
    channels = [f"c{number}" for number in range(1000)]
    await asyncio.gather(*[broker.subscribe(channel) for channel in channels])
    for times in (2, 3):
        cut_feeds(server)
        await until(lambda times=times: notes.interruptions == times)
    for channel in channels:
        await redis_broker.published(Message(channel, "e", b"1"))
    await until(lambda: len(notes.publications) == 1000)
    assert {channel for channel, _, _ in notes.publications} == set(channels)


async def test_what_is_given_up_while_it_is_cut_off_is_not_subscribed_again(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker, notes = await redis_broker.node()
    for channel in ("a", "b"):
        await broker.subscribe(channel)
    cut_feeds(server)
    await broker.unsubscribe("b")
    await until(lambda: notes.interruptions == 2)
    await persistently(lambda: broker.subscribe("c"))
    names = {b"river:control", b"river:{a}:feed", b"river:{c}:feed"}
    await until(lambda: heard_names(server) == names)


async def test_a_server_that_falls_silent_is_given_up_and_found_again(
    server: RedisServer, brokers_at: BrokersAt
) -> None:
    proxy = Proxy(server.port)
    proxy.start()
    try:
        broker, notes = await brokers_at(f"redis://127.0.0.1:{proxy.port}").node()
        await broker.subscribe("c")
        feed = broker._feed
        assert isinstance(feed, RedisFeed)
        proxy.cut()
        await until(lambda: feed._connection is None)
        await brokers_at(server.url)().publish(Message("c", "e", b"lost"))
        proxy.mend()
        await until(lambda: notes.interruptions == 2)
        await brokers_at(server.url)().publish(Message("c", "e", b"heard"))
        await until(lambda: notes.offsets("c") == [2])
    finally:
        proxy.close()


async def test_a_quiet_feed_is_no_silent_one(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    _, notes = await redis_broker.node()
    with server.client() as client:

        def pinged() -> bool:
            told = client.client_list(_type="pubsub")
            return bool(told) and told[0]["cmd"] == "ping" and int(told[0]["age"]) >= 4

        await until(pinged)
    assert notes.interruptions == 1


async def test_tens_of_thousands_of_messages_come_in_order(redis_broker: RedisBrokers) -> None:
    broker, notes = await redis_broker.node()
    await broker.subscribe("c")
    sender = redis_broker()
    for _ in range(20):
        await sender.publish_many([Message("c", "e", b"%d" % n) for n in range(1000)])
    await until(lambda: len(notes.publications) == 20_000)
    assert notes.offsets("c") == list(range(1, 20_001))


async def test_a_feed_without_a_server_is_no_error_until_somebody_subscribes(
    brokers_at: BrokersAt,
) -> None:
    broker, notes = await brokers_at("redis://127.0.0.1:1").node()
    with pytest.raises(BrokerError, match="not connected"):
        await broker.subscribe("c")
    assert notes.interruptions == 0


async def test_a_node_that_begins_before_its_server_finds_it(brokers_at: BrokersAt) -> None:
    late = RedisServer()
    brokers = brokers_at(late.url)
    broker, notes = await brokers.node()
    try:
        assert notes.interruptions == 0
        await asyncio.to_thread(late.start)
        await until(lambda: notes.interruptions == 1)
        await broker.subscribe("c")
        await brokers.published(Message("c", "e", b"1"))
        await until(lambda: notes.offsets("c") == [1])
    finally:
        late.close()


async def test_two_changes_of_mind_in_one_turn_end_with_the_last(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker, notes = await redis_broker.node()
    await asyncio.gather(
        broker.subscribe("c"), broker.unsubscribe("c"), broker.subscribe("c"), broker.subscribe("d")
    )
    await broker.unsubscribe("d")
    names = {b"river:control", b"river:{c}:feed"}
    await until(lambda: heard_names(server) == names)
    assert notes.interruptions == 1


async def test_garbage_on_the_feed_ends_a_connection_and_not_the_node(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker, notes = await redis_broker.node()
    await broker.subscribe("c")
    with server.client() as client:
        client.publish("river:{c}:feed", "p:no position")
    await until(lambda: notes.interruptions >= 2)
    await redis_broker.published(Message("c", "e", b"1"))
    await until(lambda: notes.offsets("c") == [1])
