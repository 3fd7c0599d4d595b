"""What a user may use over all connections, and all users of a node."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from river_cluster import Cluster, Visitor, in_a_cluster
from river_feed import until
from river_time import in_no_time

from riverd.core.session_limits import SessionLimits
from riverd.errors import BrokerError
from riverd.model.orders import UserUse
from riverd.node.node import Node
from riverd.node.replicas.attaching import ATTACHING_MAX
from riverd.node.users_elsewhere import FRESH_S, KEPT_S, UsersElsewhere
from riverd.scheduling.tasks import Tasks

if TYPE_CHECKING:
    from riverd.broker import Broker


async def comes(
    cluster: Cluster, node: Node, limits: SessionLimits, *, user: str = "ann"
) -> Visitor:
    visitor = cluster.stranger(node)
    visitor.session.limits = limits
    visitor.ask(type="auth", token=user)
    return visitor


def code_of(visitor: Visitor) -> str | None:
    """The code of an error among what was sent."""
    return next((one["code"] for one in visitor.client.take() if one["type"] == "error"), None)


@in_a_cluster
async def test_connection_too_many_of_a_user_is_refused_and_others_are_not(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    limits = SessionLimits(rate=1e9, user_connections_max=2)
    first, _ = [await comes(cluster, node, limits) for _ in range(2)]
    surplus = await comes(cluster, node, limits)
    assert code_of(surplus) == "too_many_connections"
    assert surplus.client.closed is not None
    assert surplus.client.closed[0] == 4429
    assert (await comes(cluster, node, limits, user="bob")).client.closed is None
    # To renew a token is no connection more.
    first.ask(type="auth", token="ann")
    assert code_of(first) is None
    first.leave()
    assert (await comes(cluster, node, limits)).client.closed is None


@in_a_cluster
async def test_channels_of_a_user_are_counted_over_all_connections(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    limits = SessionLimits(rate=1e9, user_channels_max=5)
    first, second = [await comes(cluster, node, limits) for _ in range(2)]
    for number in range(4):
        first.ask(type="subscribe", id=number, channel=f"c{number}")
    second.ask(type="subscribe", id=9, channel="c0")
    assert code_of(second) is None
    second.ask(type="subscribe", id=10, channel="c1")
    assert code_of(second) == "too_many_channels"
    first.ask(type="unsubscribe", id=11, channel="c3")
    second.ask(type="subscribe", id=12, channel="c1")
    assert code_of(second) is None


@in_a_cluster
async def test_connections_that_are_over_and_wait_to_be_taken_out_count_no_more(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    limits = SessionLimits(rate=1e9, user_connections_max=2, user_channels_max=1)
    over, _ = [await comes(cluster, node, limits) for _ in range(2)]
    over.ask(type="subscribe", id=1, channel="c0")
    over.session.end("lost")
    newcomer = await comes(cluster, node, limits)
    newcomer.ask(type="subscribe", id=2, channel="c1")
    assert code_of(newcomer) is None
    assert code_of(await comes(cluster, node, limits)) == "too_many_connections"


@in_a_cluster
async def test_messages_of_a_user_are_counted_over_all_connections(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    # One a second is earned while the test runs in virtual time: none.
    limits = SessionLimits(rate=1e9, user_rate=1, user_channels_max=19)
    first, second = [await comes(cluster, node, limits) for _ in range(2)]
    for number in range(10):
        first.ask(type="ping", id=number)
        second.ask(type="ping", id=number)
    assert first.client.closed is None
    first.client.take()
    first.ask(type="ping", id=99)
    assert code_of(first) == "too_fast"
    assert first.client.closed is not None
    assert first.client.closed[0] == 4429


@in_a_cluster
async def test_bytes_of_a_user_are_counted_over_all_connections(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    limits = SessionLimits(rate=1e9, fanout_bytes_rate=100, bytes_burst_s=1)
    first, second = [await comes(cluster, node, limits) for _ in range(2)]
    other = await comes(cluster, node, limits, user="bob")
    other.ask(type="subscribe", id=1, channel="c")
    await other.told("authenticated", "subscribed")
    publication = {"type": "publish", "channel": "c", "event": "e", "data": "x" * 200}
    first.ask(id=1, **publication)
    second.ask(id=2, **publication)
    assert code_of(second) == "too_fast"
    other.ask(id=3, **publication)
    assert code_of(other) is None


@in_a_cluster
async def test_node_has_so_many_channels_and_no_more(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    limits = SessionLimits(rate=1e9, node_channels_max=2)
    ann, bob = [await comes(cluster, node, limits, user=user) for user in ("ann", "bob")]
    for number in range(2):
        ann.ask(type="subscribe", id=number, channel=f"c{number}")
    bob.ask(type="subscribe", id=1, channel="c0")
    assert code_of(bob) is None
    bob.ask(type="subscribe", id=2, channel="c2")
    assert code_of(bob) == "too_many_channels"


@in_a_cluster
async def test_joins_and_leaves_are_paid_by_who_makes_them(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    limits = SessionLimits(rate=1e9, fanout_bytes_rate=500, bytes_burst_s=1)
    for number in range(10):
        member = await comes(cluster, node, SessionLimits(), user=f"member-{number}")
        member.ask(type="subscribe", id=1, channel="presence-c")
        await member.told("authenticated", "subscribed")
    ann = await comes(cluster, node, limits)
    ann.ask(type="subscribe", id=1, channel="presence-c")
    await ann.told("authenticated", "subscribed")
    ann.ask(type="unsubscribe", id=2, channel="presence-c")
    ann.ask(type="subscribe", id=3, channel="presence-c")
    assert code_of(ann) == "too_fast"
    # What costs others nothing is free.
    ann.ask(type="subscribe", id=4, channel="presence-empty")
    assert code_of(ann) is None


@in_a_cluster
async def test_client_with_many_channels_waits_for_itself(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    read, under_way, most = broker.read, 0, 0

    async def counted(*args: object, **named: object) -> object:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return await read(*args, **named)  # type: ignore[arg-type]  as it came

    broker.read = counted  # type: ignore[assignment,method-assign]  the same, counted
    ann = await comes(cluster, node, SessionLimits(rate=1e9, channels_max=1_000))
    for number in range(3 * ATTACHING_MAX):
        ann.ask(type="subscribe", id=number, channel=f"c{number}")
    await until(lambda: ann.client.types().count("subscribed") == 3 * ATTACHING_MAX)
    assert most == ATTACHING_MAX


@in_a_cluster
async def test_channels_that_users_have_for_themselves_take_nobodys_room(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    limits = SessionLimits(rate=1e9, node_channels_max=1)
    users = [await comes(cluster, node, limits, user=f"user-{number}") for number in range(3)]
    for user in users:
        await user.told("authenticated")
    users[0].ask(type="subscribe", id=1, channel="c")
    await users[0].told("subscribed")
    users[1].ask(type="subscribe", id=1, channel="d")
    assert code_of(users[1]) == "too_many_channels"


async def two_nodes(cluster: Cluster) -> tuple[Node, Node]:
    (one, one_broker), (other, other_broker) = await cluster.node(), await cluster.node()
    await one_broker.control.register("one")
    await other_broker.control.register("other")
    return one, other


@in_a_cluster
async def test_connections_of_a_user_are_counted_roughly_over_all_nodes(cluster: Cluster) -> None:
    one, other = await two_nodes(cluster)
    limits = SessionLimits(rate=1e9, user_connections_max=20)
    there = [await comes(cluster, other, limits) for _ in range(15)]
    for _ in range(3):
        assert code_of(await comes(cluster, one, limits)) is None
    # It has asked since the third.
    await asyncio.sleep(1)
    codes = [code_of(await comes(cluster, one, limits)) for _ in range(4)]
    assert codes == [None, None, "too_many_connections", "too_many_connections"]
    assert code_of(await comes(cluster, one, limits, user="bob")) is None
    for visitor in there:
        visitor.leave()
    await asyncio.sleep(FRESH_S)
    await comes(cluster, one, limits)
    await asyncio.sleep(1)
    assert code_of(await comes(cluster, one, limits)) is None


@in_a_cluster
async def test_channels_of_a_user_are_counted_roughly_over_all_nodes(cluster: Cluster) -> None:
    one, other = await two_nodes(cluster)
    limits = SessionLimits(rate=1e9, user_channels_max=20)
    visitors = [[await comes(cluster, node, limits) for _ in range(2)] for node in (one, other)]
    for visitor, count in ((visitors[1][0], 16), (visitors[0][0], 3)):
        for number in range(count):
            visitor.ask(type="subscribe", id=number, channel=f"c{number}")
    await asyncio.sleep(1)
    last = visitors[0][1]
    last.ask(type="subscribe", id=1, channel="d1")
    assert code_of(last) is None
    last.ask(type="subscribe", id=2, channel="d2")
    assert code_of(last) == "too_many_channels"


class AwayControl:
    """A broker's control that does not answer."""

    async def nodes(self) -> Mapping[str, str]:
        raise BrokerError("away")


class AwayBroker:
    """A broker that is away."""

    control = AwayControl()


@in_no_time
async def test_what_a_user_had_elsewhere_is_forgotten_while_the_broker_is_away() -> None:
    now, failures = [100.0], list[BaseException]()
    tasks, broker = Tasks(failures.append), cast("Broker", AwayBroker())
    elsewhere = UsersElsewhere(broker, lambda _: UserUse(1, 1), tasks=tasks, clock=lambda: now[0])
    elsewhere._keep("ann", UserUse(3, 4))
    now[0] += FRESH_S
    assert elsewhere.of("ann") == UserUse(3, 4)
    await asyncio.sleep(1)
    now[0] += KEPT_S
    assert elsewhere.of("ann") == UserUse(0, 0)
    await asyncio.sleep(1)
    assert elsewhere._asked == {}
    assert failures == []
