"""Orders to all nodes, as a node obeys them."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from river_cluster import Cluster, Visitor, in_a_cluster, live, turns
from river_feed import until

from riverd.channels.names import CONTROL
from riverd.model.log import Position
from riverd.model.orders import Order, OrderKind, Standing, StandingKind
from riverd.node.control import UNCONFIRMED_S_MAX
from riverd.node.node import Node
from riverd.node.waiting import HELD_MAX

DISCONNECT = Order("d", OrderKind.DISCONNECT, user="ann")


async def order(cluster: Cluster, given: Order) -> None:
    await cluster.publisher.control.order(given)


def is_closed(visitor: Visitor) -> bool:
    return visitor.session.closed


async def cut_off(node: Node) -> None:
    """Until the node takes no token any more."""
    await asyncio.sleep(UNCONFIRMED_S_MAX + 2)
    assert not node.control.is_confirmed


@in_a_cluster
async def test_an_order_that_was_missed_is_obeyed_after_the_mend(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    broker.cut = True
    listeners, cluster.board.listeners = cluster.board.listeners, {}
    await order(cluster, DISCONNECT)
    await cut_off(node)
    assert not is_closed(ann)
    cluster.board.listeners = listeners
    broker.cut = False
    await until(lambda: is_closed(ann))
    assert ann.client.closed == (4403, "disconnected by the back end")


@in_a_cluster
async def test_who_comes_after_an_order_is_not_concerned(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    await order(cluster, DISCONNECT)
    await until(lambda: node.control.position is not None and node.control.position.offset == 1)
    ann = cluster.visitor(node)
    # It reads the order once more, without knowing that it has obeyed it.
    assert node.control.position is not None
    node.control._recent.clear()
    node.control._move_to(Position(node.control.position.epoch, 0))
    node.control.confirm_soon()
    await asyncio.sleep(3)
    assert not is_closed(ann)


@in_a_cluster
async def test_a_token_waits_with_what_follows_it_while_orders_may_be_missed(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    broker.cut = True
    await cut_off(node)
    ann = cluster.stranger(node)
    ann.ask(type="auth", id=1, token="ann")
    ann.ask(type="subscribe", id=2, channel="c")
    ann.ask(type="ping", id=3)
    assert ann.client.types() == ["pong"]
    broker.cut = False
    await until(lambda: ann.client.types() == ["pong", "authenticated", "subscribed"])


@in_a_cluster
async def test_a_token_waits_until_the_orders_of_another_history_are_known(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    assert node.control.is_confirmed
    broker.cut, broker.term = True, 1
    ann = cluster.stranger(node)
    ann.ask(type="auth", id=1, token="ann")
    assert ann.client.types() == []
    node.control.confirm_soon()
    await turns()
    assert not node.control.is_confirmed
    broker.cut = False
    await ann.told("authenticated")


@in_a_cluster
async def test_who_sends_too_much_while_its_token_waits_is_closed(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    broker.cut = True
    await cut_off(node)
    ann = cluster.stranger(node)
    ann.ask(type="auth", id=1, token="ann")
    for number in range(HELD_MAX + 1):
        if not is_closed(ann):
            ann.ask(type="presence", id=number, channel="presence-c")
    assert ann.client.closed is not None
    assert ann.client.closed[0] == 4429
    bob = cluster.stranger(node)
    bob.ask(type="auth", id=1, token="bob")
    bob.leave()
    assert node.authentication.waiting.held == {}


@in_a_cluster
async def test_a_node_whose_place_the_log_no_longer_has_moves_its_clients(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    broker.cut = True
    listeners, cluster.board.listeners = cluster.board.listeners, {}
    await order(cluster, Order("1", OrderKind.BLOCK, user="bob"))
    for number in range(3):
        await order(cluster, Order(f"o{number}", OrderKind.DISCONNECT, user="cid"))
    log = cluster.store._logs[CONTROL]
    while len(log.entries) > 1:
        log.entries.popleft()
    cluster.board.listeners = listeners
    broker.cut = False
    await until(lambda: is_closed(ann))
    assert ann.client.closed is not None
    assert ann.client.closed[0] == 4503
    assert [one.user for one in node.control.revocations.all()] == ["bob"]


@in_a_cluster
async def test_what_the_broker_lost_it_is_given_back_and_others_learn_it(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await order(cluster, Order("1", OrderKind.BLOCK, 5.0, user="bob"))
    await until(lambda: len(node.control.revocations) == 1)
    cluster.begin_again(CONTROL)
    cluster.store._standings.clear()
    fresh, _ = await cluster.node()
    await until(lambda: len(cluster.store.standings()) == 1)
    await until(lambda: len(fresh.control.revocations) == 1)
    # Nothing can have been missed: the new log was read from its beginning.
    assert not is_closed(ann)


@in_a_cluster
async def test_what_is_given_back_while_a_node_reads_what_is_in_force_is_read_too(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    read, entered, may_end = broker.control.standings, asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[Sequence[Standing]]:
        found = [some async for some in read()]
        entered.set()
        await may_end.wait()
        for some in found:
            yield some

    broker.control.standings = slow  # type: ignore[method-assign]
    await order(cluster, Order("1", OrderKind.RELOAD))
    await entered.wait()
    bob = Standing(StandingKind.BLOCKED, "bob", 5.0)
    await cluster.publisher.control.give_back([bob], reload=Order("2", OrderKind.RELOAD))
    await turns()
    may_end.set()
    await until(lambda: [one.user for one in node.control.revocations.all()] == ["bob"])


@in_a_cluster
async def test_a_user_is_taken_out_of_a_channel(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    await live(ann)
    await live(bob)
    await order(cluster, Order("1", OrderKind.REMOVE, user="ann", channel="c"))
    await turns()
    assert ann.client.take() == [{"type": "unsubscribed", "channel": "c", "reason": "removed"}]
    cluster.publish()
    await bob.told("event")
    assert ann.client.take() == []
    # The token still grants it.
    await live(ann)


@in_a_cluster
async def test_an_order_of_a_newer_river_is_passed_over(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    cluster.truth.pop(CONTROL, None)
    cluster.publish(CONTROL)
    await order(cluster, DISCONNECT)
    ann = cluster.visitor(node)
    await order(cluster, Order("e", OrderKind.DISCONNECT, user="ann"))
    await until(lambda: is_closed(ann))


@in_a_cluster
async def test_an_order_that_the_broker_lost_reaches_who_was_cut_off_from_another_node(
    cluster: Cluster,
) -> None:
    near, near_broker = await cluster.node()
    far, far_broker = await cluster.node()
    ann = cluster.visitor(far)
    far_broker.cut = True
    await far_broker._inner.unsubscribe(CONTROL)
    await order(cluster, DISCONNECT)
    await until(lambda: DISCONNECT.id in near.control._recent)
    cluster.begin_again(CONTROL)
    cluster.store._keys.clear()
    await far_broker._inner.subscribe(CONTROL)
    far_broker.cut = False
    await until(lambda: is_closed(ann))
    # Who comes after that is not concerned by what is given back.
    assert not near_broker.cut
    bob = cluster.visitor(far, "ann")
    await asyncio.sleep(5)
    assert not is_closed(bob)


@in_a_cluster
async def test_an_order_that_the_broker_lost_twice_reaches_who_was_cut_off_all_the_time(
    cluster: Cluster,
) -> None:
    near, _ = await cluster.node()
    far, far_broker = await cluster.node()
    ann = cluster.visitor(far)
    far_broker.cut = True
    await far_broker._inner.unsubscribe(CONTROL)
    await order(cluster, DISCONNECT)
    await until(lambda: DISCONNECT.id in near.control._recent)
    for _ in range(2):
        cluster.begin_again(CONTROL)
        cluster.store._keys.clear()
        await until(lambda: (CONTROL, DISCONNECT.id) in cluster.store._keys)
    await far_broker._inner.subscribe(CONTROL)
    far_broker.cut = False
    await until(lambda: is_closed(ann))
