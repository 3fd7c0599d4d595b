"""What concerns all channels of a node is done in portions: others have their turn in between."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from river_cluster import Cluster, in_a_cluster, turns
from river_time import in_no_time
from turn_tally import TurnTally

from riverd.broker.memory.store import Store
from riverd.channels.rules import ChannelRules
from riverd.errors import BrokerError, Reason
from riverd.gateway.draining import end_all, move
from riverd.model.log import Member, Position
from riverd.node.counts.reporting import RETRY_S, SubscriberCounts
from riverd.node.node import Node
from riverd.scheduling.portions import PORTION
from riverd.scheduling.tasks import Tasks

CHANNELS = 2_000
CALLS_MAX = PORTION + 100


async def with_channels(cluster: Cluster, prefix: str) -> tuple[Node, Any]:
    node, broker = await cluster.node(compare_s=None, idle_s=3_600)
    for number in range(CHANNELS):
        visitor = cluster.visitor(node, f"u{number}")
        visitor.ask(type="subscribe", channel=f"{prefix}{number}")
    while len(node._hub.channels) < CHANNELS:
        await asyncio.sleep(0.01)
    return node, broker


@in_a_cluster
async def test_a_broker_that_lost_its_data_is_read_a_few_channels_at_a_time(
    cluster: Cluster,
) -> None:
    node, broker = await with_channels(cluster, "c")
    for number in range(CHANNELS):
        cluster.begin_again(f"c{number}")
    tally, reading, most = TurnTally(), 0, 0
    read = broker.read

    async def counted_read(*arguments: Any, **options: Any) -> Any:
        nonlocal reading, most
        tally.count()
        reading += 1
        most = max(most, reading)
        try:
            return await read(*arguments, **options)
        finally:
            reading -= 1

    broker.read = counted_read
    node.on_interrupted()
    async with asyncio.timeout(60):
        while (
            not all(
                one.log.epoch == cluster.store._logs[one.name].epoch
                for one in node._hub.channels.values()
                if one.name in cluster.store._logs
            )
            or len(cluster.store._logs) < CHANNELS
        ):
            await asyncio.sleep(0.05)
    assert tally.end() <= CALLS_MAX
    assert most <= CALLS_MAX // 4
    assert len(tally.done) > CHANNELS // CALLS_MAX


@in_a_cluster
async def test_lost_presence_entries_are_made_again_some_at_a_time(cluster: Cluster) -> None:
    node, broker = await with_channels(cluster, "presence-")
    tally, joined = TurnTally(), set[str]()
    join = broker.join

    async def counted_join(channel: str, member: Member, *, limit: int | None = None) -> Position:
        tally.count()
        joined.add(channel)
        position: Position = await join(channel, member, limit=limit)
        return position

    broker.join = counted_join
    node.on_presence_lost()
    async with asyncio.timeout(60):
        while len(joined) < CHANNELS:
            await asyncio.sleep(0.05)
    assert tally.end() <= CALLS_MAX


@in_a_cluster
async def test_a_crowd_that_is_ahead_costs_one_more_read(cluster: Cluster) -> None:
    node, broker = await cluster.node(compare_s=None)
    at = cluster.publish(times=3)
    reads, read = 0, broker.read

    async def counted_read(*arguments: Any, **options: Any) -> Any:
        nonlocal reads
        reads += 1
        # As long as the rest of the crowd needs for its turn.
        await turns()
        return await read(*arguments, **options)

    broker.read = counted_read
    crowd = [cluster.visitor(node, f"u{number}") for number in range(PORTION + 10)]
    for number, visitor in enumerate(crowd):
        offset = at.offset + 1 if number < PORTION else at.offset
        visitor.ask(type="subscribe", channel="c", epoch=at.epoch, offset=offset)
    for visitor in crowd:
        await visitor.told("subscribed")
    await turns()
    assert reads == 2


class Mover:
    """A client that counts when it is asked to go, and is its own session."""

    def __init__(self, tally: TurnTally) -> None:
        self._tally = tally
        self.session: Any = self

    def ask_to_move(self, retry_after_ms: int) -> None:
        del retry_after_ms
        self._tally.count()

    def close(self, reason: Reason, text: str) -> None:
        del reason, text
        self._tally.count()


@in_no_time
async def test_a_stop_asks_and_closes_some_clients_at_a_time() -> None:
    tally = TurnTally()
    clients = [Mover(tally) for _ in range(CHANNELS)]
    await move(lambda: clients, drain_s=0)
    await end_all(clients)
    assert sum(tally.done.values()) == 2 * CHANNELS
    assert tally.end() <= CALLS_MAX


def test_a_store_expires_some_logs_at_a_time() -> None:
    rules = ChannelRules((), history_size=10, history_ttl_s=1)
    store = Store(rules, new_epoch=lambda: "e")
    for number in range(CHANNELS):
        store.read(f"c{number}", keep=True, now=0.0)
    turns = sum(1 for _ in store.expiring(1_000_000.0))
    assert turns >= CHANNELS // PORTION
    assert store._logs == {}


@in_no_time
async def test_a_report_that_failed_goes_on_with_the_counts_that_are_left() -> None:
    reported: list[str] = []
    failures = iter([False, True, False, False])

    async def report(counts: Mapping[str, int]) -> None:
        if next(failures):
            raise BrokerError("away")
        reported.extend(counts)

    tasks = Tasks(_raise)
    names = [f"c{number}" for number in range(3 * PORTION)]
    SubscriberCounts(report, tasks, count=lambda _name: 1).report(names)
    await asyncio.sleep(RETRY_S + 1)
    assert sorted(reported) == sorted(names)
    await tasks.close()


def _raise(error: BaseException) -> None:
    raise error


@in_no_time
async def test_the_counts_of_all_channels_are_looked_at_some_at_a_time() -> None:
    tally, at_broker = TurnTally(), dict[str, int]()

    async def to_broker(counts: Mapping[str, int]) -> None:
        at_broker.update(counts)

    def looked_at(names: Iterable[str]) -> Iterable[str]:
        for name in names:
            tally.count()
            yield name

    counts = SubscriberCounts(to_broker, Tasks(_raise), count=lambda _: 1)
    counts.report_all([f"c{number}" for number in range(CHANNELS)], channels_of=looked_at)
    async with asyncio.timeout(60):
        while len(at_broker) < CHANNELS:
            await asyncio.sleep(0.05)
    assert tally.end() <= CALLS_MAX


@in_a_cluster
async def test_all_clients_are_looked_at_some_at_a_time(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    for number in range(CHANNELS):
        cluster.visitor(node, f"u{number // 10}")
    tally, seen = TurnTally(), set[object]()
    async for some in node.users.in_portions():
        seen.update(some)
        for _ in some:
            tally.count()
    assert len(seen) == CHANNELS
    assert tally.end() <= CALLS_MAX
