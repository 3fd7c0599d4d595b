"""Nodes that write events for webhooks, and what waits for one of them."""

from collections.abc import Sequence

from brokers import NewBroker
from river_feed import Notes

from riverd.broker import Broker
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.webhooks import QueuedEvent
from riverd.model.webhook_events import Interest, WebhookKind

ALL = Interest(webhook="w1", events=tuple(WebhookKind))


async def node_of(new_broker: NewBroker, *interests: Interest) -> Broker:
    """A node that writes events for these."""
    node = new_broker()
    await node.attach(Notes())
    await node.webhook_queues.want(interests or (ALL,))
    if isinstance(node, RedisBroker):
        # It looks every two seconds.
        await node.webhooks.refresh()
    assert node.webhooks.interests.all == (interests or (ALL,))
    return node


async def waiting(broker: Broker, webhook: str = "w1") -> Sequence[QueuedEvent]:
    return (await broker.webhook_queues.read(webhook, {})).events
