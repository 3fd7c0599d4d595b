"""The limit of members that Pusher's apps have, over several nodes."""

import asyncio
import json
from itertools import count
from typing import Any

from river_cluster import RULES, Cluster, in_a_cluster
from river_feed import until
from river_wire import Client

from riverd.auth.apps import App, Apps
from riverd.auth.signatures import channel_signature, subscription_text
from riverd.core.session import Session
from riverd.core.session_limits import SessionLimits
from riverd.model.claims import Claims
from riverd.node.node import Node
from riverd.protocols.pusher.protocol import PusherProtocol

APP = App(id="1", key="key", secret="a-secret-of-tests", max_members=2)
PROTOCOL = PusherProtocol(APP, Apps([APP]), rules=RULES)
SUCCEEDED = "pusher_internal:subscription_succeeded"
REFUSED = "pusher:subscription_error"
LATE_S = 1.0

_numbers = count(1)


def _no_tokens(_token: str, _now: float) -> Claims:
    raise AssertionError("there are none in this protocol")


class Guest:
    """A client that wants to be a member."""

    def __init__(self, node: Node, user: str, channel: str = "presence-c") -> None:
        self.node, self.channel = node, channel
        self.client = Client()
        self.session = Session(
            f"2.{next(_numbers)}",
            self.client,
            protocol=PROTOCOL,
            limits=SessionLimits(rate=1e9),
            verify=_no_tokens,
        )
        self.client.on_full = lambda: node.blocked(self.session)
        node.opened(self.session)
        data = json.dumps({"user_id": user})
        text = subscription_text(self.session.id, channel, data=data)
        signature = channel_signature(APP.secret, text)
        subscription = {"channel": channel, "channel_data": data, "auth": f"key:{signature}"}
        self.send("pusher:subscribe", **subscription)

    def send(self, event: str, **data: object) -> None:
        message = json.dumps({"event": event, "data": data}).encode()
        self.node.receive(self.session, message, now=asyncio.get_running_loop().time())

    def leave(self) -> None:
        self.session.closed = True
        self.node.closed(self.session)

    @property
    def heard(self) -> list[str]:
        """The events of its channel, in their order."""
        return [one["event"] for one in self.client.told if one.get("channel") == self.channel]

    def data(self, event: str) -> Any:
        found = next(one for one in self.client.told if one["event"] == event)
        return json.loads(found["data"])


async def answered(*guests: Guest) -> None:
    await until(lambda: all(one.heard for one in guests))


@in_a_cluster
async def test_the_limit_of_members_holds_over_nodes_that_know_nothing_of_each_other(
    cluster: Cluster,
) -> None:
    nodes = [await cluster.node() for _ in range(2)]
    for _, broker in nodes:
        # Neither has a list yet when its own clients come.
        broker.hold("members answer")
    guests = [Guest(nodes[index % 2][0], f"u{index}") for index in range(6)]
    await asyncio.sleep(LATE_S)
    for _, broker in nodes:
        broker.let("members answer")
    await answered(*guests)
    came = [guest for guest in guests if guest.heard[0] == SUCCEEDED]
    refused = [guest for guest in guests if guest.heard[0] == REFUSED]
    assert (len(came), len(refused)) == (2, 4)
    error = {"type": "LimitReached", "error": "more than 2 members", "status": 429}
    assert [guest.data(REFUSED) for guest in refused] == [error] * 4
    # Who left makes room, on any node; and the same user may come as often as it likes.
    came[0].leave()
    await until(lambda: "pusher_internal:member_removed" in came[1].heard)
    late = Guest(refused[0].node, "late")
    again = Guest(refused[1].node, "late")
    await answered(late, again)
    assert late.heard[0] == again.heard[0] == SUCCEEDED
    assert late.data(SUCCEEDED)["presence"]["count"] == 2


@in_a_cluster
async def test_members_that_a_broker_lost_come_back_whoever_took_their_room(
    cluster: Cluster,
) -> None:
    one, _ = await cluster.node()
    two, _ = await cluster.node()
    first, second = Guest(one, "ann"), Guest(one, "bob")
    await answered(first, second)
    for user in ("ann", "bob"):
        cluster.store.leave(first.session.subscriptions.copy().popitem()[0], "node-2", user)
    await answered(Guest(two, "cleo"), Guest(two, "dan"))
    one.on_presence_lost()
    channel = next(iter(first.session.subscriptions))
    await until(lambda: cluster.store.users(channel) == ["ann", "bob", "cleo", "dan"])
    assert first.heard.count(REFUSED) == second.heard.count(REFUSED) == 0
