"""What a node allows, refuses and answers at once."""

import pytest
from river_cluster import Cluster, Visitor, in_a_cluster, live, turns
from river_feed import until
from river_wire import SECRETS

from riverd.channels.grants import Grants
from riverd.model.claims import Claims
from riverd.model.log import Member
from riverd.protocols import ChannelCommand, ClientIdentity
from riverd.protocols.native.protocol import Native

ASKED: list[dict[str, object]] = [
    {"type": "subscribe", "channel": "c"},
    {"type": "unsubscribe", "channel": "c"},
    {"type": "publish", "channel": "c", "event": "e", "data": 1},
    {"type": "presence", "channel": "presence-c"},
    {"type": "history", "channel": "c"},
]


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked["type"])
def test_before_a_token_nothing_is_served_but_ping(asked: dict[str, object]) -> None:
    @in_a_cluster
    async def check(cluster: Cluster) -> None:
        node, _ = await cluster.node()
        stranger = cluster.stranger(node)
        stranger.ask(id=4, **asked)
        stranger.ask(type="ping", id=5)
        error, pong = await stranger.told("error", "pong")
        assert (error["id"], error["code"]) == (4, "unauthenticated")
        assert pong["id"] == 5
        assert stranger.client.closed is None

    check()


async def granted(cluster: Cluster, grants: Grants) -> Visitor:
    cluster.book.claims["ann"] = Claims("ann", None, grants)
    node, _ = await cluster.node()
    return cluster.visitor(node, "ann")


@in_a_cluster
async def test_a_channel_needs_its_grant(cluster: Cluster) -> None:
    ann = await granted(cluster, Grants(("room-*",), ("room-1",)))
    for asked in (
        {"type": "subscribe", "channel": "dogs"},
        {"type": "history", "channel": "dogs"},
        {"type": "presence", "channel": "presence-dogs"},
        {"type": "publish", "channel": "room-2", "event": "e", "data": 1},
    ):
        ann.ask(id=1, **asked)
        [error] = await ann.told("error")
        assert (error["id"], error["code"]) == (1, "forbidden")
    ann.ask(type="subscribe", id=2, channel="room-2")
    await ann.told("subscribed")
    ann.ask(type="publish", id=3, channel="room-1", event="e", data=1)
    await ann.told("published")


@in_a_cluster
async def test_a_renewed_token_ends_what_it_no_longer_covers(cluster: Cluster) -> None:
    ann = await granted(cluster, Grants(("room-*", "presence-room-*")))
    for channel in ("room-1", "room-2", "presence-room-1"):
        await live(ann, channel)
    cluster.book.claims["less"] = Claims("ann", None, Grants(("room-1",)))
    ann.ask(type="auth", id=9, token="less")
    told = await ann.told("authenticated", "unsubscribed", "unsubscribed")
    assert told[1:] == [
        {"type": "unsubscribed", "channel": channel, "reason": "grant"}
        for channel in ("room-2", "presence-room-1")
    ]
    await turns()
    assert cluster.store.roster("presence-room-1").members == {}
    cluster.publish("room-2")
    cluster.publish("room-1")
    await turns()
    assert [event["channel"] for event in await ann.told("event")] == ["room-1"]
    ann.ask(type="auth", id=10, token="less")
    await ann.told("authenticated")


@in_a_cluster
async def test_a_renewed_token_refuses_what_waits_and_is_no_longer_covered(
    cluster: Cluster,
) -> None:
    cluster.book.claims["ann"] = Claims("ann", None, Grants(("room-*",)))
    node, broker = await cluster.node()
    ann = cluster.visitor(node, "ann")
    broker.hold("read")
    ann.ask(type="subscribe", id=2, channel="room-2")
    cluster.book.claims["less"] = Claims("ann", None, Grants(("room-1",)))
    ann.ask(type="auth", id=9, token="less")
    _, error = await ann.told("authenticated", "error")
    assert (error["id"], error["code"]) == (2, "forbidden")
    broker.let("read")
    await turns()
    assert ann.client.told == []


@in_a_cluster
async def test_a_private_channel_is_forbidden_without_a_grant(cluster: Cluster) -> None:
    ann = await granted(cluster, Grants())
    ann.ask(type="subscribe", id=1, channel="private-a")
    [error] = await ann.told("error")
    assert error["code"] == "forbidden"


@in_a_cluster
async def test_only_presence_channels_can_be_asked_for_members(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    ann.ask(type="presence", id=1, channel="dogs")
    assert (await ann.told("error"))[0]["code"] == "invalid_field"
    ann.ask(type="presence", id=2, channel="presence-dogs")
    await ann.told("presence")


@in_a_cluster
async def test_a_second_subscription_of_a_channel_is_refused(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    ann.ask(type="subscribe", id=2, channel="c")
    [error] = await ann.told("error")
    assert (error["id"], error["code"]) == (2, "already_subscribed")


@in_a_cluster
async def test_unsubscribing_what_was_never_subscribed_is_answered_all_the_same(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    ann.ask(type="unsubscribe", id=1, channel="c")
    [answer] = await ann.told("unsubscribed")
    assert answer == {"type": "unsubscribed", "id": 1, "channel": "c"}


@in_a_cluster
async def test_unsubscribing_before_it_was_live_cancels_the_subscribing(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    broker.hold("read")
    ann.ask(type="subscribe", id=1, channel="c")
    ann.ask(type="unsubscribe", id=2, channel="c")
    cancelled, unsubscribed = await ann.told("error", "unsubscribed")
    assert (cancelled["id"], cancelled["code"]) == (1, "cancelled")
    assert unsubscribed["id"] == 2
    broker.let("read")


class Anonymous(Native):
    """Allows everything to everybody: a protocol whose clients need not be anybody."""

    def authorise(self, command: ChannelCommand, client: ClientIdentity) -> Member | None:
        del client
        return Member("by-signature") if command.channel.startswith("presence-") else None


@in_a_cluster
async def test_an_anonymous_session_leaves_nothing_behind(cluster: Cluster) -> None:
    node, _ = await cluster.node(idle_s=0)
    stranger = cluster.stranger(node)
    stranger.session.protocol = Anonymous(cluster.rules, SECRETS)
    for channel in ("c", "presence-c"):
        await live(stranger, channel)
    assert set(cluster.store.roster("presence-c").members) == {"by-signature"}
    assert cluster.store.occupancy("c").subscribers == 1
    stranger.leave()
    await until(lambda: list(node.attachments) == [])
    await turns()
    assert cluster.store.roster("presence-c").members == {}
    assert cluster.store._counts == {}
