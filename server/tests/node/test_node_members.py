"""The members of a channel, as a node knows them."""

import asyncio

from river_cluster import COMPARE_S, IDLE_S, Cluster, Visitor, in_a_cluster, live, turns
from river_feed import until

from riverd.channels.grants import Grants
from riverd.core.pacing import CROWD, PAUSE_S_MAX
from riverd.model.claims import Claims
from riverd.model.log import Member, Occupancy
from riverd.model.orders import Order, OrderKind

# PresenceReplica.


@in_a_cluster
async def test_members_are_listed_and_told_once_a_user(cluster: Cluster) -> None:
    one, _ = await cluster.node()
    two, _ = await cluster.node()
    cluster.book.claims["bob"] = Claims("bob", None, Grants(), b'{"name":"Bob"}')
    ann = cluster.visitor(one, "ann")
    ann.ask(type="subscribe", id=1, channel="presence-c")
    [told] = await ann.told("subscribed")
    assert told["presence"] == {"count": 1, "members": [{"user": "ann"}]}
    bobs = [cluster.visitor(node, "bob") for node in (one, one, two)]
    for bob in bobs:
        bob.ask(type="subscribe", channel="presence-c")
        [told] = await bob.told("subscribed")
        assert told["presence"] == {
            "count": 2,
            "members": [{"user": "ann"}, {"user": "bob", "info": {"name": "Bob"}}],
        }
    [joined] = await ann.told("joined")
    assert joined == {
        "type": "joined",
        "channel": "presence-c",
        "user": "bob",
        "info": {"name": "Bob"},
    }
    bobs[0].leave()
    bobs[1].ask(type="unsubscribe", channel="presence-c")
    await asyncio.sleep(1)
    assert ann.client.told == []
    bobs[2].leave()
    [left] = await ann.told("left")
    assert left == {"type": "left", "channel": "presence-c", "user": "bob"}


