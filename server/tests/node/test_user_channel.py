"""The channel of a client's user: subscribed by the node, answered with the token."""

from functools import partial

from river_cluster import Cluster, Visitor, in_a_cluster, lose, turns
from river_feed import until

from riverd.channels.grants import Grants
from riverd.channels.names import user_channel
from riverd.channels.rules import ChannelRules
from riverd.model.claims import Claims
from riverd.model.log import Message
from riverd.node.authentication import OWN_S_MAX
from riverd.node.waiting import HELD_MAX

RULES = ChannelRules(history_size=50, history_ttl_s=300, user_channels=True)
in_one = partial(in_a_cluster, rules=RULES)
ANN = user_channel("ann")


async def known(visitor: Visitor) -> dict[str, object]:
    """The answer to the token."""
    (answer,) = await visitor.told("authenticated")
    return answer


def resume(visitor: Visitor, at: object) -> None:
    visitor.ask(type="auth", id=1, token="ann", user_position=at)


def place(answer: dict[str, object]) -> dict[str, object]:
    """The position in an answer, as a client gives it back."""
    at = answer["user_position"]
    assert isinstance(at, dict)
    return {"epoch": at["epoch"], "offset": at["offset"]}


@in_one
async def test_every_connection_of_a_user_gets_what_is_published_to_it_and_no_other(
    cluster: Cluster,
) -> None:
    (one, _), (two, _) = await cluster.node(), await cluster.node()
    anns = [cluster.visitor(one), cluster.visitor(one), cluster.visitor(two)]
    bob = cluster.visitor(two, "bob")
    for visitor in (*anns, bob):
        await known(visitor)
    cluster.publish(ANN)
    for ann in anns:
        (event,) = await ann.told("event")
        assert (event["channel"], event["offset"]) == ("#user", 1)
    await turns()
    assert bob.client.take() == []


@in_one
async def test_the_answer_says_where_the_channel_stands_and_a_client_resumes_there(
    cluster: Cluster,
) -> None:
    (one, _), (two, _) = await cluster.node(), await cluster.node()
    cluster.publish(ANN, times=3)
    ann = cluster.visitor(one)
    answer = await known(ann)
    assert answer["user_position"] == {"epoch": "e2", "offset": 3, "recovered": False}
    ann.leave()
    cluster.publish(ANN, times=2)
    again = cluster.stranger(two)
    resume(again, place(answer))
    told = await again.told("authenticated", "event", "event")
    assert told[0]["user_position"] == {"epoch": "e2", "offset": 5, "recovered": True}
    assert [one["offset"] for one in told[1:]] == [4, 5]


