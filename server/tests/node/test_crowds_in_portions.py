"""What concerns all of one channel, or of one user, is done in portions as well."""

import asyncio
import gc
import math
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from river_cluster import Cluster, Visitor, in_a_cluster, turns
from river_feed import until
from river_wire import Client, sent, session_of
from turn_tally import TurnTally

from riverd.core.presence import COMPARED_AT_ONCE, LISTED_MAX, PresenceReplica
from riverd.core.session import Session
from riverd.core.tab import Tab
from riverd.model.log import Change, Member, Position, Roster
from riverd.model.orders import Order, OrderKind
from riverd.model.replies import Barrier, Reply
from riverd.node.authentication import RELEASED_AT_ONCE
from riverd.node.replicas.attachment import PresenceEntry
from riverd.node.replicas.remaking import ANSWERED_S_MAX, DOUBTED_AT_ONCE
from riverd.node.users import OBEYED_AT_ONCE
from riverd.scheduling.portions import PORTION

PAGES = 2 * PORTION + 10
MOVED = 3
MANY = 4 * OBEYED_AT_ONCE + 10


async def connections(cluster: Cluster, number: int) -> list[Visitor]:
    """All of one user, and in one channel."""
    node, _ = await cluster.node()
    visitors = [cluster.visitor(node) for _ in range(number)]
    for visitor in visitors:
        visitor.ask(type="subscribe", channel="c")
    for visitor in visitors:
        await visitor.told("subscribed")
    return visitors


@in_a_cluster
async def test_connections_of_a_user_are_closed_some_at_a_time(cluster: Cluster) -> None:
    visitors = await connections(cluster, MANY)
    node, tally = visitors[0].node, TurnTally()
    for visitor in visitors:
        close = visitor.client.close

        def counted(code: int, reason: str, close: Any = close) -> None:
            tally.count()
            close(code, reason)

        visitor.client.close = counted  # type: ignore[method-assign]  the sink that the node closes
    assert node.users.obey(Order("1", OrderKind.DISCONNECT, user="ann")) == MANY
    await until(lambda: not node.sessions)
    assert tally.done.total() == MANY
    assert tally.end() <= OBEYED_AT_ONCE


@in_a_cluster
async def test_what_is_subscribed_after_an_order_is_not_removed_by_it(cluster: Cluster) -> None:
    visitors = await connections(cluster, MANY)
    *others, last = visitors
    node = last.node
    assert node.users.obey(Order("1", OrderKind.REMOVE, user="ann", channel="c")) == MANY
    assert last.client.types() == []
    last.ask(type="unsubscribe", channel="c")
    last.ask(type="subscribe", channel="c")
    for visitor in others:
        await visitor.told("unsubscribed")
    await last.told("unsubscribed", "subscribed")
    await turns()
    assert node._hub.channels["c"].subscribers == 1


