"""Events for webhooks, written by each broker with the changes that they are about."""

import asyncio
from itertools import count

import pytest
from brokers import NewBroker, RedisBrokers, persistently
from redis_cluster_servers import RedisCluster
from redis_server import RedisServer, running
from webhook_nodes import ALL, node_of, waiting

from riverd.broker import Broker
from riverd.broker.redis.broker import RedisBroker
from riverd.model.log import Member, Message
from riverd.model.webhook_events import Interest, WebhookKind

ANN = Member("ann", b'{"name":"Ann"}')


async def kinds(broker: Broker, webhook: str = "w1") -> list[str]:
    return [one.kind for one in await waiting(broker, webhook)]


async def test_a_channel_is_occupied_with_the_first_and_vacated_with_the_last_node(
    new_broker: NewBroker,
) -> None:
    one, two = await node_of(new_broker), await node_of(new_broker)
    await one.report({"chat-1": 3})
    await two.report({"chat-1": 1})
    await one.report({"chat-1": 0})
    await two.report({"chat-1": 0})
    events = await waiting(one)
    assert [(event.kind, event.channel, event.count) for event in events] == [
        ("channel_occupied", "chat-1", None),
        ("subscription_count", "chat-1", 3),
        ("subscription_count", "chat-1", 4),
        ("subscription_count", "chat-1", 1),
        ("subscription_count", "chat-1", 0),
        ("channel_vacated", "chat-1", None),
    ]
    assert len({event.id for event in events}) == len(events)


async def test_a_user_is_connected_with_the_first_and_disconnected_with_the_last_node(
    new_broker: NewBroker,
) -> None:
    one, two = await node_of(new_broker), await node_of(new_broker)
    await one.webhooks.count({"#user:ann": 1})
    await two.webhooks.count({"#user:ann": 2})
    await one.webhooks.count({"#user:ann": 0})
    assert await kinds(one) == ["user_connected"]
    await two.webhooks.count({"#user:ann": 0})
    assert await kinds(one) == ["user_connected", "user_disconnected"]


async def test_a_member_joins_once_and_leaves_once(new_broker: NewBroker) -> None:
    one, two = await node_of(new_broker), await node_of(new_broker)
    await one.join("presence-1", ANN)
    await two.join("presence-1", ANN)
    await one.leave("presence-1", "ann")
    await two.leave("presence-1", "ann")
    events = await waiting(one)
    assert [(event.kind, event.user, event.info) for event in events] == [
        ("member_joined", "ann", ANN.info),
        ("member_left", "ann", None),
    ]


async def test_what_a_node_had_is_written_when_it_closes(new_broker: NewBroker) -> None:
    one, two = await node_of(new_broker), await node_of(new_broker)
    await one.report({"chat-1": 1})
    await one.join("presence-1", ANN)
    await one.webhooks.count({"#user:ann": 1})
    await one.close()
    assert sorted(await kinds(two)) == [
        "channel_occupied",
        "channel_vacated",
        "member_joined",
        "member_left",
        "subscription_count",
        "subscription_count",
        "user_connected",
        "user_disconnected",
    ]


async def test_what_a_client_publishes_is_written_with_it(new_broker: NewBroker) -> None:
    node = await node_of(new_broker)
    message = Message("chat-1", "typed", b'{"a":1}', user="ann")
    receipt = await node.webhooks.publish(message, "s1")
    [event] = await waiting(node)
    assert (event.kind, event.event, event.data) == ("client_event", "typed", b'{"a":1}')
    assert (event.user, event.session) == ("ann", "s1")
    assert receipt == (await node.read("chat-1")).position
    await node.webhooks.publish(Message("chat-1", "typed", b"1", keep=False), "s1")
    await node.publish(Message("chat-1", "said", b"1"))
    assert await kinds(node) == ["client_event", "client_event"]


async def test_of_many_who_miss_a_cached_event_one_says_so(new_broker: NewBroker) -> None:
    node = await node_of(new_broker)
    for _ in range(3):
        await node.webhooks.miss("cache-1")
    assert await kinds(node) == ["cache_miss"]


