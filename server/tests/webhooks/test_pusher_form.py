"""Requests in Pusher's form, read by its library for Python."""

import json
import time
from typing import Any

import pusher

from riverd.auth.apps import Apps, parse_apps
from riverd.auth.webhooks import WebhookEndpoint, WebhookForm
from riverd.broker.webhooks import OccupiedNow, QueuedEvent
from riverd.channels.names import app_channel
from riverd.webhooks.forms import TruthNow, request_for, untold_by

APP: dict[str, Any] = {"id": "1", "key": "a-key", "secret": "a-secret-of-sixteen"}
NOTHING = TruthNow()


def endpoint(*events: str) -> WebhookEndpoint:
    webhook = {"url": "https://example.com/hook", "events": events}
    [made] = Apps(
        parse_apps("RIVER_APPS", json.dumps([{**APP, "webhooks": [webhook]}]))
    ).webhook_endpoints()
    return made


def queued(kind: str, channel: str = "", **fields: Any) -> QueuedEvent:
    name = app_channel("1", channel) if channel else ""
    return QueuedEvent(
        id="e", queue="", entry="1", at_ms=1, since_ms=1, kind=kind, channel=name, **fields
    )


def read(
    where: WebhookEndpoint, *events: QueuedEvent, truth: TruthNow = NOTHING
) -> list[dict[str, Any]] | None:
    """What a receiver reads; None if nothing is sent."""
    now_ms = int(time.time() * 1000)
    made = request_for(where, events, truth=truth, now_ms=now_ms)
    if made is None:
        return None
    library = pusher.Pusher(app_id="1", key=APP["key"], secret=APP["secret"])
    found = library.validate_webhook(
        made.headers["X-Pusher-Key"], made.headers["X-Pusher-Signature"], made.body
    )
    assert found is not None, "its library does not verify it"
    assert found["time_ms"] == now_ms
    told: list[dict[str, Any]] = found["events"]
    return told


def test_a_client_event_has_its_data_as_text_and_the_socket_of_a_client_of_the_protocol() -> None:
    sent = {"event": "client-x", "data": b'{"a":1}', "user": "ann"}
    in_dogs = queued("client_event", "presence-dogs", session="12.34", **sent)
    [told] = read(endpoint("client_event"), in_dogs) or ()
    assert told == {
        "id": "e",
        "name": "client_event",
        "channel": "presence-dogs",
        "user_id": "ann",
        "event": "client-x",
        "data": '{"a":1}',
        "socket_id": "12.34",
    }
    in_cats = queued("client_event", "private-cats", session="of-another-protocol", **sent)
    [told] = read(endpoint("client_event"), in_cats) or ()
    assert "user_id" not in told
    assert "socket_id" not in told


def test_a_reset_says_what_is_true_now_in_the_events_that_are_wanted() -> None:
    occupied = [
        OccupiedNow(app_channel("1", "presence-dogs"), 2, ["ann", "bob"]),
        OccupiedNow(app_channel("1", "cats"), 3),
    ]
    reset, truth = queued("reset", reason="broker"), TruthNow(occupied)
    everything = endpoint("channel_occupied", "member_added", "subscription_count")
    told = read(everything, reset, truth=truth) or ()
    ids = {one.pop("id") for one in told}
    assert len(ids) == len(told)
    assert told == [
        {"name": "channel_occupied", "channel": "presence-dogs"},
        {"name": "member_added", "channel": "presence-dogs", "user_id": "ann"},
        {"name": "member_added", "channel": "presence-dogs", "user_id": "bob"},
        {"name": "channel_occupied", "channel": "cats"},
        {"name": "subscription_count", "channel": "cats", "subscription_count": 3},
    ]
    again = read(everything, reset, truth=truth) or ()
    assert {one["id"] for one in again} == ids
    fewer = read(endpoint("channel_occupied"), reset, truth=truth) or ()
    assert {one["name"] for one in fewer} == {"channel_occupied"}


def test_a_reset_does_not_say_who_is_gone() -> None:
    truth = TruthNow([OccupiedNow(app_channel("1", "presence-dogs"), 1, ["ann"])])
    is_untold = untold_by(WebhookForm.PUSHER, truth)
    assert is_untold is not None
    assert is_untold(queued("member_left", "presence-dogs", user="bob"))
    assert not is_untold(queued("member_left", "presence-dogs", user="ann"))
    assert not is_untold(queued("channel_vacated", "presence-dogs"))
    assert is_untold(queued("channel_vacated", "cats"))
    assert is_untold(queued("subscription_count", "cats", count=0))
    assert not is_untold(queued("subscription_count", "cats", count=1))
    assert not is_untold(queued("member_joined", "cats", user="bob"))
    # River's own form says the whole state.
    assert untold_by(WebhookForm.RIVER, truth) is None


def test_nothing_is_sent_where_the_form_has_nothing_to_say() -> None:
    where = endpoint("subscription_count", "channel_vacated")
    assert read(where, queued("reset", reason="started")) is None
    assert read(where, queued("subscription_count", "presence-dogs", count=2)) is None
    assert read(where, queued("test")) == []


def test_members_of_a_channel_that_a_rule_gives_members_are_named_too() -> None:
    told = read(endpoint("member_removed"), queued("member_left", "room", user="ann"))
    assert told == [{"id": "e", "name": "member_removed", "channel": "room", "user_id": "ann"}]
