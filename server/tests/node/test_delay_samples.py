"""How long publications take to the sockets, measured of one now and then."""

import asyncio

from river_cluster import Cluster, in_a_cluster, turns

from riverd.errors import BrokerError
from riverd.node.delay_samples import EVERY_S, DelaySamples
from riverd.node.node import Node


class AgedBroker:
    """A broker that has had everything for a while, or is away."""

    def __init__(self, age_s: float | None) -> None:
        self.age: float | None = age_s
        self.asked: list[tuple[str, int]] = []
        self.is_away = False

    async def age_s(self, channel: str, offset: int) -> float | None:
        self.asked.append((channel, offset))
        if self.is_away:
            raise BrokerError("away")
        return self.age


def sampling(
    cluster: Cluster, node: Node, broker: AgedBroker
) -> tuple[DelaySamples, asyncio.Task[None]]:
    samples = DelaySamples(node.flushes, broker.age_s, clock=cluster.loop.time)
    return samples, asyncio.create_task(samples.take_always())


@in_a_cluster
async def test_first_publication_of_a_flush_is_measured_and_then_none_for_a_second(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    ann.ask(type="subscribe", id=1, channel="a")
    await ann.told("subscribed")
    broker = AgedBroker(0.25)
    samples, task = sampling(cluster, node, broker)
    await turns()
    for _ in range(3):
        cluster.publish("a")
    await ann.told("event", "event", "event")
    await turns()
    assert broker.asked == [("a", 1)]
    assert (samples.count, samples.seconds) == (1, 0.25)
    cluster.publish("a")
    await ann.told("event")
    assert samples.count == 1
    await asyncio.sleep(EVERY_S)
    await turns()
    cluster.publish("a")
    await ann.told("event")
    await turns()
    assert broker.asked == [("a", 1), ("a", 5)]
    task.cancel()


@in_a_cluster
async def test_flushes_that_send_no_publication_are_not_measured(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    cluster.publish("presence-a")
    broker = AgedBroker(9.0)
    _, task = sampling(cluster, node, broker)
    await turns()
    for user in ("ann", "bob"):
        visitor = cluster.visitor(node, user)
        visitor.ask(type="subscribe", id=1, channel="presence-a", history=1)
        await asyncio.sleep(1)
    assert broker.asked == []
    task.cancel()


@in_a_cluster
async def test_what_the_broker_does_not_know_counts_for_nothing(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    ann.ask(type="subscribe", id=1, channel="a")
    await ann.told("subscribed")
    broker = AgedBroker(None)
    samples, task = sampling(cluster, node, broker)
    for is_away in (False, True):
        broker.is_away = is_away
        await turns()
        cluster.publish("a")
        await ann.told("event")
        await asyncio.sleep(2 * EVERY_S)
    assert len(broker.asked) == 2
    assert (samples.count, samples.seconds) == (0, 0.0)
    assert not task.done()
    task.cancel()
