"""What a node remembers of its sessions: bounded, by user, and true."""

import asyncio
import json
import tracemalloc
from copy import copy
from itertools import count
from typing import Any

from river_cluster import Cluster, Visitor, in_a_cluster, live, turns
from river_wire import RULES, Client, session_of
from turn_tally import TurnTally

from riverd.auth.apps import App, Apps
from riverd.core.hub import Hub
from riverd.core.session import Session
from riverd.errors import ErrorCode, RiverError
from riverd.model.commands import Proof, Subscribe
from riverd.model.facts import GapFact, RefusedFact, SessionFacts, Stretch
from riverd.model.log import Member
from riverd.model.orders import Question
from riverd.node.node import Node
from riverd.node.session_history import SHARE, SessionHistory
from riverd.node.user_facts import LOOKED_AT_ONCE, UserFactFinder
from riverd.protocols.pusher.protocol import PusherProtocol

MEBIBYTE = 1 << 20


def memory(bytes_max: int = MEBIBYTE, *, clock: Any = lambda: 0.0) -> SessionHistory:
    return SessionHistory(bytes_max=bytes_max, clock=clock, carrier_clock=clock)


def refusals(history: SessionHistory, user: str, times: int) -> None:
    """As many entries of a user: it asks for what it may not have, each time for another."""
    session = session_of(Client(), user=user)
    history.opened(session, address="10.0.0.7", client="a test")
    for number in range(times):
        error = RiverError(ErrorCode.FORBIDDEN, "no grant")
        history.refused(session, Subscribe(1, f"private-{user}-{number:09}"), error=error)


def test_memory_is_bounded_in_bytes_as_it_says() -> None:
    history = memory()
    tracemalloc.start()
    try:
        for number in range(100):
            refusals(history, f"user-{number}", 400)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert history.dropped > 30_000
    assert MEBIBYTE // 2 < history.bytes <= MEBIBYTE
    # What sessions hold that this test makes is in it too.
    assert held < MEBIBYTE * 1.25


def test_user_who_does_much_drops_its_own_history_only() -> None:
    history = memory(clock=count(1.0).__next__)
    refusals(history, "quiet", 3)
    refusals(history, "loud", 20_000)
    assert len(list(history.of("quiet"))) == 3
    assert history.forgot_until("quiet") == 0
    assert history.forgot_until("loud") > 0
    loud = [one for one in history.of("loud") if isinstance(one, RefusedFact)]
    assert loud[-1].channel == "private-loud-000019999"
    # Holes where its old entries were do not pile up either.
    assert len(history._entries) < 6_000


def test_oldest_goes_first_and_it_is_known_until_when_something_was_forgotten() -> None:
    history = memory(clock=count(1.0).__next__)
    for number in range(50):
        refusals(history, f"user-{number}", 100)
    assert list(history.of("user-0")) == []
    assert len(list(history.of("user-49"))) == 100
    assert history.forgot_until("user-49") > 100


def test_strangers_who_name_a_user_take_none_of_its_memory() -> None:
    history = memory(clock=count(1.0).__next__)
    app = App(id="1", key="key", secret="secret-of-the-app-of-tests")
    stranger = session_of(Client())
    stranger.protocol = PusherProtocol(app, Apps([app]), rules=RULES)
    history.opened(stranger, address="10.0.0.7", client="a test")
    refusals(history, "ann", 3)
    proof = Proof("key:wrong", json.dumps({"user_id": "ann"}))
    error = RiverError(ErrorCode.FORBIDDEN, "invalid signature")
    for number in range(20_000):
        history.refused(stranger, Subscribe(1, f"presence-{number}", proof=proof), error=error)
    assert len(list(history.of("ann"))) == 3
    assert history.forgot_until("ann") == 0
    named = list(history.naming("ann"))
    assert named[-1].channel == "presence-19999"
    assert history.bytes <= MEBIBYTE // SHARE + 3 * 1_000
    stranger.id = "other"
    assert history.of_session(stranger.id) == []


class Remembering:
    """A node with a history, and what it answers."""

    def __init__(self, cluster: Cluster, node: Node, hub: Hub, history: SessionHistory) -> None:
        self.cluster = cluster
        self.node = node
        self.history = history
        self._finder = UserFactFinder(
            history, node.users, sessions=node.sessions, hub=hub, name=lambda: "here"
        )

    async def facts(self, user: str = "ann", channel: str = "c", offset: int = 1) -> Any:
        return await self._finder.find(Question("q", user, "explain", channel, offset=offset))


async def remembering(cluster: Cluster) -> Remembering:
    clock = cluster.loop.time
    history = memory(clock=clock)
    node, _ = await cluster.node()
    node.history = history
    node._hub.witness = history
    return Remembering(cluster, node, node._hub, history)


