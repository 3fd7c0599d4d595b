"""Ephemeral events and excluded sessions, as the clients of a node see them."""

from typing import Any

from river_cluster import Cluster, Visitor, in_a_cluster, live, turns
from river_wire import SECRETS

from riverd.model.log import Message, Position
from riverd.node.node import Node


async def visitor(cluster: Cluster, node: Node, name: str, *, continues: str = "") -> Visitor:
    """A client with a session of this name, which may continue another."""
    found = cluster.stranger(node)
    found.session.id = name
    secret = {"resume_session": SECRETS.of(continues)} if continues else {}
    found.ask(type="auth", id=0, token="ann", **secret)
    await found.told("authenticated")
    return found


def publish(cluster: Cluster, **fields: Any) -> Position:
    """Publish to the channel `c`; the position that it has or follows."""
    message = Message("c", "e", b"1", **fields)
    receipt, event = cluster.store.publish(message, cluster.loop.time())
    assert event is not None
    cluster.board.event("c", receipt.epoch, event=event)
    return receipt if isinstance(receipt, Position) else Position(receipt.epoch, receipt.after)


async def heard(found: Visitor) -> list[tuple[str, int]]:
    """The events that have come: with their offset, or what they follow."""
    await turns()
    told, found.client.told[:] = list(found.client.told), []
    kinds = ("offset", "after")
    return [
        (kind, one[kind]) for one in told if one["type"] == "event" for kind in kinds if kind in one
    ]


@in_a_cluster
async def test_an_excluded_session_gets_the_others_and_no_gap(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann, bob = await visitor(cluster, node, "s.1"), await visitor(cluster, node, "s.2")
    await live(ann)
    await live(bob)
    publish(cluster)
    publish(cluster, exclude="s.1")
    publish(cluster, keep=False, exclude="s.2")
    publish(cluster)
    assert await heard(ann) == [("offset", 1), ("after", 2), ("offset", 3)]
    assert await heard(bob) == [("offset", 1), ("offset", 2), ("offset", 3)]
    publish(cluster, exclude="s.1")
    assert await heard(ann) == []
    assert await heard(bob) == [("offset", 4)]


@in_a_cluster
async def test_a_session_that_does_not_exist_excludes_nobody(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = await visitor(cluster, node, "s.1")
    await live(ann)
    publish(cluster, exclude="nobody's")
    assert await heard(ann) == [("offset", 1)]


@in_a_cluster
async def test_what_was_excluded_does_not_come_back_with_a_resume(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    other, _ = await cluster.node()
    ann = await visitor(cluster, node, "s.1")
    await live(ann)
    publish(cluster)
    place = publish(cluster, exclude="s.1")
    assert await heard(ann) == [("offset", 1)]
    # While the old connection is open still, and on another node.
    again = await visitor(cluster, other, "t.1", continues="s.1")
    again.ask(type="subscribe", id=1, channel="c", epoch=place.epoch, offset=1)
    [subscribed] = await again.told("subscribed")
    assert (subscribed["offset"], subscribed["recovered"]) == (2, True)
    publish(cluster, exclude="s.1")
    publish(cluster, exclude="t.1")
    assert await heard(ann) == [("offset", 4)]
    assert await heard(again) == []
    stranger = await visitor(cluster, other, "t.2")
    stranger.ask(type="subscribe", id=1, channel="c", epoch=place.epoch, offset=1)
    assert await heard(stranger) == [("offset", 2), ("offset", 3), ("offset", 4)]


@in_a_cluster
async def test_a_secret_of_nobody_continues_nothing(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.stranger(node)
    ann.ask(type="auth", id=0, token="ann", resume_session="s.1.0123")
    [authenticated] = await ann.told("authenticated")
    assert authenticated["session"] == ann.session.id
    assert ann.session.continues is None


@in_a_cluster
async def test_a_client_that_reads_slowly_is_not_sent_what_excludes_it(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = await visitor(cluster, node, "s.1")
    await live(ann)
    node.blocked(ann.session)
    for exclude in ("s.1", None, "s.1", "s.1"):
        publish(cluster, exclude=exclude)
    publish(cluster, keep=False)
    assert await heard(ann) == []
    node.drained(ann.session)
    assert await heard(ann) == [("offset", 2)]
    publish(cluster, keep=False)
    assert await heard(ann) == [("after", 4)]


@in_a_cluster
async def test_an_ephemeral_event_is_not_in_the_history_nor_resumed(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = await visitor(cluster, node, "s.1")
    await live(ann)
    publish(cluster, exclude="s.9")
    place = publish(cluster, keep=False)
    assert await heard(ann) == [("offset", 1), ("after", 1)]
    ann.ask(type="history", id=3, channel="c", keep=False, limit=5)
    [history] = await ann.told("history")
    assert history["publications"] == [{"offset": 1, "event": "e", "data": 1}]
    bob = await visitor(cluster, node, "s.2")
    bob.ask(type="subscribe", id=1, channel="c", epoch=place.epoch, offset=0)
    assert await heard(bob) == [("offset", 1)]


@in_a_cluster
async def test_an_event_after_a_position_that_a_node_misses_has_it_read(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = await visitor(cluster, node, "s.1")
    await live(ann)
    cluster.store.publish(Message("c", "e", b"1"), cluster.loop.time())
    publish(cluster, keep=False)
    assert await heard(ann) == [("offset", 1)]


@in_a_cluster
async def test_a_client_publishes_with_both_fields_and_is_answered(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann, bob = await visitor(cluster, node, "s.1"), await visitor(cluster, node, "s.2")
    await live(ann)
    await live(bob)
    asked = {"type": "publish", "channel": "c", "event": "typing", "data": 1}
    ann.ask(**asked, id=5, keep=False, exclude="s.1")
    [published] = await ann.told("published")
    assert published == {"type": "published", "id": 5, "epoch": published["epoch"], "after": 0}
    assert await heard(ann) == []
    assert await heard(bob) == [("after", 0)]
    for wrong in ({"keep": "no"}, {"keep": 0}, {"exclude": 7}, {"exclude": "x" * 10_240}):
        ann.ask(**asked, id=6, **wrong)
        [error] = await ann.told("error")
        assert (error["id"], error["code"]) == (6, "invalid_field")