async def test_nothing_is_written_that_no_webhook_asks_for(new_broker: NewBroker) -> None:
    wanted = Interest(webhook="w1", events=(WebhookKind.CHANNEL_OCCUPIED,), channels="chat-*")
    node = await node_of(new_broker, wanted)
    await node.report({"chat-1": 1, "room": 1, "#app:7:chat-2": 1})
    await node.report({"chat-1": 2})
    await node.join("presence-1", ANN)
    await node.webhooks.publish(Message("chat-1", "said", b"1"), "s1")
    await node.webhooks.count({"#user:ann": 1})
    await node.report({"chat-1": 0})
    assert [(one.kind, one.channel) for one in await waiting(node)] == [
        ("channel_occupied", "chat-1")
    ]


async def test_each_webhook_has_a_queue_of_its_own(new_broker: NewBroker) -> None:
    other = Interest(webhook="w2", events=(WebhookKind.CHANNEL_OCCUPIED,))
    app = Interest(webhook="w3", app="7", events=(WebhookKind.CHANNEL_OCCUPIED,))
    node = await node_of(new_broker, ALL, other, app)
    await node.report({"chat-1": 1})
    await node.report({"#app:7:chat-1": 1})
    assert [one.channel for one in await waiting(node, "w2")] == ["chat-1"]
    assert [one.channel for one in await waiting(node, "w3")] == ["#app:7:chat-1"]
    await node.webhook_queues.settle("w2", await waiting(node, "w2"))
    assert await waiting(node, "w2") == []
    assert await kinds(node, "w1") == ["channel_occupied", "subscription_count"]


async def test_only_one_sends_for_a_webhook(new_broker: NewBroker) -> None:
    queues = new_broker().webhook_queues
    assert await queues.lease("w1", "a")
    assert not await queues.lease("w1", "b")
    assert await queues.lease("w1", "a")
    await queues.release("w1", "b")
    assert not await queues.lease("w1", "b")
    await queues.release("w1", "a")
    assert await queues.lease("w1", "b")
    assert await queues.senders("b") == ["b"]
    assert await queues.senders("a") == ["a", "b"]


async def test_a_webhook_begins_with_one_reset(new_broker: NewBroker) -> None:
    node = await node_of(new_broker)
    for _ in range(2):
        await node.webhook_queues.begin("w1")
    assert [(one.kind, one.reason) for one in await waiting(node)] == [("reset", "started")]


