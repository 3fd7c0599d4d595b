"""Channel rules, as sessions meet them on a node."""

import asyncio
from functools import partial

from river_cluster import Cluster, in_a_cluster, live
from river_feed import until

from riverd.channels.rules import ChannelRule, ChannelRules

RULES = ChannelRules(
    (
        ChannelRule(match="room-*", access="grant", presence=True),
        ChannelRule(match="short-*", history_size=2, history_ttl_s=10),
        ChannelRule(match="price-*", client_publish=False),
        ChannelRule(match="state-*", history_size=0, keep_last=True, last_ttl_s=1_000),
        ChannelRule(match="small-*", history_bytes=20),
    ),
    history_size=50,
    history_ttl_s=300,
)
with_rules = partial(in_a_cluster, rules=RULES)


@with_rules
async def test_a_channel_has_members_by_its_rule(cluster: Cluster) -> None:
    cluster.book.grant("ann", "room-*")
    cluster.book.grant("bob", "room-*")
    node, _ = await cluster.node()
    other, _ = await cluster.node()
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(other, "bob")
    ann.ask(type="subscribe", channel="room-1")
    [subscribed] = await ann.told("subscribed")
    assert [one["user"] for one in subscribed["presence"]["members"]] == ["ann"]
    await live(bob, "room-1")
    [joined] = await ann.told("joined")
    assert joined["user"] == "bob"
    ann.ask(type="presence", id=3, channel="room-1")
    assert (await ann.told("presence"))[0]["count"] == 2
    bob.leave()
    await ann.told("left")


@with_rules
async def test_a_channel_needs_a_grant_by_its_rule(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node, "ann")
    ann.ask(type="subscribe", id=1, channel="room-1")
    [error] = await ann.told("error")
    assert (error["id"], error["code"]) == (1, "forbidden")


@with_rules
async def test_no_client_publishes_against_a_rule(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node, "ann")
    ann.ask(type="publish", id=1, channel="price-1", event="e", data=1)
    assert (await ann.told("error"))[0]["code"] == "forbidden"


@with_rules
async def test_a_channels_window_is_that_of_its_rule(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    first = cluster.visitor(node, "first")
    await live(first, "short-1")
    at = cluster.publish("short-1", times=5)
    await until(lambda: first.client.events() == [1, 2, 3, 4, 5])
    late = cluster.visitor(node, "late")
    late.ask(type="subscribe", channel="short-1", epoch=at.epoch, offset=2)
    assert (await late.told("subscribed"))[0]["reason"] == "window"
    late.ask(type="unsubscribe", channel="short-1")
    await late.told("unsubscribed")
    late.ask(type="subscribe", channel="short-1", epoch=at.epoch, offset=3)
    await late.told("subscribed", "event", "event")
    await asyncio.sleep(20)
    last = cluster.visitor(node, "last")
    last.ask(type="subscribe", channel="short-1", history=5)
    await last.told("subscribed")


@with_rules
async def test_who_comes_late_is_given_the_newest_of_a_channel_that_keeps_it(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    first, late = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    await live(first, "state-1")
    cluster.publish("state-1", times=3)
    assert [one["offset"] for one in await first.told("event", "event", "event")] == [1, 2, 3]
    late.ask(type="subscribe", channel="state-1", history=1)
    _, event = await late.told("subscribed", "event")
    assert event["offset"] == 3
    late.ask(type="history", id=2, channel="state-1")
    [history] = await late.told("history")
    assert [one["offset"] for one in history["publications"]] == [3]
    # Also on a node that has to read it from the broker.
    other, _ = await cluster.node()
    elsewhere = cluster.visitor(other, "cleo")
    elsewhere.ask(type="subscribe", channel="state-1", history=1)
    _, event = await elsewhere.told("subscribed", "event")
    assert event["offset"] == 3


@with_rules
async def test_a_replica_keeps_no_more_bytes_than_the_log(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node, "ann")
    await live(ann, "small-1")
    cluster.publish("small-1", times=5)
    await ann.told(*["event"] * 5)
    channel = node.attachments.channel("small-1")
    assert channel is not None
    entries = channel.log.since(channel.log.oldest)
    assert entries is not None
    assert 0 < sum(one.byte_count() for one in entries) <= 20
