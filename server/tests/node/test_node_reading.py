"""A node reads again what it missed: the design's traps 4 to 7, and a broker that is away."""

import asyncio

from river_cluster import COMPARE_S, Cluster, in_a_cluster, live, lose, turns
from river_late_broker import Calm

from riverd.model.log import Member, Position, Publication, Tail

# Trap 4: a client that comes from a node that was ahead.


@in_a_cluster
async def test_a_client_that_is_ahead_waits_and_hears_nothing_twice(cluster: Cluster) -> None:
    ahead, _ = await cluster.node()
    late, broker = await cluster.node()
    ann, bob = cluster.visitor(ahead, "ann"), cluster.visitor(late, "bob")
    await live(ann)
    await live(bob)
    broker.hold("feed")
    at = cluster.publish(times=3)
    await ann.told("event", "event", "event")
    ann.leave()
    again = cluster.visitor(late, "ann")
    again.ask(type="subscribe", channel="c", epoch=at.epoch, offset=3)
    [told] = await again.told("subscribed")
    assert (told["recovered"], told["offset"]) == (True, 3)
    cluster.publish()
    broker.let("feed")
    assert [one["offset"] for one in await again.told("event")] == [4]
    assert [one["offset"] for one in await bob.told(*["event"] * 4)] == [1, 2, 3, 4]


