"""A list of members that the broker lost is taken when the nodes have made their entries again."""

import asyncio

from river_cluster import Cluster, Visitor, in_a_cluster, live
from river_feed import until

from riverd.node.replicas import remaking
from riverd.node.replicas.settling import SETTLE_S, SETTLE_S_MAX


async def in_a_room(cluster: Cluster) -> tuple[Visitor, Visitor]:
    """Two members on a node each."""
    one, _ = await cluster.node()
    two, _ = await cluster.node()
    ann, bob = cluster.visitor(one, "ann"), cluster.visitor(two, "bob")
    await live(ann, "presence-c")
    await live(bob, "presence-c")
    await ann.told("joined")
    return ann, bob


def lose_list(cluster: Cluster) -> None:
    """The broker has it no more, and the nodes notice."""
    del cluster.store._members["presence-c"]
    for node in cluster.nodes:
        node.on_interrupted()


@in_a_cluster
async def test_nobody_is_told_that_members_left_whose_node_is_slow(cluster: Cluster) -> None:
    ann, bob = await in_a_room(cluster)
    slow = bob.node._broker
    slow.hold("join")  # type: ignore[attr-defined]  a LateBroker
    lose_list(cluster)
    await asyncio.sleep(3 * SETTLE_S)
    assert cluster.store.users("presence-c") == ["ann"]
    assert (ann.client.types(), bob.client.types()) == ([], [])
    slow.let("join")  # type: ignore[attr-defined]  as above
    for visitor in (ann, bob):
        presence = visitor.node._hub.channels["presence-c"].presence
        assert presence is not None
        await until(lambda: presence.position == cluster.store.version("presence-c"))  # noqa: B023
        assert visitor.client.types() == []
    # What changes from now on is announced again.
    bob.leave()
    await ann.told("left")


@in_a_cluster
async def test_nobody_waits_for_ever_for_a_node_that_makes_no_entries(cluster: Cluster) -> None:
    ann, bob = await in_a_room(cluster)
    bob.node._broker.hold("join")  # type: ignore[attr-defined]  a LateBroker
    lose_list(cluster)
    await asyncio.sleep(SETTLE_S_MAX - 1)
    assert ann.client.types() == []
    await asyncio.sleep(2)
    await ann.told("left")
    bob.node._broker.let("join")  # type: ignore[attr-defined]  as above
    await ann.told("joined")


@in_a_cluster
async def test_node_that_is_gone_is_waited_for_no_longer(cluster: Cluster) -> None:
    ann, bob = await in_a_room(cluster)
    bob.node._broker.hold("join")  # type: ignore[attr-defined]  a LateBroker
    lose_list(cluster)
    await asyncio.sleep(SETTLE_S)
    await bob.node.close()
    cluster.nodes.remove(bob.node)
    await asyncio.sleep(1)
    assert ann.client.types() == ["left"]


@in_a_cluster
async def test_list_is_not_read_for_each_entry_that_is_made_in_it(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    for number in range(300):
        cluster.visitor(node, f"u{number}").ask(type="subscribe", channel="presence-c")
    await until(lambda: "presence-c" in node._hub.channels)
    await until(lambda: node._hub.channels["presence-c"].subscribers == 300)
    await asyncio.sleep(1)
    broker.calls.clear()
    before = remaking.DOUBTED_AT_ONCE
    try:
        remaking.DOUBTED_AT_ONCE = 10
        lose_list(cluster)
        await asyncio.sleep(3 * SETTLE_S)
    finally:
        remaking.DOUBTED_AT_ONCE = before
    assert broker.calls.count("join") == 300
    assert broker.calls.count("members") <= 3
