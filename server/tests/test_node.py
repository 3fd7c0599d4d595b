"""A node between its sessions and a broker, and the seven traps of the design."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps

import pytest
from river_cluster import COMPARE_S, LINGER_S, Cluster, Visitor, turns
from river_feed import until
from river_time import in_no_time

from riverd.attachment import EARLY_MAX
from riverd.errors import CloseCode
from riverd.model import Claims, Grants, Member, Occupancy, Tail
from riverd.node import SWEEP_S


def in_a_cluster(
    test: Callable[[Cluster], Coroutine[None, None, None]],
) -> Callable[[], None]:
    """Give a test a cluster on a loop that does not wait; nothing may fail in the background."""

    async def run() -> None:
        cluster = Cluster()
        await test(cluster)
        await cluster.close()

    @wraps(test)
    def without_arguments() -> None:
        in_no_time(run)()

    del without_arguments.__wrapped__  # type: ignore[attr-defined]  pytest would look for fixtures
    return without_arguments


async def live(visitor: Visitor, channel: str = "c", **fields: object) -> None:
    """Subscribe and wait until it is so."""
    visitor.ask(type="subscribe", channel=channel, **fields)
    await until(lambda: "subscribed" in visitor.client.types())
    visitor.client.take()
    await turns()


# What sessions ask.


@in_a_cluster
async def test_subscribe_publish_and_hear(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    ann.ask(type="subscribe", id=1, channel="c")
    [subscribed] = await ann.told("subscribed")
    assert (subscribed["id"], subscribed["offset"], subscribed["recovered"]) == (1, 0, False)
    bob.ask(type="publish", id=2, channel="c", event="post", data={"a": 1})
    [published] = await bob.told("published")
    [event] = await ann.told("event")
    assert (published["id"], published["epoch"], published["offset"]) == (
        2,
        subscribed["epoch"],
        1,
    )
    assert event == {
        "type": "event",
        "channel": "c",
        "event": "post",
        "data": {"a": 1},
        "offset": 1,
        "user": "bob",
    }


@in_a_cluster
async def test_what_one_client_publishes_at_once_stays_in_order(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    for number in range(20):
        ann.ask(type="publish", channel="c", event="e", data=number)
    await until(lambda: len(ann.client.events()) == 20)
    assert [one["data"] for one in ann.client.told if one["type"] == "event"] == list(range(20))


@in_a_cluster
async def test_a_resume_gets_what_was_missed_and_then_the_live_feed(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    at = cluster.publish(times=5)
    ann = cluster.visitor(node)
    ann.ask(type="subscribe", channel="c", epoch=at.epoch, offset=2)
    told = await ann.told("subscribed", "event", "event", "event")
    assert told[0]["recovered"] is True
    assert told[0]["offset"] == 5
    assert [one["offset"] for one in told[1:]] == [3, 4, 5]
    cluster.publish()
    assert (await ann.told("event"))[0]["offset"] == 6


@pytest.mark.parametrize(
    ("epoch", "offset", "reason"),
    [("other", 1, "epoch"), (None, 1, "window"), (None, 99, "unknown")],
)
def test_a_resume_that_cannot_be_says_why_and_goes_on_from_now(
    epoch: str | None, offset: int, reason: str
) -> None:
    @in_a_cluster
    async def check(cluster: Cluster) -> None:
        node, _ = await cluster.node()
        at = cluster.publish(times=60)
        ann = cluster.visitor(node)
        ann.ask(type="subscribe", channel="c", epoch=epoch or at.epoch, offset=offset)
        [told] = await ann.told("subscribed")
        assert (told["recovered"], told["reason"]) == (False, reason)
        assert (told["epoch"], told["offset"]) == (at.epoch, 60)
        cluster.publish()
        assert (await ann.told("event"))[0]["offset"] == 61

    check()


@in_a_cluster
async def test_a_subscriber_can_have_the_last_events(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    cluster.publish(times=5)
    ann = cluster.visitor(node)
    ann.ask(type="subscribe", channel="c", history=2)
    told = await ann.told("subscribed", "event", "event")
    assert [one["offset"] for one in told[1:]] == [4, 5]


@in_a_cluster
async def test_a_thousand_that_come_together_cost_one_read(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    at = cluster.publish(times=5)
    visitors = [cluster.visitor(node, f"u{number}") for number in range(1_000)]
    for visitor in visitors:
        visitor.ask(type="subscribe", channel="c", epoch=at.epoch, offset=2)
    for visitor in visitors:
        await until(lambda visitor=visitor: visitor.client.events() == [3, 4, 5])
    assert broker.calls.count("read") == 1
    assert node.replicas.reads == 1


@in_a_cluster
async def test_history_comes_from_the_replica_where_there_is_one(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    at = cluster.publish(times=5)
    ann = cluster.visitor(node)
    asked = [
        ({}, [1, 2, 3, 4, 5]),
        ({"limit": 2}, [4, 5]),
        ({"epoch": at.epoch, "offset": 2}, [3, 4, 5]),
        ({"epoch": at.epoch, "offset": 2, "limit": 2}, [3, 4]),
        ({"epoch": at.epoch, "offset": 5}, []),
    ]
    for attached in (False, True):
        for fields, offsets in asked:
            ann.ask(type="history", id=6, channel="c", **fields)
            [told] = await ann.told("history")
            assert (told["id"], told["epoch"], told["offset"]) == (6, at.epoch, 5)
            assert [one["offset"] for one in told["publications"]] == offsets
        assert broker.calls.count("read") == len(asked) + attached
        if not attached:
            await live(ann)


@in_a_cluster
async def test_history_that_cannot_be_had_is_refused_with_its_reason(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    at = cluster.publish(times=60)
    ann = cluster.visitor(node)
    for attached in (False, True):
        for epoch, offset, reason in (
            ("other", 1, "epoch"),
            (at.epoch, 1, "window"),
            (at.epoch, 99, "unknown"),
        ):
            ann.ask(type="history", id=6, channel="c", epoch=epoch, offset=offset)
            [told] = await ann.told("error")
            assert (told["id"], told["code"], told["message"]) == (6, "unrecoverable", reason)
        if not attached:
            await live(ann)


@in_a_cluster
async def test_long_answers_are_refused_to_whom_does_not_read(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    cluster.publish(times=5)
    ann = cluster.visitor(node)
    node.blocked(ann.session)
    ann.ask(type="history", id=1, channel="c")
    ann.ask(type="presence", id=2, channel="presence-c")
    told = await ann.told("error", "error")
    assert {one["code"] for one in told} == {"too_fast"}


@in_a_cluster
async def test_a_user_is_disconnected_wherever_it_is(cluster: Cluster) -> None:
    one, _ = await cluster.node()
    two, _ = await cluster.node()
    anns = [cluster.visitor(one), cluster.visitor(one), cluster.visitor(two)]
    bob = cluster.visitor(one, "bob")
    await cluster.publisher.disconnect("ann")
    await until(lambda: all(ann.client.closed for ann in anns))
    assert {ann.client.closed[0] for ann in anns if ann.client.closed} == {CloseCode.DISCONNECTED}
    assert bob.client.closed is None
    assert one.sessions == {bob.session}


@in_a_cluster
async def test_leaving_before_a_token_and_leaving_twice_are_fine(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    ann.leave()
    ann.leave()
    stranger = cluster.visitor(node, "bad token")
    stranger.leave()
    assert node.sessions == set()


@in_a_cluster
async def test_the_broker_knows_how_many_hear_a_channel(cluster: Cluster) -> None:
    one, _ = await cluster.node()
    two, _ = await cluster.node()
    visitors = [cluster.visitor(node, f"u{n}") for n, node in enumerate((one, one, two))]
    for visitor in visitors:
        await live(visitor)
    await until(lambda: cluster.store.occupancy("c") == Occupancy(3))
    visitors[0].leave()
    visitors[2].ask(type="unsubscribe", channel="c")
    await until(lambda: cluster.store.occupancy("c") == Occupancy(1))
    visitors[1].leave()
    await until(lambda: cluster.store.occupied("") == {})


@in_a_cluster
async def test_a_count_that_changes_while_it_is_reported_is_reported_again(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    broker.hold("report")
    await live(ann)
    await live(bob)
    ann.leave()
    broker.let("report")
    await until(lambda: cluster.store.occupancy("c") == Occupancy(1))


@in_a_cluster
async def test_a_count_that_could_not_be_reported_is_reported_later(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    await until(lambda: cluster.store.occupancy("c") == Occupancy(1))
    broker.cut = True
    ann.ask(type="unsubscribe", channel="c")
    await asyncio.sleep(SWEEP_S * 2)
    broker.cut = False
    await until(lambda: cluster.store.occupancy("c") == Occupancy(0))


@in_a_cluster
async def test_a_channel_is_kept_for_a_while_after_its_last_subscriber(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    ann.ask(type="unsubscribe", channel="c")
    await asyncio.sleep(LINGER_S / 2)
    await live(ann)
    await asyncio.sleep(LINGER_S * 2)
    cluster.publish()
    await ann.told("event")
    assert broker.calls.count("subscribe") == 1
    ann.ask(type="unsubscribe", channel="c")
    await asyncio.sleep(LINGER_S * 2)
    assert broker.calls.count("unsubscribe") == 1
    assert cluster.board.listeners == {}
    assert node.replicas.channel("c") is None
    assert node.replicas._attachments == {}


@in_a_cluster
async def test_a_quiet_channel_keeps_its_log_while_somebody_hears_it(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    for _ in range(100):
        await asyncio.sleep(10)
        cluster.store.expire(cluster.loop.time())
    cluster.publish()
    await ann.told("event")


@in_a_cluster
async def test_a_node_that_is_closed_does_nothing_more(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await live(ann)
    ann.leave()
    await node.close()
    calls = list(broker.calls)
    await asyncio.sleep(LINGER_S * 10)
    assert broker.calls == calls


# Trap 1: subscribe and unsubscribe at the broker race.


@in_a_cluster
async def test_one_that_comes_while_the_channel_is_let_go_is_not_deaf(cluster: Cluster) -> None:
    node, broker = await cluster.node(linger_s=0)
    for held in ("unsubscribe", "unsubscribe answer"):
        ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
        await live(ann)
        broker.hold(held)
        ann.leave()
        await asyncio.sleep(1)
        bob.ask(type="subscribe", channel="c")
        await asyncio.sleep(1)
        broker.let(held)
        await bob.told("subscribed")
        cluster.publish()
        await bob.told("event")
        bob.leave()
        await asyncio.sleep(1)
        assert cluster.board.listeners == {}


@in_a_cluster
async def test_whoever_comes_and_goes_while_it_is_attached_leaves_nothing_behind(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node(linger_s=0)
    for held in ("subscribe", "subscribe answer", "read", "read answer"):
        broker.hold(held)
        ann = cluster.visitor(node)
        ann.ask(type="subscribe", id=1, channel="c")
        await turns()
        ann.ask(type="unsubscribe", id=2, channel="c")
        cancelled, _ = await ann.told("error", "unsubscribed")
        assert cancelled["code"] == "cancelled"
        await asyncio.sleep(1)
        broker.let(held)
        await asyncio.sleep(1)
        assert cluster.board.listeners == {}
        assert node.replicas._attachments == {}


@in_a_cluster
async def test_an_attachment_that_failed_half_way_leaves_nothing_behind(cluster: Cluster) -> None:
    node, broker = await cluster.node(linger_s=0)
    broker.hold("read")
    ann = cluster.visitor(node)
    ann.ask(type="subscribe", channel="c")
    await turns()
    assert cluster.board.listeners
    broker.cut = True
    broker.let("read")
    await turns()
    ann.leave()
    await asyncio.sleep(10)
    broker.cut = False
    await asyncio.sleep(10)
    assert cluster.board.listeners == {}
    assert node.replicas._attachments == {}


@in_a_cluster
async def test_one_that_comes_after_letting_go_failed_is_not_deaf(cluster: Cluster) -> None:
    node, broker = await cluster.node(linger_s=0)
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    await live(ann)
    broker.cut = True
    ann.leave()
    await asyncio.sleep(10)
    bob.ask(type="subscribe", channel="c")
    await asyncio.sleep(10)
    broker.cut = False
    await bob.told("subscribed")
    cluster.publish()
    await bob.told("event")


@in_a_cluster
async def test_letting_go_is_tried_until_it_succeeds(cluster: Cluster) -> None:
    node, broker = await cluster.node(linger_s=0)
    ann = cluster.visitor(node)
    await live(ann)
    broker.cut = True
    ann.leave()
    await asyncio.sleep(30)
    assert cluster.board.listeners
    broker.cut = False
    await asyncio.sleep(10)
    assert cluster.board.listeners == {}
    assert node.replicas._attachments == {}


@in_a_cluster
async def test_a_seat_that_is_given_up_does_not_forget_a_channel_on_its_way(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node(linger_s=0.5)
    ann, bob = cluster.visitor(node, "ann"), cluster.visitor(node, "bob")
    broker.hold("subscribe")
    ann.ask(type="subscribe", channel="presence-c")
    await turns()
    ann.ask(type="unsubscribe", channel="presence-c")
    await turns()
    bob.ask(type="subscribe", channel="presence-c")
    await turns()
    broker.let("subscribe")
    await bob.told("subscribed")
    await asyncio.sleep(10)
    cluster.publish("presence-c")
    await bob.told("event")
    assert broker.calls.count("subscribe") == 1


# Trap 2: a late joiner joins where its node stands.


@in_a_cluster
async def test_a_late_joiner_hears_what_is_in_flight_and_so_do_the_others(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    ann, bob, cat = (cluster.visitor(node, user) for user in ("ann", "bob", "cat"))
    await live(ann)
    broker.hold("feed")
    at = cluster.publish(times=3)
    bob.ask(type="subscribe", channel="c")
    [told] = await bob.told("subscribed")
    assert told["offset"] == 0
    cat.ask(type="subscribe", channel="c", epoch=at.epoch, offset=0)
    [told] = await cat.told("subscribed")
    assert (told["recovered"], told["offset"]) == (True, 0)
    broker.let("feed")
    for visitor in (ann, bob, cat):
        events = await visitor.told("event", "event", "event")
        assert [one["offset"] for one in events] == [1, 2, 3]


# Trap 3: publications that arrive before the first read wait.


@in_a_cluster
async def test_what_arrives_before_the_first_read_waits(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    cluster.publish(times=2)
    for held in ("read", "read answer"):
        channel = held.replace(" ", "-")
        cluster.publish(channel, times=2)
        ann = cluster.visitor(node)
        broker.hold(held)
        ann.ask(type="subscribe", channel=channel, history=50)
        await turns()
        cluster.publish(channel, times=3)
        await turns()
        broker.let(held)
        told = await ann.told("subscribed", *["event"] * 5)
        assert [one["offset"] for one in told[1:]] == [1, 2, 3, 4, 5]


@in_a_cluster
async def test_more_than_can_wait_is_read_again(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    broker.hold("read answer")
    ann.ask(type="subscribe", channel="presence-c")
    await turns()
    cluster.publish("presence-c", times=EARLY_MAX)
    for number in range(20):
        await cluster.publisher.join("presence-c", Member(f"u{number}"))
    cluster.publish("presence-c", times=20)
    await turns(3_000)
    broker.let("read answer")
    await until(lambda: "subscribed" in ann.client.types())
    await asyncio.sleep(1)
    hearing = cluster.hearing("presence-c")
    for message in ann.client.take():
        hearing.tell(message)
    assert hearing.offset == EARLY_MAX + 20
    assert hearing.users is not None
    assert len(hearing.users) == 21


@in_a_cluster
async def test_what_waited_from_an_older_log_keeps_nobody_busy(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    cluster.publish(times=9)
    ann = cluster.visitor(node)
    broker.hold("read")
    ann.ask(type="subscribe", channel="c")
    await turns()
    cluster.publish(times=1)
    await turns()
    cluster.begin_again()
    cluster.publish(times=2)
    broker.let("read")
    [told] = await ann.told("subscribed")
    assert told["offset"] == 2
    await asyncio.sleep(10)
    assert broker.calls.count("read") < 10
    cluster.publish()
    assert (await ann.told("event"))[0]["offset"] == 3


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


def lose(cluster: Cluster, times: int, channel: str = "c") -> None:
    """Publish what no node is told of."""
    listeners, cluster.board.listeners = cluster.board.listeners, {}
    cluster.publish(channel, times=times)
    cluster.board.listeners = listeners


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
    assert node.replicas._attachments == {}
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
    assert len(broker.calls) < 100
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


# Presence.


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
    node, broker = await cluster.node(linger_s=0)
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
    assert node.replicas._attachments == {}


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
        cluster.board.change(channel, position.epoch, change)
    broker.on_seats_lost()
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
async def test_a_slow_client_stays_where_it_is_and_goes_on(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    slow, fast = cluster.visitor(node, "slow"), cluster.visitor(node, "fast")
    await live(slow)
    await live(fast)
    slow.client.takes = 100
    cluster.publish(times=10)
    await until(lambda: slow.session.blocked)
    cluster.publish(times=30)
    await until(lambda: len(fast.client.events()) == 40)
    assert slow.client.events() == list(range(1, 11))
    node.drained(slow.session)
    await until(lambda: len(slow.client.events()) == 40)
    assert slow.client.events() == list(range(1, 41))