@in_a_cluster
async def test_tokens_that_waited_are_taken_some_at_a_time(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    strangers = [cluster.stranger(node) for _ in range(4 * RELEASED_AT_ONCE + 10)]
    tally, verify = TurnTally(), cluster.book.verify

    def counted(token: str, now: float) -> Any:
        tally.count()
        return verify(token, now)

    for stranger in strangers:
        stranger.session._verify = counted
    node.control.confirmed_until = -math.inf
    for stranger in strangers:
        stranger.ask(type="auth", token="ann")
        stranger.ask(type="subscribe", channel="c")
    assert tally.done.total() == 0
    node.control.confirmed_until = cluster.loop.time() + 1
    node.authentication.on_confirmed()
    for stranger in strangers:
        await stranger.told("authenticated", "subscribed")
    assert tally.end() <= RELEASED_AT_ONCE


def test_barriers_are_sent_to_some_pages_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()
    reply = Session.reply

    @in_a_cluster
    async def run(cluster: Cluster) -> None:
        node, _ = await cluster.node()
        tally = TurnTally()

        def counted(session: Session, answer: Reply) -> None:
            # The native protocol has none.
            if isinstance(answer, Barrier):
                tally.count()
            else:
                reply(session, answer)

        monkeypatch.setattr(Session, "reply", counted)
        for number in range(PAGES):
            session = session_of(Client(), book=cluster.book, rules=cluster.rules)
            session.id = f"s{number}"
            session.tab = Tab(f"page-{number}", session.id, is_new=True)
            node.opened(session)
            now = cluster.loop.time()
            node.receive(session, sent(type="auth", token=f"u{number}"), now=now)
            node.receive(session, sent(type="subscribe", channel="c"), now=now)
        await until(lambda: "c" in node._hub.channels)
        await until(lambda: node._hub.channels["c"].subscribers == PAGES)
        cluster.publish()
        await until(lambda: tally.done.total() >= PAGES)
        asked.append(tally.end())

    run()
    assert asked[0] <= PORTION


@in_a_cluster
async def test_entries_of_one_channel_are_made_again_some_at_a_time(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    members = 4 * DOUBTED_AT_ONCE + 10
    for number in range(members):
        visitor = cluster.visitor(node, f"u{number}")
        visitor.ask(type="subscribe", channel="presence-c")
    await until(lambda: "presence-c" in node._hub.channels)
    await until(lambda: node._hub.channels["presence-c"].subscribers == members)
    tally, join = TurnTally(), broker.join

    async def counted(*arguments: Any, **options: Any) -> Position:
        tally.count()
        position: Position = await join(*arguments, **options)
        return position

    broker.join = counted  # type: ignore[method-assign]  to count
    del cluster.store._members["presence-c"]
    node.on_interrupted()
    await until(lambda: len(cluster.store.users("presence-c")) == members)
    assert tally.end() <= 2 * DOUBTED_AT_ONCE


@in_a_cluster
async def test_list_that_is_read_again_and_again_is_compared_once_at_a_time(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    members = 4 * PORTION
    for number in range(members):
        cluster.visitor(node, f"u{number}").ask(type="subscribe", channel="presence-c")
    await until(lambda: "presence-c" in node._hub.channels)
    await until(lambda: node._hub.channels["presence-c"].subscribers == members)
    membership = node.attachments._membership
    tally, is_missing = TurnTally(), membership._is_missing

    def counted(*arguments: Any, **options: Any) -> bool:
        tally.count()
        return is_missing(*arguments, **options)

    membership._is_missing = counted  # type: ignore[method-assign]  to count
    [attachment] = node.attachments
    presence = node._hub.channels["presence-c"].presence
    assert presence is not None
    for _ in range(10):
        # As after each of the reads.
        membership.keep_all(attachment, presence.position.epoch)
        await asyncio.sleep(0)
    await until(lambda: attachment.keeping is None)
    assert tally.end() <= PORTION
    assert tally.done.total() < 8 * members


@in_a_cluster
async def test_entries_that_wait_for_answers_are_no_more_than_some(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    members = 8 * DOUBTED_AT_ONCE
    for number in range(members):
        cluster.visitor(node, f"u{number}").ask(type="subscribe", channel="presence-c")
    await until(lambda: "presence-c" in node._hub.channels)
    await until(lambda: node._hub.channels["presence-c"].subscribers == members)
    broker.calls.clear()
    broker.hold("join")
    node.on_presence_lost()
    node.on_presence_lost()
    await asyncio.sleep(ANSWERED_S_MAX / 2)
    assert broker.calls.count("join") == 2 * DOUBTED_AT_ONCE
    broker.let("join")
    remaking = node.attachments._membership.remaking
    await until(lambda: remaking.is_over)
    # None of them twice, though it was said twice that all are lost.
    assert broker.calls.count("join") <= members + 2 * DOUBTED_AT_ONCE


@in_a_cluster
async def test_list_that_changes_while_it_is_compared_is_that_of_the_broker(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    for number in range(2 * COMPARED_AT_ONCE + 10):
        cluster.store.join("presence-c", "other", Member(f"u{number}"))
    visitor = cluster.visitor(node)
    visitor.ask(type="subscribe", channel="presence-c")
    await visitor.told("subscribed")
    # The feed has lost all of these. The list is not sent instead of so few.
    for number in range(LISTED_MAX // 2):
        cluster.store.join("presence-c", "other", Member(f"lost-{number}"))
    members, numbers = broker.members, count()

    async def changing(*arguments: Any, **options: Any) -> Roster:
        roster: Roster = await members(*arguments, **options)

        async def change() -> None:
            for _ in range(6):
                await asyncio.sleep(0)
                late = Member(f"late-{next(numbers)}")
                at, joined = cluster.store.join("presence-c", "other", late)
                assert joined is not None
                cluster.board.change("presence-c", at.epoch, change=joined)

        if len(changes) < MOVED:
            changes.append(asyncio.ensure_future(change()))
        return roster

    changes = list[asyncio.Future[None]]()
    broker.members = changing  # type: ignore[method-assign]  others come meanwhile
    await node.attachments.compare(on_its_way_s=0)
    presence = node._hub.channels["presence-c"].presence
    assert presence is not None
    await until(lambda: presence.position == cluster.store.version("presence-c"))
    assert sorted(member.user for member in presence.listed(None).members) == (
        cluster.store.users("presence-c")
    )
    await asyncio.gather(*changes)
    assert len(changes) == MOVED


def test_two_lists_are_compared_some_members_at_a_time() -> None:
    size = 2 * COMPARED_AT_ONCE + 10
    before = {f"u{number}": Member(f"u{number}") for number in range(size)}
    after = {f"u{number}": Member(f"u{number}") for number in range(size, 2 * size)}
    presence = PresenceReplica(Roster(Position("a", 1), before, size))
    roster = Roster(Position("a", 9), after, size)
    parts = list(presence.changes_to(roster))
    assert max(map(len, parts)) == COMPARED_AT_ONCE
    changes = presence.replace(roster, [one for some in parts for one in some])
    assert len(changes) == 2 * size
    assert presence.count == size
    assert presence.has(f"u{size}")


@in_a_cluster
async def test_entries_of_one_channel_are_looked_at_when_it_is_their_turn(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    members = 4 * DOUBTED_AT_ONCE + 10
    for number in range(members):
        cluster.visitor(node, f"u{number}").ask(type="subscribe", channel="presence-c")
    await until(lambda: "presence-c" in node._hub.channels)
    await until(lambda: node._hub.channels["presence-c"].subscribers == members)
    looked_at, join = list[int](), broker.join

    async def counted(*arguments: Any, **options: Any) -> Position:
        if not looked_at:
            pairs = (one for one in gc.get_objects() if isinstance(one, tuple) and len(one) == 2)
            looked_at.append(sum(isinstance(one[1], PresenceEntry) for one in pairs))
        position: Position = await join(*arguments, **options)
        return position

    broker.join = counted  # type: ignore[method-assign]  to count
    node.on_presence_lost()
    await until(lambda: bool(looked_at))
    # Those of `dict.items` are not among them: nothing runs then that goes through one.
    assert looked_at[0] <= DOUBTED_AT_ONCE


def test_lists_are_compared_until_it_is_clear_that_the_new_one_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = 0
    changes_to = PresenceReplica.changes_to

    def counted(presence: PresenceReplica, roster: Roster) -> Iterator[list[Change]]:
        nonlocal compared
        for some in changes_to(presence, roster):
            compared += 1
            yield some

    @in_a_cluster
    async def run(cluster: Cluster) -> None:
        node, _ = await cluster.node()
        for number in range(4 * COMPARED_AT_ONCE):
            cluster.store.join("presence-c", "other", Member(f"u{number}"))
        visitor = cluster.visitor(node)
        visitor.ask(type="subscribe", channel="presence-c")
        await visitor.told("subscribed")
        presence = node._hub.channels["presence-c"].presence
        assert presence is not None
        monkeypatch.setattr(PresenceReplica, "changes_to", counted)
        del cluster.store._members["presence-c"]
        node.on_interrupted()
        await until(lambda: presence.count == 1)
        assert visitor.client.told[-1]["type"] == "presence"

    run()
    assert compared == 1
