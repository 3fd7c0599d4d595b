"""What clients of Pusher's protocol are shown of each other, on two nodes."""

import asyncio
import json
from collections.abc import Callable
from itertools import count
from typing import Any

from river_cluster import RULES, Cluster, in_a_cluster, turns
from river_feed import until
from river_wire import Client
from turn_tally import TurnTally

from riverd.auth.apps import App, Apps
from riverd.auth.signatures import channel_signature, user_text
from riverd.core.session import Session
from riverd.core.session_limits import SessionLimits
from riverd.model.claims import Claims
from riverd.node.counts.count_events import EACH_MAX, SHOW_EVERY_S, SOON_S
from riverd.node.counts.sum_reader import COMPARE_S
from riverd.node.counts.watchlists import SENT_AT_ONCE
from riverd.node.node import Node
from riverd.protocols.pusher.counting import ShownCounts
from riverd.protocols.pusher.protocol import PusherProtocol

APP = App(id="1", key="key", secret="a-secret-of-tests", subscription_counts=True)
APPS = Apps([APP])
PROTOCOL = PusherProtocol(APP, APPS, rules=RULES)
LEAVE_S = 1.0

_numbers = count(1)


def _no_tokens(_token: str, _now: float) -> Claims:
    raise AssertionError("there are none in this protocol")


