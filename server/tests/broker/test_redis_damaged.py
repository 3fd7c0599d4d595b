"""A database that others wrote to: what cannot be read is the broker's fault."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from brokers import RedisBrokers, message
from redis_server import RedisServer

from riverd.broker.redis import keys
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.stored import UnreadableError
from riverd.errors import OutcomeUnknownError, RiverError
from riverd.model.log import Member
from riverd.model.orders import Order, OrderKind, StandingKind
from riverd.model.webhook_events import Interest, WebhookKind

ODD = b"\xff"
INTEREST = Interest(webhook="w", events=(WebhookKind.CHANNEL_OCCUPIED,))
Call = Callable[[RedisBroker], Awaitable[object]]


async def listed(broker: RedisBroker) -> list[object]:
    return [one async for one in broker.control.standings()]


@pytest.mark.parametrize(
    ("written", "call"),
    [
        (("XADD", keys.log("c"), "5-5", "p", b"\x05"), lambda broker: broker.read("c")),
        (("HSET", keys.log_meta("c"), "e", ODD), lambda broker: broker.read("c")),
        (("HSET", keys.log_meta("c"), "o", "x"), lambda broker: broker.positions(["c"])),
        (
            ("HSET", keys.member_keys("presence-c")[1], "u", b"\x05"),
            lambda broker: broker.members("presence-c"),
        ),
        (("ZADD", keys.NODES, 1, ODD), lambda broker: broker.occupancy("c")),
        (("ZADD", keys.NODES, 1, ODD), lambda broker: broker.counts.subscribers(["c"])),
        (("ZADD", keys.RULES, "inf", ODD), lambda broker: broker.compare_rules("p", "d")),
        (("ZADD", keys.NODE_NAMES, 1, ODD), lambda broker: broker.control.nodes()),
        (("ZADD", keys.NODES_SEEN, 1, "a b"), lambda broker: broker.control.departed()),
        (
            ("HSET", keys.standings("blocked")[0], "u", "[]"),
            lambda broker: broker.control.standings_of("u"),
        ),
        (("HSET", keys.standings("blocked")[0], "u", "{"), listed),
        (
            ("ZADD", keys.WEBHOOKS_WANTED, 1, "x"),
            lambda broker: broker.webhook_queues.want([INTEREST]),
        ),
        (
            ("HSET", keys.webhook_queues(keys.WEBHOOKS), "w", "x"),
            lambda broker: broker.webhook_queues.state("w"),
        ),
        (
            ("XADD", keys.webhook_queue(keys.WEBHOOKS, "w"), "*", "m", "x"),
            lambda broker: broker.webhook_queues.read("w", {}),
        ),
        (
            ("HSET", keys.tab("1:a"), "s", f"0 - {'s'}", "s c", "e 1", "s \x00", b"\xff 1"),
            lambda broker: broker.tabs.claim("1:a", "t", life_s=60),
        ),
    ],
)
async def test_call_that_reads_what_others_wrote_says_that_the_broker_is_at_fault(
    redis_broker: RedisBrokers, server: RedisServer, *, written: tuple[object, ...], call: Call
) -> None:
    broker, _ = await redis_broker.node()
    await broker.publish(message("c"))
    await broker.join("presence-c", Member("u"))
    with server.client() as client:
        client.execute_command(*written)
    with pytest.raises(UnreadableError, match="did not write"):
        await call(broker)
    with server.client() as client:
        client.flushall()


async def test_answer_that_cannot_be_read_leaves_open_whether_something_was_published(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    with server.client() as client:
        client.set(keys.seen("c", "k"), "x", ex=60)
        client.set(keys.seen("#control", "o"), ODD + b":1", ex=60)
    with pytest.raises(OutcomeUnknownError):
        await redis_broker().publish(message("c", key="k"))
    await redis_broker().control.order(Order("before", OrderKind.RELOAD))
    with server.client() as client:
        epoch = client.hget(keys.log_meta("#control"), "e")
        client.set(keys.seen("#control", "o"), f"{epoch.decode()}:x", ex=60)
    with pytest.raises(OutcomeUnknownError):
        await redis_broker().control.order(Order("o", OrderKind.RELOAD))


async def test_log_that_lost_its_offset_begins_again_instead_of_counting_from_one(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker = redis_broker()
    before = await broker.publish(message("c"))
    with server.client() as client:
        client.hdel(keys.log_meta("c"), "o")
    after = await redis_broker().publish(message("c"))
    assert before.epoch != after.epoch
    with server.client() as client:
        client.hdel(keys.log_meta("c"), "o")
    with pytest.raises(RiverError, match="epoch"):
        await broker.read("c", after=before)


async def test_log_beyond_the_numbers_of_lua_is_dropped_instead_of_trimmed_for_ever(
    own_server: RedisServer, brokers_at: Callable[..., RedisBrokers]
) -> None:
    broker = brokers_at(own_server.url)()
    await broker.publish(message("c"))
    with own_server.client() as client:
        client.xadd(keys.log("c"), {"p": b"x"}, id="9007199254740993-0")
        client.xtrim(keys.log("c"), maxlen=1, approximate=False)
    assert (await broker.read("c")).publications == ()


async def test_list_of_members_that_lost_its_version_begins_again(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker, _ = await redis_broker.node()
    before = await broker.join("presence-c", Member("u"))
    with server.client() as client:
        client.hdel(keys.member_keys("presence-c")[0], "o")
    after = await broker.members("presence-c", keep=True)
    assert before.epoch != after.position.epoch


async def test_node_goes_on_following_webhooks_after_it_could_not_read_them(
    redis_broker: RedisBrokers, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("riverd.broker.redis.webhooks.REFRESH_S", 0.02)
    broker, _ = await redis_broker.node()
    with server.client() as client:
        client.zadd(keys.WEBHOOKS_WANTED, {"x": 1})
        await asyncio.sleep(0.2)
        client.delete(keys.WEBHOOKS_WANTED)
    await broker.webhook_queues.want([INTEREST])
    async with asyncio.timeout(20):
        while broker.webhooks.interests.all != (INTEREST,):
            await asyncio.sleep(0.01)


async def test_every_key_has_a_life(redis_broker: RedisBrokers, server: RedisServer) -> None:
    broker, _ = await redis_broker.node()
    queues = broker.webhook_queues
    await queues.want([INTEREST])
    await broker.webhooks.refresh()
    await broker.join("presence-c", Member("u"))
    await broker.report({"c": 1})
    await queues.begin("w")
    await queues.begin("w")
    await queues.test("w")
    await broker.publish(message("c", key="k"))
    await broker.control.order(Order("o", OrderKind.BLOCK, user="u"))
    for_good = {keys.NODES, *keys.standings(StandingKind.BLOCKED.value)}
    with server.client() as client:
        found = {name.decode() for name in client.scan_iter() if client.ttl(name) == -1}
    assert found <= for_good
