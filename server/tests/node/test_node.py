"""What sessions ask of a node, and what it tells its broker."""

import asyncio

import pytest
from river_cluster import IDLE_S, Cluster, in_a_cluster, live
from river_feed import until

from riverd.model.log import Occupancy
from riverd.model.orders import Order, OrderKind
from riverd.node.node import SWEEP_S

# What sessions ask.


@in_a_cluster
async def test_subscribe_publish_and_hear(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    ann.ask(type="subscribe", id=1, channel="c")
    [subscribed] = await ann.told("subscribed")
    assert (subscribed["id"], subscribed["offset"], subscribed["recovered"]) == (1, 0, False)
    bob.ask(type="publish", id=2, channel="c", event="post", data={"a": 1})
    [published] = await bob.told("published")
    [event] = await ann.told("event")
    assert (published["id"], published["epoch"], published["offset"]) == (
        2,
        subscribed["epoch"],
        1,
    )
    assert event == {
        "type": "event",
        "channel": "c",
        "event": "post",
        "data": {"a": 1},
        "offset": 1,
        "user": "bob",
    }


@in_a_cluster
async def test_what_one_client_publishes_at_once_stays_in_order(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    for number in range(20):
        ann.ask(type="publish", channel="c", event="e", data=number)
    await until(lambda: len(ann.client.events()) == 20)
    assert [one["data"] for one in ann.client.told if one["type"] == "event"] == list(range(20))


@in_a_cluster
async def test_a_resume_gets_what_was_missed_and_then_the_live_feed(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    at = cluster.publish(times=5)
    ann = cluster.visitor(node)
    ann.ask(type="subscribe", channel="c", epoch=at.epoch, offset=2)
    told = await ann.told("subscribed", "event", "event", "event")
    assert told[0]["recovered"] is True
    assert told[0]["offset"] == 5
    assert [one["offset"] for one in told[1:]] == [3, 4, 5]
    cluster.publish()
    assert (await ann.told("event"))[0]["offset"] == 6


@pytest.mark.parametrize(
    ("epoch", "offset", "reason"),
    [("other", 1, "epoch"), (None, 1, "window"), (None, 99, "unknown")],
)
def test_a_resume_that_cannot_be_says_why_and_goes_on_from_now(
    epoch: str | None, offset: int, reason: str
) -> None:
    @in_a_cluster
    async def check(cluster: Cluster) -> None:
        node, _ = await cluster.node()
        at = cluster.publish(times=60)
        ann = cluster.visitor(node)
        ann.ask(type="subscribe", channel="c", epoch=epoch or at.epoch, offset=offset)
        [told] = await ann.told("subscribed")
        assert (told["recovered"], told["reason"]) == (False, reason)
        assert (told["epoch"], told["offset"]) == (at.epoch, 60)
        cluster.publish()
        assert (await ann.told("event"))[0]["offset"] == 61

    check()


@in_a_cluster
async def test_many_whose_resume_cannot_be_reload_one_after_the_other(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    cluster.publish()
    visitors = [cluster.visitor(node, f"u{number}") for number in range(1_000)]
    for visitor in visitors:
        visitor.ask(type="subscribe", channel="c", epoch="other", offset=1)
    delays = []
    for visitor in visitors:
        [told] = await visitor.told("subscribed")
        delays.append(told.get("reload_after_ms", 0))
    assert delays[0] == 0
    # 20 ms each, less what has passed until the last one was answered.
    assert max(delays) > 5_000


@in_a_cluster
async def test_a_subscriber_can_have_the_last_events(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    cluster.publish(times=5)
    ann = cluster.visitor(node)
    ann.ask(type="subscribe", channel="c", history=2)
    told = await ann.told("subscribed", "event", "event")
    assert [one["offset"] for one in told[1:]] == [4, 5]


@in_a_cluster
async def test_a_thousand_that_come_together_cost_one_read(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    at = cluster.publish(times=5)
    visitors = [cluster.visitor(node, f"u{number}") for number in range(1_000)]
    for visitor in visitors:
        visitor.ask(type="subscribe", channel="c", epoch=at.epoch, offset=2)
    for visitor in visitors:
        await until(lambda visitor=visitor: visitor.client.events() == [3, 4, 5])
    assert broker.calls.count("read") == 1
    assert node.attachments.reads == 1


@in_a_cluster
async def test_history_comes_from_the_replica_where_there_is_one(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    at = cluster.publish(times=5)
    ann = cluster.visitor(node)
    asked = [
        ({}, [1, 2, 3, 4, 5]),
        ({"limit": 2}, [4, 5]),
        ({"epoch": at.epoch, "offset": 2}, [3, 4, 5]),
        ({"epoch": at.epoch, "offset": 2, "limit": 2}, [3, 4]),
        ({"epoch": at.epoch, "offset": 5}, []),
    ]
    for attached in (False, True):
        for fields, offsets in asked:
            ann.ask(type="history", id=6, channel="c", **fields)
            [told] = await ann.told("history")
            assert (told["id"], told["epoch"], told["offset"]) == (6, at.epoch, 5)
            assert [one["offset"] for one in told["publications"]] == offsets
        assert broker.calls.count("read") == len(asked) + attached
        if not attached:
            await live(ann)


@in_a_cluster
async def test_history_that_cannot_be_had_is_refused_with_its_reason(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    at = cluster.publish(times=60)
    ann = cluster.visitor(node)
    for attached in (False, True):
        for epoch, offset, reason in (
            ("other", 1, "epoch"),
            (at.epoch, 1, "window"),
            (at.epoch, 99, "unknown"),
        ):
            ann.ask(type="history", id=6, channel="c", epoch=epoch, offset=offset)
            [told] = await ann.told("error")
            assert (told["id"], told["code"], told["message"]) == (6, "unrecoverable", reason)
        if not attached:
            await live(ann)


@in_a_cluster
async def test_long_answers_are_refused_to_whom_does_not_read(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    cluster.publish(times=5)
    ann = cluster.visitor(node)
    node.blocked(ann.session)
    ann.ask(type="history", id=1, channel="c")
    ann.ask(type="presence", id=2, channel="presence-c")
    told = await ann.told("error", "error")
    assert {one["code"] for one in told} == {"too_fast"}


@in_a_cluster
async def test_a_user_is_disconnected_wherever_it_is(cluster: Cluster) -> None:
    one, _ = await cluster.node()
    two, _ = await cluster.node()
    anns = [cluster.visitor(one), cluster.visitor(one), cluster.visitor(two)]
    bob = cluster.visitor(one, "bob")
    await cluster.publisher.control.order(Order("1", OrderKind.DISCONNECT, user="ann"))
    await until(lambda: all(ann.client.closed for ann in anns))
    assert {ann.client.closed[0] for ann in anns if ann.client.closed} == {4403}
    assert bob.client.closed is None
    assert one.sessions == {bob.session}


@in_a_cluster
async def test_leaving_before_a_token_and_leaving_twice_are_fine(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    ann.leave()
    ann.leave()
    stranger = cluster.visitor(node, "bad token")
    stranger.leave()
    assert node.sessions == set()


@in_a_cluster
async def test_the_broker_knows_how_many_hear_a_channel(cluster: Cluster) -> None:
    one, _ = await cluster.node()
    two, _ = await cluster.node()
    visitors = [cluster.visitor(node, f"u{n}") for n, node in enumerate((one, one, two))]
    for visitor in visitors:
        await live(visitor)
    await until(lambda: cluster.store.occupancy("c") == Occupancy(3))
    visitors[0].leave()
    visitors[2].ask(type="unsubscribe", channel="c")
    await until(lambda: cluster.store.occupancy("c") == Occupancy(1))
    visitors[1].leave()
    await until(lambda: cluster.store._counts == {})


@in_a_cluster
async def test_a_count_that_changes_while_it_is_reported_is_reported_again(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    broker.hold("report")
    await live(ann)
    await live(bob)
    ann.leave()
    broker.let("report")
    await until(lambda: cluster.store.occupancy("c") == Occupancy(1))


@in_a_cluster
async def test_a_count_that_could_not_be_reported_is_reported_later(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    await until(lambda: cluster.store.occupancy("c") == Occupancy(1))
    broker.cut = True
    ann.ask(type="unsubscribe", channel="c")
    await asyncio.sleep(SWEEP_S * 2)
    broker.cut = False
    await until(lambda: cluster.store.occupancy("c") == Occupancy(0))


@in_a_cluster
async def test_a_channel_is_kept_for_a_while_after_its_last_subscriber(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    ann.ask(type="unsubscribe", channel="c")
    await asyncio.sleep(IDLE_S / 2)
    await live(ann)
    await asyncio.sleep(IDLE_S * 2)
    cluster.publish()
    await ann.told("event")
    assert broker.calls.count("subscribe") == 1
    ann.ask(type="unsubscribe", channel="c")
    await asyncio.sleep(IDLE_S * 2)
    assert broker.calls.count("unsubscribe") == 1
    assert "c" not in cluster.board.listeners
    assert node.attachments.channel("c") is None
    assert list(node.attachments) == []


@in_a_cluster
async def test_a_quiet_channel_keeps_its_log_while_somebody_hears_it(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    for _ in range(100):
        await asyncio.sleep(10)
        cluster.store.expire(cluster.loop.time())
    cluster.publish()
    await ann.told("event")


@in_a_cluster
async def test_a_node_that_is_closed_does_nothing_more(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    ann.leave()
    await node.close()
    calls = list(broker.calls)
    await asyncio.sleep(IDLE_S * 10)
    assert broker.calls == calls


@in_a_cluster
async def test_a_slow_client_stays_where_it_is_and_goes_on(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    slow, fast = cluster.visitor(node, "slow"), cluster.visitor(node, "fast")
    await live(slow)
    await live(fast)
    slow.client.takes = 100
    cluster.publish(times=10)
    await until(lambda: slow.session.blocked)
    cluster.publish(times=30)
    await until(lambda: len(fast.client.events()) == 40)
    assert slow.client.events() == list(range(1, 11))
    node.drained(slow.session)
    await until(lambda: len(slow.client.events()) == 40)
    assert slow.client.events() == list(range(1, 41))
