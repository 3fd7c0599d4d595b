"""RIVER_APPS: what is taken, what is refused with which line, and how keys change."""

import json
from typing import Any

import pytest

from riverd.auth.apps import Apps, encoded, parse_apps, with_older_keys
from riverd.errors import SettingsError

APP = {"id": "1", "key": "a-key", "secret": "a-secret-of-sixteen"}
HOOK = {"url": "https://example.com/hook", "events": ["member_added", "channel_occupied"]}


def hooked(**change: object) -> str:
    return apps({"webhooks": [{**HOOK, **change}]})


def apps(*changed: dict[str, Any]) -> str:
    return json.dumps([{**APP, **one} for one in changed])


def test_an_app_needs_an_id_a_key_and_a_secret() -> None:
    [app] = parse_apps("RIVER_APPS", apps({}))
    assert (app.id, app.key, app.native, app.client_events) == ("1", "a-key", False, False)
    assert parse_apps("RIVER_APPS", "[]") == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no JSON", "malformed"),
        ("{}", "Expected `array`"),
        (apps({"id": "one"}), r"\$\[0\]\.id"),
        (apps({"key": ""}), r"\$\[0\]\.key"),
        (apps({"key": "with space"}), r"\$\[0\]\.key"),
        (apps({"secret": "short"}), r"\$\[0\]\.secret"),
        (apps({"natve": True}), "unknown field `natve`"),
        (apps({"native": True}, {"id": "2", "key": "b", "native": True}), "more than one app"),
        (apps({}, {"key": "b"}), "the id 1 is there twice"),
        (apps({}, {"id": "2"}), "the key a-key is there twice"),
        (hooked(events=["member_joined"]), "events are channel_occupied, .*, member_added"),
        (hooked(secret="a-secret-of-another"), "unknown field `secret`"),
        (hooked(url="ftp://example.com/"), "app 1: webhook 1: url: not an http"),
        (apps({"webhooks": [HOOK, HOOK]}), "app 1: two webhooks have the same"),
        ("[" * 3000, "nested too deeply|Expected `object`"),
    ],
)
def test_what_is_wrong_is_one_line_without_a_secret(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        parse_apps("RIVER_APPS", text)
    line = str(caught.value)
    assert line.startswith("RIVER_APPS: ")
    assert "\n" not in line
    assert "a-secret" not in line
    assert '"short"' not in line


def test_a_key_belongs_to_one_app() -> None:
    two = {"id": "2", "key": "b-key", "secret": "b-secret-of-sixteen"}
    known = Apps(parse_apps("RIVER_APPS", apps({}, two)))
    assert known.of_key("a-key") == known.by_id["1"]
    assert known.of_key("nobody") is None
    assert known.secret("1", "a-key") == "a-secret-of-sixteen"
    assert known.secret("1", "b-key") is None


def test_older_keys_stay_good_while_new_ones_are_made() -> None:
    older = parse_apps("RIVER_APPS", apps({}))
    newer = parse_apps("RIVER_APPS", apps({"key": "next", "secret": "the-next-secret-of-it"}))
    merged = parse_apps("RIVER_APPS", encoded(with_older_keys(newer, older)))
    known = Apps(merged)
    assert known.secret("1", "next") == "the-next-secret-of-it"
    assert known.secret("1", "a-key") == "a-secret-of-sixteen"
    known.use(newer)
    assert known.of_key("a-key") is None


def test_the_oldest_key_that_is_good_signs_webhooks() -> None:
    older = {"key": "older", "secret": "older-secret-of-it"}
    known = Apps(parse_apps("RIVER_APPS", apps({"webhooks": [HOOK], "previous": [older]})))
    [endpoint] = known.webhook_endpoints()
    assert (endpoint.key, endpoint.secrets) == ("older", ("older-secret-of-it",))


def test_webhooks_of_an_app_are_about_its_own_channels_and_have_names_of_their_own() -> None:
    two = {"id": "2", "key": "b-key", "native": True, "webhooks": [{**HOOK, "name": "mine"}]}
    known = Apps(parse_apps("RIVER_APPS", apps({"webhooks": [{**HOOK, "name": "mine"}]}, two)))
    apart, native = known.webhook_endpoints()
    assert (apart.id, apart.app, apart.interest.app) == ("mine@1", "1", "1")
    assert (native.id, native.app, native.interest.app) == ("mine@2", "2", None)
    assert apart.event_names == ["channel_occupied", "member_added"]
    assert apart.interest.events == ("channel_occupied", "member_joined")
