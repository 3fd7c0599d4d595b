"""A node attaches channels and lets them go: the design's traps 1 to 3."""

import asyncio

from river_cluster import Cluster, in_a_cluster, live, turns
from river_feed import until

from riverd.channels.names import CONTROL
from riverd.model.log import Member
from riverd.node.replicas.attachment import EARLY_MAX

# Trap 1: subscribe and unsubscribe at the broker race.


@in_a_cluster
async def test_one_that_comes_while_the_channel_is_let_go_is_not_deaf(cluster: Cluster) -> None:
    node, broker = await cluster.node(idle_s=0)
    for held in ("unsubscribe", "unsubscribe answer"):
        ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
        await live(ann)
        broker.hold(held)
        ann.leave()
        await asyncio.sleep(1)
        bob.ask(type="subscribe", channel="c")
        await asyncio.sleep(1)
        broker.let(held)
        await bob.told("subscribed")
        cluster.publish()
        await bob.told("event")
        bob.leave()
        await asyncio.sleep(1)
        assert cluster.board.listeners.keys() == {CONTROL}


@in_a_cluster
async def test_whoever_comes_and_goes_while_it_is_attached_leaves_nothing_behind(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node(idle_s=0)
    for held in ("subscribe", "subscribe answer", "read", "read answer"):
        broker.hold(held)
        ann = cluster.visitor(node)
        ann.ask(type="subscribe", id=1, channel="c")
        await turns()
        ann.ask(type="unsubscribe", id=2, channel="c")
        cancelled, _ = await ann.told("error", "unsubscribed")
        assert cancelled["code"] == "cancelled"
        await asyncio.sleep(1)
        broker.let(held)
        await asyncio.sleep(1)
        assert cluster.board.listeners.keys() == {CONTROL}
        assert list(node.attachments) == []


@in_a_cluster
async def test_an_attachment_that_failed_half_way_leaves_nothing_behind(cluster: Cluster) -> None:
    node, broker = await cluster.node(idle_s=0)
    broker.hold("read")
    ann = cluster.visitor(node)
    ann.ask(type="subscribe", channel="c")
    await turns()
    assert "c" in cluster.board.listeners
    broker.cut = True
    broker.let("read")
    await turns()
    ann.leave()
    await asyncio.sleep(10)
    broker.cut = False
    await asyncio.sleep(10)
    assert cluster.board.listeners.keys() == {CONTROL}
    assert list(node.attachments) == []


@in_a_cluster
async def test_one_that_comes_after_letting_go_failed_is_not_deaf(cluster: Cluster) -> None:
    node, broker = await cluster.node(idle_s=0)
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    await live(ann)
    broker.cut = True
    ann.leave()
    await asyncio.sleep(10)
    bob.ask(type="subscribe", channel="c")
    await asyncio.sleep(10)
    broker.cut = False
    await bob.told("subscribed")
    cluster.publish()
    await bob.told("event")


@in_a_cluster
async def test_letting_go_is_tried_until_it_succeeds(cluster: Cluster) -> None:
    node, broker = await cluster.node(idle_s=0)
    ann = cluster.visitor(node)
    await live(ann)
    broker.cut = True
    ann.leave()
    await asyncio.sleep(30)
    assert "c" in cluster.board.listeners
    broker.cut = False
    await asyncio.sleep(10)
    assert cluster.board.listeners.keys() == {CONTROL}
    assert list(node.attachments) == []


@in_a_cluster
async def test_a_seat_that_is_given_up_does_not_forget_a_channel_on_its_way(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node(idle_s=0.5)
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    broker.hold("subscribe")
    ann.ask(type="subscribe", channel="presence-c")
    await turns()
    ann.ask(type="unsubscribe", channel="presence-c")
    await turns()
    bob.ask(type="subscribe", channel="presence-c")
    await turns()
    broker.let("subscribe")
    await bob.told("subscribed")
    await asyncio.sleep(10)
    cluster.publish("presence-c")
    await bob.told("event")
    assert broker.calls.count("subscribe") == 1


# Trap 2: a late joiner joins where its node stands.


@in_a_cluster
async def test_a_late_joiner_hears_what_is_in_flight_and_so_do_the_others(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    ann, bob, cat = (cluster.visitor(node, user) for user in ("ann", "bob", "cat"))
    await live(ann)
    broker.hold("feed")
    at = cluster.publish(times=3)
    bob.ask(type="subscribe", channel="c")
    [told] = await bob.told("subscribed")
    assert told["offset"] == 0
    cat.ask(type="subscribe", channel="c", epoch=at.epoch, offset=0)
    [told] = await cat.told("subscribed")
    assert (told["recovered"], told["offset"]) == (True, 0)
    broker.let("feed")
    for visitor in (ann, bob, cat):
        events = await visitor.told("event", "event", "event")
        assert [one["offset"] for one in events] == [1, 2, 3]


# Trap 3: publications that arrive before the first read wait.


@in_a_cluster
async def test_what_arrives_before_the_first_read_waits(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    cluster.publish(times=2)
    for held in ("read", "read answer"):
        channel = held.replace(" ", "-")
        cluster.publish(channel, times=2)
        ann = cluster.visitor(node)
        broker.hold(held)
        ann.ask(type="subscribe", channel=channel, history=50)
        await turns()
        cluster.publish(channel, times=3)
        await turns()
        broker.let(held)
        told = await ann.told("subscribed", *["event"] * 5)
        assert [one["offset"] for one in told[1:]] == [1, 2, 3, 4, 5]


@in_a_cluster
async def test_more_than_can_wait_is_read_again(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    broker.hold("read answer")
    ann.ask(type="subscribe", channel="presence-c")
    await turns()
    cluster.publish("presence-c", times=EARLY_MAX)
    for number in range(20):
        await cluster.publisher.join("presence-c", Member(f"u{number}"))
    cluster.publish("presence-c", times=20)
    await turns(3_000)
    broker.let("read answer")
    await until(lambda: "subscribed" in ann.client.types())
    await asyncio.sleep(1)
    hearing = cluster.hearing("presence-c")
    for message in ann.client.take():
        hearing.tell(message)
    assert hearing.offset == EARLY_MAX + 20
    assert hearing.users is not None
    assert len(hearing.users) == 21


@in_a_cluster
async def test_what_waited_from_an_older_log_keeps_nobody_busy(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    cluster.publish(times=9)
    ann = cluster.visitor(node)
    broker.hold("read")
    ann.ask(type="subscribe", channel="c")
    await turns()
    cluster.publish(times=1)
    await turns()
    cluster.begin_again()
    cluster.publish(times=2)
    broker.let("read")
    [told] = await ann.told("subscribed")
    assert told["offset"] == 2
    await asyncio.sleep(10)
    assert broker.calls.count("read") < 10
    cluster.publish()
    assert (await ann.told("event"))[0]["offset"] == 3
