"""What changes on a node that does not know yet of the webhook that asks for it."""

from collections.abc import AsyncIterator

import pytest
from brokers import RedisBrokers
from redis_server import RedisServer
from river_feed import Notes

from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.missed_changes import NAMES_MAX, MissedChanges
from riverd.broker.webhooks import QueuedEvent
from riverd.model.log import Member, Message
from riverd.model.webhook_events import MEMBERS, Interest, WebhookInterests, WebhookKind

OLD = Interest(webhook="w0", events=tuple(WebhookKind))
NEW = Interest(webhook="w1", events=tuple(WebhookKind), channels="room-*")
ANN, BOB = Member("ann", b"{}"), Member("bob", b"{}")


@pytest.fixture
async def node(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisBroker]:
    """A node that has looked before a webhook was set, whose first reset was delivered since."""
    monkeypatch.setattr("riverd.broker.redis.webhooks.REFRESH_S", 3_600.0)
    brokers = RedisBrokers(server.url)
    node = brokers()
    await node.attach(Notes())
    await node.webhook_queues.want([OLD])
    await node.webhooks.refresh()
    await node.report({"room-1": 1})
    await node.join("room-1", BOB)
    await node.webhooks.refresh()
    await node.webhook_queues.want([OLD, NEW])
    await node.webhook_queues.begin("w1")
    await node.webhook_queues.settle("w1", await waiting(node))
    yield node
    await brokers.close()
    assert not brokers.failures


async def waiting(node: RedisBroker) -> list[QueuedEvent]:
    return list((await node.webhook_queues.read("w1", {})).events)


async def test_member_who_joined_before_the_node_knew_is_in_another_reset(
    node: RedisBroker,
) -> None:
    await node.join("room-1", ANN)
    assert await waiting(node) == []
    await node.webhooks.refresh()
    [reset] = await waiting(node)
    assert (reset.kind, reset.reason) == ("reset", "started")
    [room], _ = await node.webhook_queues.truth(NEW)
    assert room.members == ["ann", "bob"]
    await node.webhooks.refresh()
    assert await waiting(node) == [reset]


@pytest.mark.parametrize("change", ["leave", "vacate", "publish"])
async def test_every_other_change_before_the_node_knew_brings_a_reset_too(
    node: RedisBroker, change: str
) -> None:
    match change:
        case "leave":
            await node.leave("room-1", "bob")
        case "vacate":
            await node.report({"room-1": 0})
        case _:
            await node.webhooks.publish(Message("room-1", "typed", b"1", user="ann"), "s1")
    assert await waiting(node) == []
    await node.webhooks.refresh()
    assert [one.kind for one in await waiting(node)] == ["reset"]


async def test_node_on_which_nothing_of_it_changed_writes_no_second_reset(
    node: RedisBroker,
) -> None:
    await node.join("hall-1", ANN)
    await node.webhooks.refresh()
    assert await waiting(node) == []


def test_change_under_way_while_the_node_learns_needs_a_reset() -> None:
    interests = WebhookInterests()
    missed = MissedChanges(interests)
    missed.begin_look()
    missed.end_look([NEW])
    assert missed.webhooks == set()
    missed.changed("room-1", MEMBERS, wanted=())
    assert missed.webhooks == {"w1"}


def test_look_that_failed_forgets_no_change() -> None:
    missed = MissedChanges(WebhookInterests())
    missed.changed("room-1", MEMBERS, wanted=())
    missed.begin_look()
    missed.begin_look()
    missed.end_look([NEW])
    assert missed.webhooks == {"w1"}


def test_of_many_changes_all_webhooks_that_are_learnt_need_a_reset() -> None:
    missed = MissedChanges(WebhookInterests())
    for number in range(NAMES_MAX + 1):
        missed.changed(f"hall-{number}", MEMBERS, wanted=())
    missed.begin_look()
    missed.end_look([NEW])
    assert missed.webhooks == {"w1"}


def test_webhook_that_was_changed_is_sent_what_it_asked_for_before_and_now() -> None:
    before = Interest(webhook="w1", events=(WebhookKind.MEMBER_JOINED,))
    now = Interest(webhook="w1", events=(WebhookKind.CHANNEL_OCCUPIED,))
    for order in ([before, now], [now, before]):
        [wanted] = WebhookInterests(order).of("room-1", frozenset(WebhookKind))
        assert wanted.kinds == {WebhookKind.MEMBER_JOINED, WebhookKind.CHANNEL_OCCUPIED}
