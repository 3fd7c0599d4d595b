"""`/webhooks`: what each has waiting, what it could not deliver, replaying that."""

import json

from api_server import serving
from dead_webhook import WEBHOOK, broker_with_dead_events

from riverd.auth.webhooks import endpoints_of, parse_webhooks


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