@in_one
async def test_who_cannot_resume_is_told_why(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    cluster.publish(ANN)
    ann = cluster.stranger(node)
    resume(ann, {"epoch": "other", "offset": 1})
    assert (await known(ann))["user_position"] == {
        "epoch": "e2",
        "offset": 1,
        "recovered": False,
        "reason": "epoch",
    }


@in_one
async def test_commands_that_follow_the_token_are_answered_after_it_in_their_order(
    cluster: Cluster,
) -> None:
    node, broker = await cluster.node()
    broker.hold("read")
    cluster.book.claims["ann"] = Claims("ann", grants=Grants(None, ("*",)), join=("j",))
    ann = cluster.visitor(node)
    ann.ask(type="publish", id=2, channel="a", event="e", data=1)
    ann.ask(type="auth", id=3, token="ann")
    await turns()
    assert ann.client.types() == []
    broker.let("read")
    await until(lambda: len(ann.client.types()) == 4)
    types = ann.client.types()
    assert types[0] == "authenticated"
    assert sorted(types[1:]) == ["authenticated", "published", "subscribed"]


@in_one
async def test_no_token_waits_long_for_a_broker_that_does_not_answer(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    broker.hold("read")
    ann, asked_at = cluster.visitor(node), cluster.loop.time()
    ann.ask(type="subscribe", id=2, channel="a")
    assert "user_position" not in await known(ann)
    assert cluster.loop.time() - asked_at <= OWN_S_MAX * 1.1
    broker.let("read")
    told = await ann.told("subscribed", "subscribed")
    assert {one["channel"]: one.get("id") for one in told} == {"#user": None, "a": 2}
    cluster.publish(ANN)
    await ann.told("event")


@in_one
async def test_while_the_broker_is_away_the_answer_does_not_wait_for_it(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    broker.hold("read")
    node.control.confirmed_until = cluster.loop.time() + 1
    ann = cluster.stranger(node)
    ann.ask(type="auth", token="ann")
    assert ann.client.types() == ["authenticated"]
    broker.let("read")
    await ann.told("authenticated", "subscribed")


@in_one
async def test_who_leaves_while_its_answer_waits_leaves_nothing_behind(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    broker.hold("read")
    ann = cluster.visitor(node)
    for _ in range(HELD_MAX + 1):
        ann.ask(type="subscribe", channel="a")
    assert ann.session.closed
    assert not node.authentication.waiting.held
    broker.let("read")


@in_one
async def test_a_lost_event_is_found_when_positions_are_compared(cluster: Cluster) -> None:
    node, _ = await cluster.node(compare_s=2)
    ann = cluster.visitor(node)
    await known(ann)
    lose(cluster, 2, ANN)
    await ann.told("event", "event")


@in_one
async def test_a_renewed_token_keeps_the_channel_and_with_a_position_begins_again_there(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    cluster.book.claims["ann"] = Claims("ann", grants=Grants((), ()))
    ann = cluster.visitor(node)
    at = place(await known(ann))
    cluster.publish(ANN)
    await ann.told("event")
    ann.ask(type="auth", token="ann")
    assert "user_position" not in await known(ann)
    resume(ann, at)
    await ann.told("authenticated", "event")
    cluster.publish(ANN)
    await ann.told("event")


@in_one
async def test_it_is_none_of_the_channels_that_a_client_has_asked_for(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await known(ann)
    assert ann.session.channel_count == 0
    assert node.users.describe("ann")[0].channels == []
    for name in ("#user", ANN):
        ann.ask(type="subscribe", id=1, channel=name)
        ann.ask(type="unsubscribe", id=1, channel=name)
        ann.ask(type="publish", id=1, channel=name, event="e", data=1)
        ann.ask(type="history", id=1, channel=name)
    assert {one["code"] for one in ann.client.take()} == {"channel_invalid"}
    await turns()
    assert await broker.occupied("") == {}


@in_one
async def test_what_is_kept_for_a_user_goes_with_its_last_connection(cluster: Cluster) -> None:
    node, _ = await cluster.node(idle_s=1)
    one, two = cluster.visitor(node), cluster.visitor(node)
    await known(one)
    one.leave()
    assert [each.name for each in node.attachments] == [ANN]
    two.leave()
    await until(lambda: not list(node.attachments))


@in_one
async def test_ephemeral_events_and_exclusion_hold_for_users_too(cluster: Cluster) -> None:
    node, broker = await cluster.node()
    ann = cluster.visitor(node)
    await known(ann)
    await broker.publish(Message(ANN, "typing", b"1", keep=False))
    (event,) = await ann.told("event")
    assert event == {"type": "event", "channel": "#user", "event": "typing", "data": 1, "after": 0}
    await broker.publish(Message(ANN, "e", b"2", exclude=ann.session.id))
    cluster.publish(ANN)
    (event,) = await ann.told("event")
    assert event["offset"] == 2


@in_a_cluster
async def test_without_the_setting_nothing_is_subscribed(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    ann = cluster.stranger(node)
    ann.ask(type="auth", token="ann")
    assert ann.client.take() == [{"type": "authenticated", "user": "ann", "expires_at": None}]
    assert not list(node.attachments)


def test_no_id_of_a_user_leaves_its_place() -> None:
    for user in ("a/../b", "{x}", "a}:meta", "*", "#control", "ü" * 128, "a:b", "a%2Fb", "~"):
        name = user_channel(user)
        assert set(name.removeprefix("#user:")).isdisjoint("{}:#/*~")
        assert RULES.of(name).needs_grant