class Page:
    """A client of a node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.client = Client()
        self.session = Session(
            f"1.{next(_numbers)}",
            self.client,
            protocol=PROTOCOL,
            limits=SessionLimits(rate=1e9),
            verify=_no_tokens,
        )
        self.client.on_full = lambda: node.blocked(self.session)
        node.opened(self.session)

    def send(self, event: str, **data: object) -> None:
        now = asyncio.get_running_loop().time()
        self.node.receive(
            self.session, json.dumps({"event": event, "data": data}).encode(), now=now
        )

    def sign_in(self, user: str, *watchlist: str) -> None:
        data = json.dumps({"id": user, "watchlist": watchlist})
        signature = channel_signature(APP.secret, user_text(self.session.id, data))
        self.send("pusher:signin", auth=f"{APP.key}:{signature}", user_data=data)

    def leave(self) -> None:
        self.session.closed = True
        self.node.closed(self.session)

    def said(self, event: str) -> list[Any]:
        """The data of all events of a name."""
        told = [one for one in self.client.told if one["event"] == event]
        return [json.loads(one["data"]) for one in told]

    @property
    def counts(self) -> list[int]:
        found = self.said("pusher_internal:subscription_count")
        return [one["subscription_count"] for one in found]

    @property
    def watched(self) -> list[tuple[str, list[str]]]:
        found = self.said("pusher_internal:watchlist_events")
        return [(one["name"], one["user_ids"]) for told in found for one in told["events"]]


async def node_with_counts(cluster: Cluster) -> Node:
    node, _ = await cluster.node(leave_s=LEAVE_S)
    shown = ShownCounts(APPS)
    node.count_events.is_counted, node.watchlists.is_counted = shown.has_channel, shown.has_user
    return node


def subscribed(*nodes: Node) -> list[Page]:
    pages = [Page(node) for node in nodes]
    for page in pages:
        page.send("pusher:subscribe", channel="room")
    return pages


async def shown_to(page: Page, number: int) -> None:
    await until(lambda: page.counts[-1:] == [number])


@in_a_cluster
async def test_subscribers_of_all_nodes_are_counted(cluster: Cluster) -> None:
    one, other = await node_with_counts(cluster), await node_with_counts(cluster)
    [here] = subscribed(one)
    await shown_to(here, 1)
    [there] = subscribed(other)
    await shown_to(here, 2)
    await shown_to(there, 2)
    here.leave()
    await shown_to(there, 1)
    assert there.counts == [2, 1]


@in_a_cluster
async def test_who_comes_as_another_goes_is_shown_the_count(cluster: Cluster) -> None:
    node = await node_with_counts(cluster)
    [first] = subscribed(node)
    await shown_to(first, 1)
    first.leave()
    [second] = subscribed(node)
    await shown_to(second, 1)


@in_a_cluster
async def test_beyond_a_hundred_a_count_is_shown_now_and_then(cluster: Cluster) -> None:
    node = await node_with_counts(cluster)
    pages = subscribed(*[node] * (EACH_MAX + 1))
    await shown_to(pages[0], EACH_MAX + 1)
    at, before = cluster.loop.time(), len(pages[0].counts)
    for _ in range(5):
        pages += subscribed(node)
        await turns()
    assert len(pages[0].counts) == before
    await shown_to(pages[-1], EACH_MAX + 6)
    assert len(pages[0].counts) == before + 1
    assert SHOW_EVERY_S - SOON_S <= cluster.loop.time() - at < SHOW_EVERY_S + 1


@in_a_cluster
async def test_count_that_was_announced_to_nobody_is_found(cluster: Cluster) -> None:
    one, other = await node_with_counts(cluster), await node_with_counts(cluster)
    [here], [there] = subscribed(one), subscribed(other)
    await shown_to(here, 2)
    # As when a node is killed: its counts end with its lease.
    cluster.store.report("another", {"#app:1:room": 7})
    await shown_to(here, 9)
    await shown_to(there, 9)
    assert cluster.loop.time() < 2 * COMPARE_S


@in_a_cluster
async def test_a_client_that_reads_late_stays_connected(cluster: Cluster) -> None:
    node = await node_with_counts(cluster)
    [slow] = subscribed(node)
    await shown_to(slow, 1)
    slow.client.takes = 0
    pages = subscribed(*[node] * 3)
    await shown_to(pages[0], 4)
    assert slow.session.blocked
    node.drained(slow.session)
    pages[0].leave()
    await shown_to(slow, 3)


@in_a_cluster
async def test_those_who_watch_are_sent_what_changes_on_any_node(cluster: Cluster) -> None:
    one, other = await node_with_counts(cluster), await node_with_counts(cluster)
    ann = Page(one)
    ann.sign_in("ann", "bob", "cid")
    await until(lambda: ann.watched == [("offline", ["bob", "cid"])])
    bob, again = Page(other), Page(one)
    bob.sign_in("bob")
    await until(lambda: ann.watched[1:] == [("online", ["bob"])])
    again.sign_in("bob")
    bob.leave()
    await asyncio.sleep(3 * COMPARE_S)
    again.leave()
    await until(lambda: ann.watched[2:] == [("offline", ["bob"])])


@in_a_cluster
async def test_a_user_who_comes_back_at_once_was_not_away(cluster: Cluster) -> None:
    node = await node_with_counts(cluster)
    ann, bob = Page(node), Page(node)
    bob.sign_in("bob")
    await turns()
    ann.sign_in("ann", "bob")
    await until(lambda: ann.watched == [("online", ["bob"])])
    bob.leave()
    await asyncio.sleep(LEAVE_S / 2)
    Page(node).sign_in("bob")
    await asyncio.sleep(3 * COMPARE_S)
    assert ann.watched == [("online", ["bob"])]


@in_a_cluster
async def test_nothing_is_kept_of_those_who_are_gone(cluster: Cluster) -> None:
    node = await node_with_counts(cluster)
    [page] = subscribed(node)
    page.sign_in("ann", "bob")
    await shown_to(page, 1)
    page.leave()
    await asyncio.sleep(10 * COMPARE_S)
    watchlists, counts = node.watchlists, node.count_events
    kept = (watchlists._watchers, watchlists._watching, watchlists._connected, watchlists._leaving)
    assert not any((*kept, counts._shown, counts._joined))
    assert cluster.board.connections == {}


@in_a_cluster
async def test_a_crowd_that_watches_is_sent_it_some_at_a_time(cluster: Cluster) -> None:
    node = await node_with_counts(cluster)
    tally, meanwhile = TurnTally(), list[Callable[[], None]]()
    watchers = [Page(node) for _ in range(2 * SENT_AT_ONCE + 10)]
    for page in watchers:
        page.sign_in("ann", "bob", "cid")
        write = page.client.write

        def counted(frames: bytes, write: Callable[[bytes], None] = write) -> None:
            tally.count()
            write(frames)
            while meanwhile:
                meanwhile.pop()()

        page.client.write = counted  # type: ignore[method-assign]  to count
    await until(lambda: all(page.watched for page in watchers))
    *others, late, gone = watchers
    # When the first one has been sent it.
    meanwhile += [gone.leave, lambda: late.sign_in("ann", "bob")]
    Page(node).sign_in("bob")
    await until(lambda: all(page.watched[1:] == [("online", ["bob"])] for page in others))
    await until(lambda: late.watched[1:] == [("online", ["bob"])])
    await asyncio.sleep(3 * COMPARE_S)
    assert late.watched[1:] == [("online", ["bob"])]
    assert gone.watched == [("offline", ["bob", "cid"])]
    # And the answer to one sign-in.
    assert tally.end() <= SENT_AT_ONCE + 1
