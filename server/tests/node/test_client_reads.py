"""What clients read is shared, in turn, and has a budget in bytes; so has what they send others."""

import asyncio
from functools import partial

from river_cluster import Cluster, in_a_cluster, live, turns

from riverd.channels.rules import ChannelRules
from riverd.core.budget import Budget
from riverd.model.log import Message
from riverd.node.client_reads import READS_AT_ONCE_MAX, WAITING_MAX

MEBIBYTE = 2**20
WIDE = ChannelRules(history_size=100, history_ttl_s=300, history_bytes=100 * MEBIBYTE)


def fill(cluster: Cluster, channel: str, *, size: int, times: int) -> None:
    for number in range(times):
        message = Message(channel, "e", b'"%b"' % (b"x" * size), key=f"{channel} {number}")
        cluster.store.publish(message, cluster.loop.time())


@in_a_cluster
async def test_clients_that_read_the_same_cause_one_call(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    cluster.publish("elsewhere", times=3)
    many = [cluster.visitor(node, f"user-{number}") for number in range(50)]
    broker.hold("read")
    for one in many:
        one.ask(type="history", id=1, channel="elsewhere")
    await turns()
    broker.let("read")
    for one in many:
        [answer] = await one.told("history")
        assert [entry["offset"] for entry in answer["publications"]] == [1, 2, 3]
    assert broker.calls.count("read") == 1


@in_a_cluster
async def test_clients_that_read_the_same_of_a_broker_that_is_away_are_all_answered(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    many = [cluster.visitor(node, f"user-{number}") for number in range(5)]
    broker.hold("read")
    for one in many:
        one.ask(type="history", id=1, channel="elsewhere")
    await turns()
    broker.cut = True
    broker.let("read")
    for one in many:
        [answer] = await one.told("error")
        assert (answer["id"], answer["code"]) == (1, "broker_unavailable")
    broker.cut = False
    many[0].ask(type="history", id=2, channel="elsewhere")
    assert (await many[0].told("history"))[0]["id"] == 2


@in_a_cluster
async def test_one_client_has_one_read_under_way_and_all_together_have_few(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    greedy = cluster.visitor(node, "greedy")
    broker.hold("read")
    for number in range(20):
        greedy.ask(type="history", id=number, channel=f"c{number}")
    await turns()
    assert broker.calls.count("read") == 1
    others = [cluster.visitor(node, f"user-{number}") for number in range(20)]
    for number, one in enumerate(others):
        one.ask(type="history", id=1, channel=f"d{number}")
    await turns()
    assert broker.calls.count("read") == READS_AT_ONCE_MAX
    broker.let("read")
    assert [one["id"] for one in await greedy.told(*["history"] * 20)] == list(range(20))
    for one in others:
        await one.told("history")


@in_a_cluster
async def test_a_client_that_asks_for_more_than_can_wait_is_refused(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    greedy = cluster.visitor(node, "greedy")
    broker.hold("read")
    for number in range(WAITING_MAX + 1):
        greedy.ask(type="history", id=number, channel=f"c{number}")
    [refused] = await greedy.told("error")
    assert (refused["id"], refused["code"]) == (WAITING_MAX, "too_fast")
    await turns()
    greedy.leave()
    broker.let("read")
    await turns()
    # It left: what it still waited for is not read.
    assert broker.calls.count("read") == 1


@partial(in_a_cluster, rules=WIDE)
async def test_a_client_is_given_so_many_bytes_and_more_with_time(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    fill(cluster, "large", size=MEBIBYTE, times=9)
    reader, other = cluster.visitor(node, "reader"), cluster.visitor(node, "other")
    for number in range(3):
        reader.ask(type="history", id=number, channel="large")
    told = await reader.told("history", "history", "error")
    assert (told[2]["id"], told[2]["code"]) == (2, "too_fast")
    assert broker.calls.count("read") == 2
    other.ask(type="history", id=1, channel="large")
    await other.told("history")
    await asyncio.sleep(2)
    reader.ask(type="history", id=3, channel="large")
    await reader.told("history")


@in_a_cluster
async def test_what_a_publication_makes_a_node_send_has_a_budget(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    subscribers = [cluster.visitor(node, f"user-{number}") for number in range(40)]
    for one in subscribers:
        await live(one)
    publisher, other = cluster.visitor(node, "publisher"), cluster.visitor(node, "other")
    data = "x" * 2**20
    for number in range(5):
        publisher.ask(type="publish", id=number, channel="c", event="e", data=data)
    told = await publisher.told("error", *["published"] * 4)
    assert (told[0]["id"], told[0]["code"]) == (4, "too_fast")
    other.ask(type="publish", id=1, channel="c", event="e", data=1)
    await other.told("published")
    # A channel that nobody on this node is subscribed to makes it send nothing.
    await asyncio.sleep(3)
    publisher.ask(type="publish", id=5, channel="c", event="e", data=data)
    await publisher.told("published")


def test_a_budget_is_overdrawn_once_and_comes_back_with_time_up_to_its_burst() -> None:
    budget = Budget(10, 100, now=0)
    assert not budget.is_spent(0)
    budget.take(150, now=0)
    assert budget.is_spent(5)
    assert not budget.is_spent(6)
    budget.take(1, now=1_000)
    budget.take(98, now=1_000)
    assert not budget.is_spent(1_000)
    budget.take(1, now=1_000)
    assert budget.is_spent(1_000)
