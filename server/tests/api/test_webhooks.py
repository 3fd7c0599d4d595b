"""`/webhooks`: what each has waiting, what it could not deliver, replaying that."""

import asyncio
import json
from collections.abc import Coroutine
from typing import TypeVar

from api_server import serving

from riverd.auth.webhooks import endpoints_of, parse_webhooks
from riverd.broker.memory.broker import MemoryBroker, Switchboard
from riverd.broker.memory.store import Store
from riverd.broker.memory.webhooks import WebhookStore
from riverd.broker.webhooks import QueuedEvent
from riverd.channel_rules import ChannelRules

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
    """A broker in memory waits for nothing."""
    return asyncio.run(work)


def broker_with_dead_events(*_: object) -> MemoryBroker:
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


def test_what_waits_and_what_could_not_be_delivered_is_said_and_replayed() -> None:
    endpoints = endpoints_of(parse_webhooks("X", json.dumps([WEBHOOK])))
    with serving(broker_with_dead_events, webhooks=lambda: endpoints) as api:
        answer = api.get("/webhooks")
        [state] = answer.json["webhooks"]
        assert state == {
            "webhook": "mine",
            "url": "https://example.com/hook",
            "form": "river",
            "events": ["channel_occupied"],
            "channels": "chat-*",
            "waiting": 1,
            "waiting_bytes": state["waiting_bytes"],
            "oldest_at_ms": 12_000,
            "dead": 2,
            "overflows": 0,
            "attempts": 3,
            "failed_at_ms": 12_000,
            "error": "status 500",
        }
        dead = api.get("/webhooks/mine/dead?limit=1").json["dead"]
        assert dead == [
            {
                "id": dead[0]["id"],
                "type": "channel_occupied",
                "time_ms": 12_000,
                "dead_at_ms": 12_000,
                "error": "status 500",
                "channel": "chat-1",
            }
        ]
        again = {"webhook": "mine", "ids": [dead[0]["id"], "none"]}
        replayed = api.ask("POST", "/webhooks/replay", json.dumps(again).encode())
        assert (replayed.status, replayed.json) == (200, {"webhook": "mine", "events": 1})
        tried = api.ask("POST", "/webhooks/test", b'{"webhook":"mine"}')
        assert (tried.status, tried.json["events"]) == (200, 1)
        [state] = api.get("/webhooks").json["webhooks"]
        assert (state["waiting"], state["dead"]) == (3, 1)


def test_what_is_wrong_with_a_request_is_said() -> None:
    endpoints = endpoints_of(parse_webhooks("X", json.dumps([WEBHOOK])))
    with serving(broker_with_dead_events, webhooks=lambda: endpoints) as api:
        for method, path, body, status in (
            ("GET", "/webhooks/other/dead", None, 404),
            ("GET", "/webhooks/mine/dead?limit=0", None, 400),
            ("GET", "/webhooks/mine/dead?limit=x", None, 400),
            ("POST", "/webhooks/replay", {"webhook": "other"}, 404),
            ("POST", "/webhooks/replay", {"webhook": "mine", "limit": 10_001}, 400),
            ("POST", "/webhooks/replay", {"webhok": "mine"}, 400),
            ("POST", "/webhooks/test", {"webhook": "other"}, 404),
        ):
            given = None if body is None else json.dumps(body).encode()
            assert api.ask(method, path, given).status == status, (method, path, body)