@in_a_cluster
async def test_a_client_that_claims_what_nobody_published_is_told_so(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    at = cluster.publish(times=3)
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    await live(ann)
    bob.ask(type="subscribe", channel="c", epoch=at.epoch, offset=4)
    [told] = await bob.told("subscribed")
    assert (told["recovered"], told["reason"], told["offset"]) == (False, "unknown", 3)


@in_a_cluster
async def test_a_client_that_is_ahead_waits_until_the_broker_is_back(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    await live(ann)
    broker.hold("feed")
    at = cluster.publish(times=3)
    broker.cut = True
    bob.ask(type="subscribe", channel="c", epoch=at.epoch, offset=3)
    await asyncio.sleep(30)
    assert bob.client.told == []
    broker.cut = False
    [told] = await bob.told("subscribed")
    assert told["recovered"] is True
    broker.let("feed")


# Trap 5: a read can be older than what is known.


@in_a_cluster
async def test_a_read_that_the_feed_overtook_takes_nothing_back(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    lose(cluster, 1)
    broker.hold("read answer")
    cluster.publish()
    await turns()
    cluster.publish(times=2)
    await turns()
    broker.let("read answer")
    told = await ann.told(*["event"] * 4)
    assert [one["offset"] for one in told] == [1, 2, 3, 4]


@in_a_cluster
async def test_a_read_that_is_older_than_the_feed_is_done_again(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    cluster.publish(times=2)
    await ann.told("event", "event")
    for known in (2, 0):
        old = await cluster.publisher.read("c")
        lose(cluster, 1)
        broker.old_tails += [Tail(old.position, old.publications[:known])] * 2
        offset = cluster.publish().offset
        told = await ann.told("event", "event")
        assert [one["offset"] for one in told] == [offset - 1, offset]


@in_a_cluster
async def test_a_read_that_is_older_than_the_log_is_no_loss(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    cluster.publish(times=2)
    old = await cluster.publisher.read("c")
    cluster.publish(times=2)
    await ann.told(*["event"] * 4)
    lose(cluster, 1)
    broker.old_tails += [old, old]
    cluster.publish()
    told = await ann.told("event", "event")
    assert [one["offset"] for one in told] == [5, 6]


# Trap 6: a last publication that is lost has no follower.


@in_a_cluster
async def test_a_hole_in_the_feed_is_filled_before_what_follows(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    lose(cluster, 3)
    cluster.publish()
    told = await ann.told(*["event"] * 4)
    assert [one["offset"] for one in told] == [1, 2, 3, 4]


@in_a_cluster
async def test_a_hole_larger_than_the_window_is_told(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    lose(cluster, 60)
    at = cluster.publish()
    [gap] = await ann.told("gap")
    assert (gap["epoch"], gap["offset"]) == (at.epoch, 61)
    cluster.publish()
    assert [one["offset"] for one in await ann.told("event")] == [62]


@in_a_cluster
async def test_a_lost_last_publication_is_found_in_time(cluster: Cluster) -> None:
    node, broker = await cluster.node(compare_s=COMPARE_S)
    ann = cluster.visitor(node)
    await live(ann)
    lose(cluster, 1)
    lost_at = cluster.loop.time()
    await ann.told("event")
    assert cluster.loop.time() - lost_at <= 5
    quiet = cluster.visitor(node)
    await live(quiet, "other")
    before = broker.calls.count("positions")
    await asyncio.sleep(COMPARE_S * 10)
    assert broker.calls.count("positions") - before <= 11


@in_a_cluster
async def test_a_lost_join_is_found_in_time(cluster: Cluster) -> None:
    node, _ = await cluster.node(compare_s=COMPARE_S)
    ann = cluster.visitor(node)
    await live(ann, "presence-c")
    cluster.store.join("presence-c", "elsewhere", Member("bob"))
    [told] = await ann.told("joined")
    assert told["user"] == "bob"


@in_a_cluster
async def test_after_an_interruption_positions_are_compared_at_once(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    lose(cluster, 2)
    before = cluster.loop.time()
    node.on_interrupted()
    await ann.told("event", "event")
    assert cluster.loop.time() - before < 0.1


@in_a_cluster
async def test_channel_that_is_read_while_the_feed_is_away_is_read_again(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    broker.hold("read answer")
    ann.ask(type="subscribe", channel="c")
    await asyncio.sleep(1)
    lose(cluster, 1)
    node.on_interrupted()
    await asyncio.sleep(1)
    broker.let("read answer")
    before = cluster.loop.time()
    await ann.told("subscribed", "event")
    assert cluster.loop.time() - before < 0.1


@in_a_cluster
async def test_a_comparison_survives_a_broker_that_is_away(cluster: Cluster) -> None:
    node, broker = await cluster.node(compare_s=COMPARE_S)
    ann = cluster.visitor(node)
    await live(ann)
    broker.cut = True
    await asyncio.sleep(COMPARE_S * 5)
    lose(cluster, 1)
    broker.cut = False
    await ann.told("event")


@in_a_cluster
async def test_a_comparison_reads_nothing_again_while_all_is_well(cluster: Cluster) -> None:
    node, broker = await cluster.node(compare_s=COMPARE_S)
    ann = cluster.visitor(node)
    await live(ann, "presence-c")
    reads, lists = broker.calls.count("read"), broker.calls.count("members")
    broker.hold("positions answer")
    await asyncio.sleep(COMPARE_S)
    cluster.publish("presence-c")
    await cluster.publisher.join("presence-c", Member("bob"))
    await ann.told("event", "joined")
    broker.let("positions answer")
    await asyncio.sleep(COMPARE_S * 5)
    assert (broker.calls.count("read"), broker.calls.count("members")) == (reads, lists)


# Trap 7: after an await, is the answer still wanted?


@in_a_cluster
async def test_a_session_that_left_meanwhile_gets_no_answer(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    for held in ("read", "publish", "members", "join"):
        broker.hold(held)
    ann.ask(type="subscribe", channel="presence-c")
    ann.ask(type="history", channel="d")
    ann.ask(type="publish", channel="d", event="e")
    ann.ask(type="presence", channel="presence-d")
    await turns()
    ann.leave()
    for held in ("read", "publish", "members", "join"):
        broker.let(held)
    await asyncio.sleep(30)
    assert ann.client.told == []
    assert list(node.attachments) == []
    assert cluster.store.roster("presence-c").members == {}


@in_a_cluster
async def test_one_that_came_back_before_it_was_live_is_answered_once(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    broker.hold("read")
    ann.ask(type="subscribe", id=1, channel="c")
    await turns()
    ann.ask(type="unsubscribe", id=2, channel="c")
    ann.ask(type="subscribe", id=3, channel="c")
    broker.let("read")
    told = await ann.told("error", "unsubscribed", "subscribed")
    assert [one["id"] for one in told] == [1, 2, 3]
    cluster.publish()
    await ann.told("event")


# A broker that is away.


@in_a_cluster
async def test_what_cannot_be_published_is_refused(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    broker.cut = True
    ann = cluster.visitor(node)
    ann.ask(type="publish", id=1, channel="c", event="e", data=1)
    ann.ask(type="history", id=2, channel="c")
    ann.ask(type="presence", id=3, channel="presence-c")
    told = await ann.told("error", "error", "error")
    assert [one["id"] for one in told] == [1, 2, 3]
    assert {one["code"] for one in told} == {"broker_unavailable"}
    assert ann.client.closed is None


@in_a_cluster
async def test_a_subscriber_waits_until_the_broker_is_there(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    broker.cut = True
    ann = cluster.visitor(node)
    ann.ask(type="subscribe", channel="presence-c")
    await asyncio.sleep(60)
    assert ann.client.told == []
    assert len(broker.calls) < 200
    broker.cut = False
    back_at = cluster.loop.time()
    await ann.told("subscribed")
    assert cluster.loop.time() - back_at < 5


@in_a_cluster
async def test_while_the_broker_is_away_a_repair_waits(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    lose(cluster, 2)
    broker.cut = True
    cluster.publish()
    await asyncio.sleep(60)
    assert ann.client.told == []
    assert len(broker.calls) < 200
    broker.cut = False
    await ann.told("event", "event", "event")


@in_a_cluster
async def test_a_log_that_began_again_is_told_as_a_gap(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    cluster.publish(times=3)
    await ann.told("event", "event", "event")
    cluster.begin_again()
    at = cluster.publish()
    [gap] = await ann.told("gap")
    assert (gap["epoch"], gap["offset"]) == (at.epoch, 1)
    cluster.publish()
    assert (await ann.told("event"))[0]["offset"] == 2


# Older data under the same epoch: positions went back, and are given twice.


def go_back(cluster: Cluster, count: int) -> None:
    """The broker forgets the newest publications, and that it gave their positions."""
    log = cluster.store._logs["c"]
    log.offset -= count
    for _ in range(count):
        log.entries.pop()


@in_a_cluster
async def test_a_log_that_went_back_begins_again_while_nothing_is_published(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node(compare_s=COMPARE_S)
    ann = cluster.visitor(node)
    await live(ann)
    at = cluster.publish(times=5)
    await ann.told(*["event"] * 5)
    go_back(cluster, 3)
    await asyncio.sleep(2 * COMPARE_S)
    [gap] = await ann.told("gap")
    assert (gap["epoch"] != at.epoch, gap["offset"]) == (True, 0)
    cluster.publish()
    assert [one["offset"] for one in await ann.told("event")] == [1]


@in_a_cluster
async def test_a_position_that_is_given_twice_is_no_known_publication(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    at = cluster.publish(times=5)
    await ann.told(*["event"] * 5)
    go_back(cluster, 3)
    # The log passes what this node has before positions are compared.
    again = cluster.publish(times=4)
    assert again == Position(at.epoch, 6)
    [gap] = await ann.told("gap")
    assert gap["epoch"] != at.epoch


@in_a_cluster
async def test_what_an_old_master_announced_is_read_for_until_the_log_is_healed(
    cluster: Cluster,
) -> None:
    """A log that goes on in the next term without it would be read for ever."""

    class Prompt(Calm):
        def turns(self) -> int:
            return 1

    node, broker = await cluster.node(weather=Prompt())
    ann = cluster.visitor(node, "ann")
    await live(ann)
    at = cluster.publish(times=3)
    await ann.told("event", "event", "event")
    cluster.board.event("c", at.epoch, event=Publication(10, "e", b'"of an old master"'))
    await turns()
    reads = broker.calls.count("read")
    await turns()
    assert broker.calls.count("read") > reads
    broker.term += 1
    await asyncio.sleep(5)
    reads = broker.calls.count("read")
    await asyncio.sleep(30)
    assert broker.calls.count("read") == reads
    cluster.publish()
    [told] = await ann.told("event")
    assert told["offset"] == 4