@in_a_cluster
async def test_members_are_told_on_request_with_or_without_a_replica(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    other, _ = await cluster.node()
    bob = cluster.visitor(other, "bob")
    await live(bob, "presence-c")
    ann = cluster.visitor(node, "ann")
    for visitor in (ann, bob):
        visitor.ask(type="presence", id=5, channel="presence-c")
        [told] = await visitor.told("presence")
        assert told == {
            "type": "presence",
            "id": 5,
            "channel": "presence-c",
            "count": 1,
            "members": [{"user": "bob"}],
        }


@in_a_cluster
async def test_a_joiner_is_in_its_own_list_and_not_told_of_itself(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    first = cluster.visitor(node, "first")
    await live(first, "presence-c")
    for held in ("feed", "join answer", "members answer"):
        broker.hold(held)
        ann = cluster.visitor(node, held)
        ann.ask(type="subscribe", channel="presence-c")
        await asyncio.sleep(1)
        broker.let(held)
        [told] = await ann.told("subscribed")
        assert held in {one["user"] for one in told["presence"]["members"]}
        assert (await first.told("joined"))[0]["user"] == held
        ann.leave()
        await first.told("left")


@in_a_cluster
async def test_a_hole_in_joins_and_leaves_is_filled(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann, "presence-c")
    cluster.store.join("presence-c", "elsewhere", Member("bob"))
    await cluster.publisher.join("presence-c", Member("cat"))
    told = await ann.told("joined", "joined")
    assert {one["user"] for one in told} == {"bob", "cat"}


@in_a_cluster
async def test_a_list_that_the_feed_overtook_takes_nothing_back(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann, "presence-c")
    broker.hold("members answer")
    cluster.store.join("presence-c", "elsewhere", Member("bob"))
    node.on_interrupted()
    await turns()
    await cluster.publisher.join("presence-c", Member("cat"))
    await turns()
    broker.let("members answer")
    told = await ann.told("joined", "joined")
    assert {one["user"] for one in told} == {"bob", "cat"}


@in_a_cluster
async def test_a_user_that_comes_back_at_once_is_in_the_list(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    watcher = cluster.visitor(node, "watcher")
    await live(watcher, "presence-c")
    for held in ("leave", "leave answer", "feed"):
        ann = cluster.visitor(node, "ann")
        await live(ann, "presence-c")
        await watcher.told("joined")
        broker.hold(held)
        ann.leave()
        await turns()
        again = cluster.visitor(node, "ann")
        again.ask(type="subscribe", channel="presence-c")
        await turns()
        broker.let(held)
        [told] = await again.told("subscribed")
        assert "ann" in {one["user"] for one in told["presence"]["members"]}
        await watcher.told("left", "joined")
        again.leave()
        await watcher.told("left")
    assert list(cluster.store.roster("presence-c").members) == ["watcher"]


@in_a_cluster
async def test_a_join_that_may_have_been_done_is_undone(cluster: Cluster) -> None:
    node, broker = await cluster.node(idle_s=0)
    ann = cluster.visitor(node)
    broker.hold("join answer")
    ann.ask(type="subscribe", channel="presence-c")
    await turns()
    broker.cut = True
    broker.let("join answer")
    ann.leave()
    await asyncio.sleep(10)
    broker.cut = False
    await asyncio.sleep(10)
    assert cluster.store.roster("presence-c").members == {}
    assert list(node.attachments) == []


@in_a_cluster
async def test_a_broker_that_lost_its_members_gets_them_again(cluster: Cluster) -> None:
    one, _ = await cluster.node(compare_s=COMPARE_S)
    two, _ = await cluster.node(compare_s=COMPARE_S)
    ann, bob = cluster.visitor(one, "ann"), cluster.visitor(two, "bob")
    await live(ann, "presence-c")
    await live(bob, "presence-c")
    await ann.told("joined")
    cluster.store._members.clear()
    await asyncio.sleep(20)
    assert set(cluster.store.roster("presence-c").members) == {"ann", "bob"}
    assert "left" not in ann.client.types()
    late = cluster.visitor(one, "ann")
    late.ask(type="subscribe", channel="presence-c")
    [told] = await late.told("subscribed")
    assert told["presence"]["count"] == 2


@in_a_cluster
async def test_who_comes_after_a_lost_list_is_let_in_however_early_timers_end(
    cluster: Cluster,
) -> None:
    # Timers of a real loop end up to a millisecond before a finer clock says so.
    node, _ = await cluster.node(clock=lambda: cluster.loop.time() * 0.999)
    ann = cluster.visitor(node, "ann")
    await live(ann, "presence-c")
    ann.leave()
    await turns()
    cluster.store._members.clear()
    again = cluster.visitor(node, "ann")
    again.ask(type="subscribe", channel="presence-c")
    [told] = await again.told("subscribed")
    assert told["presence"]["count"] == 1


@in_a_cluster
async def test_seats_that_were_given_up_are_taken_again(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    await live(ann, "presence-c")
    await live(bob, "presence-c")
    await ann.told("joined")
    for channel, position, change in cluster.store.forget_node(broker._inner._node):
        cluster.board.change(channel, position.epoch, change=change)
    broker.on_presence_lost()
    await asyncio.sleep(1)
    assert set(cluster.store.roster("presence-c").members) == {"ann", "bob"}
    assert cluster.store.occupancy("presence-c") == Occupancy(2, 2)


@in_a_cluster
async def test_a_thousand_that_join_together_are_let_in_without_asking_each_about_all(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    first = cluster.visitor(node, "first")
    await live(first, "presence-c")
    visitors = [cluster.visitor(node, f"u{number}") for number in range(1_000)]
    for visitor in visitors:
        visitor.ask(type="subscribe", channel="presence-c")
    await until(lambda: all(visitor.client.told for visitor in visitors))
    await asyncio.sleep(1)
    assert first.client.types() == ["joined"] * 1_000
    assert broker.calls.count("members") == 1


@in_a_cluster
async def test_joins_that_a_crowd_hears_are_told_together_and_a_publication_waits_for_none(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    crowd = [cluster.visitor(node, f"u{number}") for number in range(CROWD + 200)]
    late = [cluster.visitor(node, f"late{number}") for number in range(5)]
    for visitor in crowd:
        visitor.ask(type="subscribe", channel="presence-c")
    await until(lambda: all(visitor.client.told for visitor in crowd))
    await asyncio.sleep(1)
    hearer = crowd[0].client
    hearer.take()

    async def come(*visitors: Visitor) -> None:
        for visitor in visitors:
            visitor.ask(type="subscribe", channel="presence-c")
            await turns()

    await come(late[0])
    assert hearer.types() == ["joined"]
    await come(late[1], late[2])
    assert hearer.types() == ["joined"]
    cluster.publish("presence-c")
    await turns()
    assert hearer.types() == ["joined", "event", "joined", "joined"]
    await come(late[3], late[4])
    assert len(hearer.types()) == 4
    await asyncio.sleep(PAUSE_S_MAX)
    assert hearer.types()[4:] == ["joined", "joined"]


# Leaves that wait.


@in_a_cluster
async def test_a_user_that_returns_within_the_delay_has_neither_left_nor_joined(
    cluster: Cluster,
) -> None:
    one, _ = await cluster.node(leave_s=2.0)
    two, _ = await cluster.node(leave_s=2.0)
    watcher = cluster.visitor(one, "watcher")
    await live(watcher, "presence-c")
    await live(cluster.visitor(one, "ann"), "presence-c")
    await watcher.told("joined")
    ann = cluster.visitor(one, "ann")
    await live(ann, "presence-c")
    for _ in range(20):
        ann.ask(type="unsubscribe", channel="presence-c")
        await asyncio.sleep(0.1)
        await live(ann, "presence-c")
        # A tab that reloads may come to another node.
        elsewhere = cluster.visitor(two, "ann")
        await live(elsewhere, "presence-c")
        elsewhere.leave()
    await asyncio.sleep(3)
    assert watcher.client.told == []


@in_a_cluster
async def test_a_user_leaves_when_the_delay_is_over(cluster: Cluster) -> None:
    node, _ = await cluster.node(leave_s=2.0)
    watcher, ann = cluster.visitor(node, "watcher"), cluster.visitor(node, "ann")
    await live(watcher, "presence-c")
    await live(ann, "presence-c")
    await watcher.told("joined")
    ann.leave()
    await asyncio.sleep(1.9)
    assert watcher.client.told == []
    assert cluster.store.occupancy("presence-c").users == 2
    await asyncio.sleep(0.2)
    await watcher.told("left")
    watcher.leave()
    await asyncio.sleep(2 + 2 * IDLE_S)
    assert list(node.attachments) == []


@in_a_cluster
async def test_a_user_that_returns_as_another_member_is_shown_as_it_is_now(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node(leave_s=2.0)
    watcher, ann = cluster.visitor(node, "watcher"), cluster.visitor(node, "ann")
    await live(watcher, "presence-c")
    await live(ann, "presence-c")
    await watcher.told("joined")
    for number, held in enumerate(("", "leave", "leave answer", "join answer")):
        ann.leave()
        name = b'{"name":"Ann %d"}' % number
        cluster.book.claims["ann"] = Claims("ann", None, Grants(), name)
        ann = cluster.visitor(node, "ann")
        broker.hold(held)
        ann.ask(type="subscribe", id=1, channel="presence-c")
        await asyncio.sleep(0.5)
        broker.let(held)
        [told] = await ann.told("subscribed")
        shown = {one["user"]: one.get("info") for one in told["presence"]["members"]}
        assert shown == {"watcher": None, "ann": {"name": f"Ann {number}"}}
        _, joined = await watcher.told("left", "joined")
        assert joined["info"] == {"name": f"Ann {number}"}


@in_a_cluster
async def test_who_is_removed_by_the_back_end_leaves_at_once(cluster: Cluster) -> None:
    node, _ = await cluster.node(leave_s=60.0)
    watcher, ann = cluster.visitor(node, "watcher"), cluster.visitor(node, "ann")
    await live(watcher, "presence-c")
    await live(ann, "presence-c")
    await watcher.told("joined")
    node.users.obey(Order("o", OrderKind.REMOVE, user="ann", channel="presence-c"))
    await watcher.told("left")