async def test_a_webhook_begins_again_when_it_asks_for_more_or_comes_back(
    new_broker: NewBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    less = Interest(webhook="w1", events=(WebhookKind.MEMBER_JOINED,))
    wider = Interest(webhook="w1", events=less.events, channels="presence-*")
    node = await node_of(new_broker, less)
    queues = node.webhook_queues
    steps: list[tuple[Interest, int]] = [(less, 1), (ALL, 2), (less, 2), (wider, 3), (wider, 3)]
    for interest, resets in steps:
        await queues.want([interest])
        await queues.begin("w1")
        assert await kinds(node) == ["reset"] * resets, interest
    # Others were wanted for so long without it that nodes do not write for it any more.
    monkeypatch.setattr("riverd.broker.redis.webhooks.FRESH_S", 0.0)
    await queues.want([Interest(webhook="w2", events=less.events)])
    await queues.want([wider])
    await queues.begin("w1")
    assert await kinds(node) == ["reset"] * 4


async def test_what_could_not_be_delivered_is_kept_and_replayed_with_its_id(
    new_broker: NewBroker,
) -> None:
    node = await node_of(new_broker)
    queues = node.webhook_queues
    await node.report({"chat-1": 1})
    first, second = await waiting(node)
    await queues.bury("w1", [first, second], error="500")
    assert await waiting(node) == []
    state = await queues.state("w1")
    assert (state.waiting, state.waiting_bytes, state.dead) == (0, 0, 2)
    dead = await queues.dead("w1", 10)
    assert [(one.event.id, one.error) for one in dead] == [(first.id, "500"), (second.id, "500")]
    assert await queues.replay("w1", [second.id], limit=10) == 1
    [again] = await waiting(node)
    assert (again.id, again.at_ms, again.kind) == (second.id, second.at_ms, second.kind)
    assert again.since_ms >= second.since_ms
    assert await queues.replay("w1", None, limit=10) == 1
    assert (await queues.state("w1")).dead == 0


async def test_what_is_true_now_is_listed(new_broker: NewBroker) -> None:
    node = await node_of(new_broker)
    await node.report({"chat-1": 2, "presence-1": 1, "gone": 1})
    await node.report({"gone": 0})
    await node.join("presence-1", ANN)
    await node.webhooks.count({"#user:ann": 1})
    found, is_all = await node.webhook_queues.truth(ALL)
    assert is_all
    listed = {one.channel: (one.subscribers, one.members) for one in found}
    assert listed["chat-1"][0] == 2
    assert listed["presence-1"] == (1, ["ann"])
    assert listed["#user:ann"][0] == 1
    assert set(listed) == {"chat-1", "presence-1", "#user:ann"}


async def test_who_joins_first_after_the_broker_lost_its_data_is_listed_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("riverd.broker.redis.lease.RENEW_S", 3_600.0)
    with running() as own:
        brokers = RedisBrokers(own.url)
        try:
            node = await node_of(brokers)
            await node.join("presence-1", ANN)
            own.kill()
            own.lose_data()
            own.start()
            await persistently(lambda: node.join("presence-1", ANN))
            [room], _ = await node.webhook_queues.truth(ALL)
            assert (room.channel, room.members) == ("presence-1", ["ann"])
        finally:
            await brokers.close()


async def test_senders_notes_are_kept(new_broker: NewBroker) -> None:
    queues = new_broker().webhook_queues
    await queues.note("w1", b"{}")
    assert await queues.notes() == {"w1": b"{}"}


async def test_a_full_queue_begins_again_with_one_reset(server: RedisServer) -> None:
    brokers = RedisBrokers(server.url, webhook_bytes_max=65_536)
    try:
        node = await node_of(brokers)
        numbers = count()
        for _ in range(700):
            await node.webhooks.publish(Message("chat-1", "said", b"%d" % next(numbers)), "s1")
        events = await waiting(node)
        assert (events[0].kind, events[0].reason) == ("reset", "overflow")
        assert [one.kind for one in events].count("reset") == 1
        assert events[-1].data == b"699"
        state = await node.webhook_queues.state("w1")
        assert state.overflows >= 1
        assert state.waiting_bytes <= 65_536
    finally:
        await brokers.close()


async def test_a_survivor_writes_the_events_of_a_node_that_died(server: RedisServer) -> None:
    brokers = RedisBrokers(server.url)
    try:
        dead, survivor = await node_of(brokers), await node_of(brokers)
        assert isinstance(dead, RedisBroker)
        await dead.report({"chat-1": 1})
        await dead.join("presence-1", ANN)
        assert dead._lease is not None
        await dead._lease._tasks.close()
        async with asyncio.timeout(20):
            while {*await kinds(survivor)} < {"channel_vacated", "member_left"}:
                await asyncio.sleep(0.1)
    finally:
        await brokers.close()


async def test_in_a_cluster_events_are_found_without_a_hint(shared_cluster: RedisCluster) -> None:
    shared_cluster.flush()
    brokers = RedisBrokers(shared_cluster.url)
    try:
        node, reader = await node_of(brokers), brokers()
        await node.report({f"chat-{number}": 1 for number in range(20)})
        written = await node.webhook_queues._server.commands(  # type: ignore[attr-defined]
            [("DEL", "river:{webhooks}:written:w1")]
        )
        assert written == [1]
        assert len(await waiting(reader)) == 40
    finally:
        await brokers.close()


@pytest.mark.parametrize("lost", ["all", "count"])
async def test_what_a_server_lost_is_counted_again(server: RedisServer, lost: str) -> None:
    brokers = RedisBrokers(server.url)
    try:
        node = await node_of(brokers)
        await node.report({"chat-1": 1})
        with server.client() as client:
            if lost == "all":
                client.flushall()
            else:
                client.delete("river:{chat-1}:nodes")
                node.webhooks.doubt()  # type: ignore[attr-defined]
            async with asyncio.timeout(20):
                while not client.exists("river:{chat-1}:nodes"):
                    await asyncio.sleep(0.05)
    finally:
        await brokers.close()
