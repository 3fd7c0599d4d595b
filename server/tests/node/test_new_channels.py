"""How many names a client may bring up, on however many connections one after the other."""

import asyncio

from river_cluster import Cluster, Visitor, in_a_cluster
from river_wire import Client, session_of

from riverd.core.budget import KeyedBudgets
from riverd.core.session_limits import SessionLimits
from riverd.core.tab import Tab
from riverd.node.new_channels import NEW_AT_ONCE_S, PAGES_AT_ONCE, PAGES_RATE
from riverd.node.node import Node

NEW_AT_ONCE = 3
FEW = SessionLimits(rate=1e9, user_rate=1e9, new_channels_rate=NEW_AT_ONCE / NEW_AT_ONCE_S)
A_NEW_ONE_S = NEW_AT_ONCE_S / NEW_AT_ONCE + 1


async def comes(cluster: Cluster, node: Node, limits: SessionLimits, user: str | None) -> Visitor:
    visitor = cluster.stranger(node)
    visitor.session.limits = limits
    if user is not None:
        visitor.ask(type="auth", token=user)
        await visitor.told("authenticated")
    return visitor


async def published(visitor: Visitor, channel: str, **fields: object) -> str:
    """`published`, or the code of the error."""
    visitor.client.take()
    visitor.ask(type="publish", id=1, channel=channel, event="e", data=1, **fields)
    await asyncio.sleep(1)
    [answer] = [one for one in visitor.client.take() if one.get("id") == 1]
    return str(answer.get("code") or answer["type"])


async def subscribed(visitor: Visitor, channel: str) -> str:
    """`subscribed`, or the code of the error."""
    visitor.client.take()
    visitor.ask(type="subscribe", id=1, channel=channel)
    await asyncio.sleep(1)
    [answer] = [one for one in visitor.client.take() if one.get("id") == 1]
    return str(answer.get("code") or answer["type"])


@in_a_cluster
async def test_publications_begin_so_many_channels_and_no_more(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann, bob = [await comes(cluster, node, FEW, user) for user in ("ann", "bob")]
    for number in range(NEW_AT_ONCE):
        # Only the first one of a channel costs anything.
        for _ in range(3 if number == 0 else 1):
            assert await published(ann, f"c{number}") == "published"
    assert await published(ann, "more") == "too_fast"
    assert await published(bob, "more") == "published"
    assert await subscribed(ann, "more") == "subscribed"
    assert await published(ann, "more") == "published"
    await asyncio.sleep(A_NEW_ONE_S)
    assert await published(ann, "another") == "published"


@in_a_cluster
async def test_events_that_no_log_keeps_begin_as_many_channels(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann, bob = [await comes(cluster, node, FEW, user) for user in ("ann", "bob")]
    for number in range(NEW_AT_ONCE):
        # Only the first one of a channel costs anything, although none has an offset.
        for _ in range(3 if number == 0 else 1):
            assert await published(ann, f"c{number}", keep=False) == "published"
    assert await published(ann, "more", keep=False) == "too_fast"
    assert await published(bob, "more", keep=False) == "published"


@in_a_cluster
async def test_new_channels_are_a_users_and_not_a_connections(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    for number in range(NEW_AT_ONCE):
        ann = await comes(cluster, node, FEW, "ann")
        assert await published(ann, f"c{number}") == "published"
        ann.leave()
    ann = await comes(cluster, node, FEW, "ann")
    assert await published(ann, "more") == "too_fast"


@in_a_cluster
async def test_channels_may_be_visited_one_after_the_other_but_not_for_ever(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    limits = SessionLimits(rate=0.01, user_rate=1e9, user_channels_max=NEW_AT_ONCE)
    for number in range(NEW_AT_ONCE):
        ann = await comes(cluster, node, limits, "ann")
        assert await subscribed(ann, f"c{number}") == "subscribed"
        ann.leave()
    ann = await comes(cluster, node, limits, "ann")
    assert await subscribed(ann, "more") == "too_fast"
    bob = await comes(cluster, node, limits, "bob")
    assert await subscribed(bob, "more") == "subscribed"
    # The node has it already: it costs the broker nothing.
    assert await subscribed(ann, "more") == "subscribed"


@in_a_cluster
async def test_who_connects_again_has_what_was_left_of_its_budgets(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    limits = SessionLimits(rate=1e-6, user_rate=1e-6, user_channels_max=10)
    for _ in range(2):
        ann = await comes(cluster, node, limits, "ann")
        for number in range(5):
            ann.ask(type="ping", id=number)
        assert ann.client.closed is None
        ann.leave()
    ann = await comes(cluster, node, limits, "ann")
    ann.ask(type="ping", id=6)
    assert ann.client.closed is not None
    assert ann.client.closed[0] == 4429


def test_budgets_that_are_full_again_are_forgotten() -> None:
    budgets = KeyedBudgets(rate=1, burst=2)
    for second in range(1_000):
        budgets.take(second, now=second)
    assert len(budgets) <= 3
    # One with a debt does not keep the others.
    for _ in range(1_000):
        budgets.take("busy", now=1_000)
    for second in range(1_000, 1_100):
        budgets.take(second, now=second)
    assert len(budgets) <= 5
    assert budgets.is_spent("busy", now=1_100)


@in_a_cluster
async def test_an_address_has_so_many_pages_and_no_more(cluster: Cluster) -> None:
    node, _ = await cluster.node()

    def page(number: int, address: str | None) -> Client:
        client = Client()
        session = session_of(client)
        session.tab = Tab(f"1:{number}", f"s{number}", is_new=True)
        node.opened(session, address=address)
        return client

    pages = [page(number, "192.0.2.1") for number in range(int(PAGES_AT_ONCE))]
    surplus, other, unknown = page(1, "192.0.2.1"), page(2, "192.0.2.2"), page(3, None)
    await asyncio.sleep(0.1)
    assert surplus.closed == (4503, "too many pages of one address")
    assert all(one.closed is None for one in (*pages, other, unknown))
    await asyncio.sleep(2 / PAGES_RATE)
    assert page(4, "192.0.2.1").closed is None
