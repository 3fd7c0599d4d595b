"""Traces on a node: bounded in number and lines, and over when nobody asks any more."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from river_cluster import Cluster, in_a_cluster, live
from turn_tally import TurnTally

from riverd.core.fanout import Fanout
from riverd.core.hub import Hub
from riverd.model.facts import TraceFilter, TraceLine
from riverd.model.log import Publication
from riverd.model.orders import Question, encode
from riverd.node.node import Node
from riverd.node.session_history import SessionHistory
from riverd.node.tracing import (
    LINES_MAX,
    SESSIONS_MAX,
    SUBSCRIPTIONS_MAX,
    TRACE_S,
    TRACES_MAX,
    Trace,
    Traces,
)
from riverd.scheduling.portions import PORTION

_lines = msgspec.json.Decoder(list[TraceLine]).decode


class Tracing:
    """A node that can be traced, and what it writes."""

    def __init__(self, cluster: Cluster, node: Node, hub: Hub) -> None:
        self.cluster = cluster
        clock = cluster.loop.time
        history = SessionHistory(bytes_max=1 << 20, clock=clock, carrier_clock=clock)
        node.history = hub.witness = history
        self.tasks: list[asyncio.Task[None]] = []
        self.traces = Traces(
            node,
            hub,
            history=history,
            clock=clock,
            new_broker=lambda: cluster.publisher,
            start=lambda work: self.tasks.append(cluster.loop.create_task(work)),
        )

    def ask(self, name: str = "t", **wanted: Any) -> None:
        text = encode(TraceFilter(**wanted)).decode()
        self.traces.answer(Question("q", kind="trace", epoch=name, filter=text))

    def lines(self, name: str = "t") -> list[TraceLine]:
        tail = self.cluster.store.read(f"#trace:{name}", now=self.cluster.loop.time())
        return [line for one in tail.publications for line in _lines(one.data)]


async def tracing(cluster: Cluster) -> tuple[Tracing, Node]:
    node, _ = await cluster.node()
    return Tracing(cluster, node, node._hub), node


@pytest.mark.parametrize("times", [40, 250])
def test_busy_channels_show_so_many_lines_and_how_many_more_there_were(times: int) -> None:
    @in_a_cluster
    async def check(cluster: Cluster) -> None:
        here, node = await tracing(cluster)
        names = [f"c{number}" for number in range(10)]
        ann = cluster.visitor(node)
        for name in names:
            await live(ann, name)
        here.ask(user="ann")
        await asyncio.sleep(0.1)
        for name in names:
            cluster.publish(name, times=times)
        await asyncio.sleep(0.5)
        sent = [line for line in here.lines() if line.kind == "sent"]
        dropped = [line for line in here.lines() if line.kind == "dropped"]
        assert 0 < len(sent) <= LINES_MAX
        assert [line.text for line in dropped] == [f"{10 * times - len(sent)} lines"]
        # Payloads were not asked for.
        assert all(line.data is msgspec.UNSET for line in sent)

    check()


@in_a_cluster
async def test_what_a_session_is_owed_is_shown_when_it_is_sent_and_once(cluster: Cluster) -> None:
    _, node = await tracing(cluster)
    hub, history = node._hub, node.history
    assert history is not None
    for user in ("bob", "ann"):
        await live(cluster.visitor(node, user), "c")
    trace = Trace(TraceFilter(user="ann"), node, hub=hub, mark=history.added)
    trace.look(history, 0)
    hub._fanout = Fanout(1)
    shown: list[list[int]] = []
    for offset in (1, 2):
        hub.append(hub.channels["c"], Publication(offset, "e", b"1"), now=0)
        hub.flush(0)
        shown.append([line.offset for line in trace.look(history, 0) if line.kind == "sent"])
    while hub.flush(0).more:
        shown.append([line.offset for line in trace.look(history, 0) if line.kind == "sent"])
    shown.append([line.offset for line in trace.look(history, 0) if line.kind == "sent"])
    assert [one for one in shown if one] == [[1], [2]]


@in_a_cluster
async def test_no_more_than_some_traces_run_at_once(cluster: Cluster) -> None:
    here, node = await tracing(cluster)
    for number in range(TRACES_MAX + 5):
        here.ask(f"t{number}", channel="c")
    await asyncio.sleep(0.1)
    for name in ("t8", "t12"):
        here.ask(name, channel="c")
        [line] = here.lines(name)
        assert (line.kind, line.node) == ("limited", node.control.name)
        assert "8 traces already" in line.text
    assert here.lines("t7") == []
    await asyncio.sleep(TRACE_S + 1)
    here.ask("again", channel="c")
    assert len(here.tasks) == TRACES_MAX + 5 + 1


@in_a_cluster
async def test_user_with_too_many_sessions_is_followed_in_part_and_that_is_said(
    cluster: Cluster,
) -> None:
    here, node = await tracing(cluster)
    for _ in range(SESSIONS_MAX + 3):
        cluster.visitor(node)
    here.ask(user="ann")
    await asyncio.sleep(2)
    [limited] = [line for line in here.lines() if line.kind == "limited"]
    assert limited.text == f"follows {SESSIONS_MAX} of {SESSIONS_MAX + 3} sessions"
    await asyncio.sleep(TRACE_S + 1)


@in_a_cluster
async def test_end_of_a_session_and_a_refusal_are_shown(cluster: Cluster) -> None:
    here, node = await tracing(cluster)
    ann = cluster.visitor(node)
    here.ask(user="ann")
    await asyncio.sleep(0.3)
    ann.ask(type="subscribe", id=1, channel="private-x")
    ann.session.ended_by = "lost"
    ann.leave()
    await asyncio.sleep(0.5)
    kinds = [(line.kind, line.text) for line in here.lines()]
    assert ("refused", "ann: forbidden") in kinds
    assert ("ended", "lost") in kinds
    await asyncio.sleep(TRACE_S + 1)


@in_a_cluster
async def test_a_channel_and_a_session_are_followed_with_payloads_if_they_are_asked_for(
    cluster: Cluster,
) -> None:
    here, node = await tracing(cluster)
    ann = cluster.visitor(node)
    await live(ann, "dogs")
    here.ask("channel", channel="dogs", payloads=True)
    here.ask("session", session=ann.session.id)
    await asyncio.sleep(0.5)
    cluster.publish("dogs", times=2)
    await asyncio.sleep(0.5)
    ann.ask(type="unsubscribe", id=2, channel="dogs")
    await asyncio.sleep(0.5)
    given = [line for line in here.lines("channel") if line.kind == "given"]
    assert [line.offset for line in given] == [1, 2]
    assert all(line.data is not msgspec.UNSET for line in given)
    followed = here.lines("session")
    assert {line.session for line in followed} == {ann.session.id}
    assert [line.offset for line in followed if line.kind == "sent"] == [1, 2]
    assert {"is connected", "authenticated", "subscribed"} <= {line.kind for line in followed}
    await asyncio.sleep(TRACE_S + 1)


@in_a_cluster
async def test_burst_of_one_channel_shows_its_newest_lines_and_counts_the_others(
    cluster: Cluster,
) -> None:
    here, node = await tracing(cluster)
    await live(cluster.visitor(node), "c")
    here.ask(channel="c")
    await asyncio.sleep(0.1)
    cluster.publish("c", times=250)
    await asyncio.sleep(0.5)
    *_, last = given = [line.offset for line in here.lines() if line.kind == "given"]
    (dropped,) = [line for line in here.lines() if line.kind == "dropped"]
    assert (last, len(given)) == (250, LINES_MAX)
    assert dropped.text == f"{250 - len(given)} lines"


@in_a_cluster
async def test_sessions_with_too_many_channels_are_followed_in_part_and_that_is_said(
    cluster: Cluster,
) -> None:
    here, node = await tracing(cluster)
    each, sessions = 50, SUBSCRIPTIONS_MAX // 50 + 2
    for _ in range(sessions):
        ann = cluster.visitor(node)
        for number in range(each):
            ann.ask(type="subscribe", id=number, channel=f"c{number}")
    await asyncio.sleep(0.5)
    here.ask(user="ann")
    await asyncio.sleep(0.5)
    [limited] = [line for line in here.lines() if line.kind == "limited"]
    assert limited.text == f"follows {sessions - 2} of {sessions} sessions"
    await asyncio.sleep(TRACE_S + 1)


@in_a_cluster
async def test_an_address_is_followed_and_clients_without_a_known_one_are_counted(
    cluster: Cluster,
) -> None:
    here, node = await tracing(cluster)
    ann, _, _ = (cluster.visitor(node) for _ in range(3))
    ann.session.address = "203.0.113.7"
    here.ask(address="203.0.113.7")
    await asyncio.sleep(1)
    limited, *lines = here.lines()
    assert limited.kind == "limited"
    assert "addresses of 2 connections: RIVER_TRUSTED_PROXIES" in limited.text
    assert {line.session for line in lines} == {ann.session.id}
    await asyncio.sleep(TRACE_S + 1)


class WatchedSession:
    """One of a node's sessions that another trace is about; counts when it is looked at."""

    def __init__(self, number: int, tally: TurnTally) -> None:
        self.id = f"s{number}"
        self._tally = tally

    @property
    def address(self) -> None:
        self._tally.count()


async def test_all_sessions_are_searched_some_at_a_time() -> None:
    tally = TurnTally()
    sessions = [WatchedSession(number, tally) for number in range(3 * PORTION)]
    node = cast("Node", SimpleNamespace(sessions=sessions))
    trace = Trace(TraceFilter(address="203.0.113.9"), node, hub=cast("Hub", None), mark=0)
    await trace.search()
    # Once for the address, and once for whether there is one.
    assert tally.done.total() == 2 * len(sessions)
    assert tally.end() == 2 * PORTION