def ends(visitor: Visitor, why: str) -> None:
    visitor.session.ended_by = why
    visitor.leave()


@in_a_cluster
async def test_stretch_is_what_was_sent_between_begin_and_end(cluster: Cluster) -> None:
    here = await remembering(cluster)
    cluster.publish(times=3)
    ann = cluster.visitor(here.node)
    await live(ann)
    cluster.publish(times=2)
    await ann.told("event", "event")
    [now] = (await here.facts()).stretches
    assert (now.after, now.upto, now.newest, now.ended_at) == (3, 5, 5, 0)
    ends(ann, "lost")
    cluster.publish()
    [past] = (await here.facts()).stretches
    assert (past.after, past.upto, past.newest, past.ended_by) == (3, 5, -1, "lost")
    assert [type(one) for one in here.history.of("ann")] == [SessionFacts, Stretch]


@in_a_cluster
async def test_nothing_is_remembered_of_who_never_said_who_it_is(cluster: Cluster) -> None:
    here = await remembering(cluster)
    stranger = cluster.stranger(here.node)
    stranger.leave()
    assert here.history.bytes == 0


@in_a_cluster
async def test_blocked_since_and_the_gap_after_it_are_remembered(cluster: Cluster) -> None:
    here = await remembering(cluster)
    ann = cluster.visitor(here.node)
    await live(ann)
    here.node.blocked(ann.session)
    cluster.publish(times=60)
    await turns()
    facts = await here.facts(offset=60)
    assert facts.sessions[0].blocked_since > 0
    assert (facts.stretches[0].upto, facts.stretches[0].newest) == (0, 60)
    here.node.drained(ann.session)
    await ann.told("gap")
    [gap] = (await here.facts()).gaps
    assert (gap.after, gap.upto) == (0, 60)
    assert isinstance(gap, GapFact)


@in_a_cluster
async def test_what_is_proven_follows_pongs_and_never_what_was_written_after_them(
    cluster: Cluster,
) -> None:
    here = await remembering(cluster)
    ann = cluster.visitor(here.node)
    await live(ann)
    cluster.publish(times=2)
    await ann.told("event", "event")
    assert (await here.facts()).stretches[0].confirmed == -1
    pinged_at = cluster.loop.time() + 2
    await asyncio.sleep(3)
    cluster.publish()
    await ann.told("event")
    ann.session.confirmed_at = pinged_at
    assert (await here.facts()).stretches[0].confirmed == 2
    # What it missed while its socket was full was written after that ping.
    here.node.blocked(ann.session)
    here.node.drained(ann.session)
    assert (await here.facts()).stretches[0].confirmed == -1


def test_session_that_nobody_opened_is_not_remembered() -> None:
    history = memory()
    session: Session = session_of(Client(), user="ann")
    history.closed(session, {})
    history.blocking(session)
    history.unblocking(session)
    history.refused(session, Subscribe(1, "c"), error=RiverError(ErrorCode.FORBIDDEN, "no"))
    assert history.bytes == 0


@in_a_cluster
async def test_session_is_found_among_all_some_at_a_time(cluster: Cluster) -> None:
    here = await remembering(cluster)
    visitors = [cluster.visitor(here.node) for _ in range(2 * LOOKED_AT_ONCE // 10)]
    ann = visitors[-1]
    ann.session.id = "the last"
    await live(ann)
    tally = TurnTally()
    # As many as to look at in three turns: the same ones again and again.
    sessions = [one.session for one in visitors] * 11
    finder = UserFactFinder(
        here.history, here.node.users, sessions=sessions, hub=here.node._hub, name=lambda: "here"
    )
    found = await finder.find_session(
        Question("q", kind="explain_session", channel="c", session="the last")
    )
    assert {one.session for one in found.stretches} == {"the last"}
    assert tally.turn == 2


@in_a_cluster
async def test_members_of_one_channel_only_are_looked_for_some_at_a_time(cluster: Cluster) -> None:
    here = await remembering(cluster)
    ann = cluster.visitor(here.node)
    await live(ann)
    channel = here.node._hub.channels["c"]
    [audience] = channel.audiences.values()
    [(subscription, write)] = audience.live.items()
    others = [copy(subscription) for _ in range(2 * LOOKED_AT_ONCE)]
    audience.live |= dict.fromkeys(others, write)
    last = others[-1]
    # As in the Pusher protocol, where somebody is a user in one channel only.
    last.member, last.session = Member("bob"), copy(ann.session)
    last.session.claims, last.session.id = None, "of bob"
    tally = TurnTally()
    facts = await here.facts("bob")
    assert [one.session for one in facts.sessions] == ["of bob"]
    # The list of them is made in a turn of its own.
    assert tally.turn == 3
    for one in others:
        del audience.live[one]
