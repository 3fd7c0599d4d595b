"""`POST /users/U/disconnect` and `POST /tokens`."""

import json
import time
from typing import Any

import pytest
from api_server import SECRET, Served, eventually, over_a_socket, serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from river_feed import Notes

from riverd.auth.tokens import Verifier
from riverd.channels.grants import Grants

NOW = 1_700_000_000.5
DEEP = json.loads('{"a":' * 65 + "1" + "}" * 65)


def test_a_user_is_disconnected_on_every_node(api: Served) -> None:
    nodes = [Notes(), Notes()]
    for node in nodes:
        api.door(node)
    answer = api.ask("POST", "/users/ann/disconnect")
    assert (answer.status, answer.json["user"], answer.json["reached"]) == (200, "ann", 0)
    eventually(lambda: [node.disconnected for node in nodes] == [["ann"], ["ann"]])


@pytest.mark.parametrize(
    ("segment", "user"),
    [
        ("a%2Fb", "a/b"),
        ("auth0%7C12", "auth0|12"),
        ("a%252Fb", "a%2Fb"),
        ("J%C3%B6rg%20B", "Jörg B"),
        ("a+b", "a+b"),
        ("100%", "100%"),
    ],
)
def test_a_users_name_is_decoded_once(api: Served, segment: str, user: str) -> None:
    node = Notes()
    api.door(node)
    assert api.ask("POST", f"/users/{segment}/disconnect").json["user"] == user
    eventually(lambda: node.disconnected == [user])


@pytest.mark.parametrize(
    ("query", "user"),
    [("?user=github%2F17", "github/17"), ("?user=..", ".."), ("?user=a%2Bb", "a+b"), ("", "-")],
)
def test_a_user_can_be_named_in_the_query(api: Served, query: str, user: str) -> None:
    assert api.ask("POST", f"/users/-/disconnect{query}").json["user"] == user


@pytest.mark.parametrize(
    "path",
    [
        "/users/-/disconnect?user=",
        "/users/-/block?user",
        "/users/ann/disconnect?user=bob",
        "/users/-/channels/-/remove?user=ann&channel=",
        "/users/ann/channels/dogs/remove?channel=cats",
        "/users/-/disconnect?user=bob&user=eve",
        "/users/-/block?user=bob&user=bob",
    ],
)
def test_an_order_whose_query_names_nobody_or_another_than_the_path_is_refused(
    api: Served, path: str
) -> None:
    node = Notes()
    api.door(node)
    answer = api.ask("POST", path)
    assert (answer.status, answer.code) == (400, "invalid_field")
    assert api.ask("POST", "/users/ann/disconnect?user=ann").json["user"] == "ann"
    eventually(lambda: node.disconnected == ["ann"])


def test_a_channel_can_be_named_in_the_query(api: Served) -> None:
    api.ask("POST", "/publish", b'{"channel": "github/17", "event": "e"}')
    assert api.ask("GET", "/channels/-?channel=github%2F17").json["channel"] == "github/17"
    history = api.ask("GET", "/channels/-/history?channel=github%2F17&limit=5").json
    assert [one["offset"] for one in history["publications"]] == [1]


def test_a_body_that_nobody_asked_for_does_no_harm(api: Served) -> None:
    assert api.ask("DELETE", "/users/ann/block", b"{}").status == 200
    assert api.ask("POST", "/users/ann/disconnect", b"{}").status == 200


@over_a_socket
def test_a_name_that_is_no_utf_8_is_told(api: Served) -> None:
    answer = api.ask("POST", "/users/%FF/disconnect")
    assert (answer.status, answer.code) == (400, "invalid_field")


@pytest.mark.parametrize("segment", ["", "u" * 257])
def test_a_name_that_no_user_can_have_is_told(api: Served, segment: str) -> None:
    answer = api.ask("POST", f"/users/{segment}/disconnect")
    assert (answer.status, answer.code) == (400, "invalid_field")


def test_a_token_says_what_was_asked() -> None:
    with serving(clock=lambda: NOW) as api:
        told = api.post(
            "/tokens",
            {
                "user": "ann",
                "ttl_s": 60,
                "subscribe": ["private-*"],
                "publish": ["typing-?"],
                "channels": ["private-user-*"],
                "info": {"name": "Ann"},
            },
        ).json
    claims = Verifier([SECRET]).verify(told["token"], NOW)
    assert told["expires_at"] == claims.expires_at == int(NOW) + 60
    assert claims.user == "ann"
    assert claims.grants == Grants(("private-*",), ("typing-?",), ("private-user-*",))
    assert claims.info == b'{"name":"Ann"}'


