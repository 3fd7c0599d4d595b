"""A webhook that could not deliver everything."""

import asyncio
import json
from collections.abc import Coroutine
from typing import TypeVar

from riverd.auth.webhooks import endpoints_of, parse_webhooks
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.broker.memory.webhooks import WebhookStore
from riverd.broker.webhooks import QueuedEvent
from riverd.channels.rules import ChannelRules

T = TypeVar("T")
SECRET = "a-secret-of-webhooks-0123456789"
WEBHOOK = {
    "name": "mine",
    "url": "https://example.com/hook?token=x",
    "events": ["channel_occupied"],
    "channels": "chat-*",
    "secret": SECRET,
}


def now(work: Coroutine[None, None, T]) -> T:
    """Do it: a broker in memory waits for nothing."""
    return asyncio.run(work)


def broker_with_dead_events(*_: object) -> MemoryBroker:
    """A broker with one event that waits for the webhook, and two that could not be delivered."""
    store = WebhookStore(wall=lambda: 12.0)
    rules = ChannelRules(history_size=1, history_ttl_s=1)
    broker = MemoryBroker(Switchboard(Store(rules, new_epoch=lambda: "e"), store), lambda: 0.0)
    [endpoint] = endpoints_of(parse_webhooks("X", json.dumps([WEBHOOK])))
    now(broker.webhook_queues.want([endpoint.interest]))
    now(broker.report({"chat-1": 1, "chat-2": 1, "chat-3": 1}))
    waiting: list[QueuedEvent] = [*now(broker.webhook_queues.read("mine", {})).events]
    now(broker.webhook_queues.bury("mine", waiting[:2], error="status 500"))
    report = b'{"failed_at_ms":12000,"error":"status 500","attempts":3}'
    now(broker.webhook_queues.note("mine", report))
    return broker