def test_a_token_lasts_an_hour_unless_told() -> None:
    with serving(clock=lambda: NOW) as api:
        told = api.post("/tokens", {"user": "ann"}).json
    claims = Verifier([SECRET]).verify(told["token"], NOW)
    assert claims.expires_at == int(NOW) + 3600
    assert claims.grants == Grants()
    assert claims.info is None


def test_an_empty_list_grants_nothing_and_none_the_usual(api: Served) -> None:
    told = api.post("/tokens", {"user": "ann", "subscribe": []}).json
    assert Verifier([SECRET]).verify(told["token"], time.time()).grants == Grants(())


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "invalid_field"),
        ({"user": ""}, "invalid_field"),
        ({"user": 7}, "invalid_field"),
        ({"user": "u" * 257}, "invalid_field"),
        ({"user": "u", "subscibe": ["dogs"]}, "invalid_field"),
        ({"user": "u", "ttl": 60}, "invalid_field"),
        ({"user": "u", "ttl_s": 0}, "invalid_field"),
        ({"user": "u", "ttl_s": -1}, "invalid_field"),
        ({"user": "u", "ttl_s": 2_592_001}, "invalid_field"),
        ({"user": "u", "ttl_s": 10**100}, "invalid_field"),
        ({"user": "u", "ttl_s": "1h"}, "invalid_field"),
        ({"user": "u", "subscribe": "*"}, "invalid_field"),
        ({"user": "u", "subscribe": ["*"] * 101}, "invalid_field"),
        ({"user": "u", "publish": [""]}, "invalid_field"),
        ({"user": "u", "publish": ["g" * 257]}, "invalid_field"),
        ({"user": "u", "publish": ["g" * 250] * 90}, "invalid_field"),
        ({"user": "u", "info": []}, "invalid_field"),
        ({"user": "u", "info": {"a": "x" * 4096}}, "invalid_field"),
        ({"user": "u", "info": DEEP}, "too_deep"),
        ({"user": "u", "info": {"a": 10**300}}, "invalid_field"),
    ],
)
def test_a_token_that_cannot_be_made_is_told_why(
    api: Served, fields: dict[str, object], code: str
) -> None:
    answer = api.post("/tokens", fields)
    assert (answer.status, answer.code) == (400, code)


@pytest.mark.parametrize("info", [DEEP["a"], {"a": 10**300 - 1}, {"a": "x" * 4088}])
def test_info_at_its_bounds_is_signed_and_accepted(api: Served, info: dict[str, object]) -> None:
    token = api.post("/tokens", {"user": "ann", "info": info}).json["token"]
    shown = Verifier([SECRET]).verify(token, time.time()).info
    assert shown is not None
    assert json.loads(shown) == info


@pytest.mark.parametrize("body", [b'{"user":"\\ud800"}', b'{"user":"u","info":{"a":1e999}}'])
def test_what_no_token_can_hold_is_refused(api: Served, body: bytes) -> None:
    assert api.ask("POST", "/tokens", body).status == 400


def test_without_a_secret_there_are_no_tokens() -> None:
    with serving(signer=None) as api:
        answer = api.post("/tokens", {"user": "ann"})
    assert (answer.status, answer.code) == (404, "not_found")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
_globs = st.lists(st.text(max_size=20), max_size=3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    fields=st.fixed_dictionaries(
        {"user": st.text(max_size=300)},
        optional={
            "ttl_s": st.integers(-1, 2_600_000),
            "subscribe": st.none() | _globs,
            "publish": _globs,
            "info": st.none() | st.dictionaries(st.text(max_size=5), _json, max_size=3),
        },
    )
)
def test_every_token_that_is_given_is_one_that_is_accepted(
    api: Served, fields: dict[str, Any]
) -> None:
    before = time.time()
    answer = api.post("/tokens", fields)
    if answer.status != 200:
        assert (answer.status, answer.code[:5]) in {(400, "inval"), (400, "too_d"), (400, "not_j")}
        return
    claims = Verifier([SECRET], leeway_s=1).verify(answer.json["token"], before)
    assert claims.user == fields["user"]
    assert (claims.info is None) == (fields.get("info") is None)
