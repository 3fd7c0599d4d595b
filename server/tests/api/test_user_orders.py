"""Orders about users: to log them out everywhere, to block them, to take them out of channels."""

import asyncio
import time
from typing import Any
from urllib.parse import quote

import pytest
from api_server import Served, eventually, new_channel, run, serving
from river_feed import Notes

from riverd.auth.api_keys import Keys
from riverd.broker import Broker
from riverd.model.orders import (
    Order,
    OrderKind,
    Question,
    Standing,
    StandingKind,
    UserConnection,
    encode,
)

RELOAD = Order("reload", OrderKind.RELOAD)
USERS = ["ann", "a/b", "..", "Jörg {B}", "x" * 128, "a b|c+d%2F"]


def ordered(api: Served, method: str, path: str, body: dict[str, Any] | None = None) -> Order:
    """The order that a request makes of itself."""
    node = Notes()
    api.door(node)
    answer = api.ask(method, path) if body is None else api.post(path, body)
    assert answer.status == 200, answer.body
    eventually(lambda: bool(node.orders))
    return node.orders[-1]


def test_a_log_out_everywhere_refuses_what_was_issued_until_now() -> None:
    with serving(clock=lambda: 1000.0, leeway_s=5, token_max_age_s=600) as api:
        order = ordered(api, "POST", "/users/ann/disconnect", {"revoke": True})
    assert (order.kind, order.user) == (OrderKind.REVOKE, "ann")
    assert (order.at, order.before) == (1000, 1005)
    # As long as a token of that age may be used, by the slowest of clocks.
    assert order.ends_at == 1005 + 600 + 10


def test_without_revoke_connections_are_closed_and_tokens_stay_good(api: Served) -> None:
    order = ordered(api, "POST", "/users/ann/disconnect", {"revoke": False})
    assert (order.kind, order.standing()) == (OrderKind.DISCONNECT, None)


@pytest.mark.parametrize("user", USERS)
def test_users_of_any_name_are_blocked_listed_and_unblocked(api: Served, user: str) -> None:
    query = f"?user={quote(user, safe='')}"
    until = time.time() + 3600
    answer = api.post(f"/users/-/block{query}", {"until": until})
    assert answer.json["user"] == user
    assert (answer.json["until"], answer.json["reached"]) == (until, 0)
    assert {"user": user, "until": until} in api.get("/blocks").json["blocks"]
    assert api.ask("DELETE", f"/users/-/block{query}").json == {"user": user}
    assert user not in [one["user"] for one in api.get("/blocks").json["blocks"]]


def test_a_block_without_an_end_is_for_good(api: Served) -> None:
    assert api.post("/users/bob/block", {}).json["until"] is None
    assert {"user": "bob", "until": None} in api.get("/blocks").json["blocks"]
    api.ask("DELETE", "/users/bob/block")


@pytest.mark.parametrize("until", [0, -1, 1e9, "tomorrow", True, 1e400])
def test_a_block_that_is_over_already_is_a_mistake(api: Served, until: object) -> None:
    body = b'{"until": 1e400}' if until == 1e400 else None
    path = "/users/cid/block"
    answer = api.ask("POST", path, body) if body else api.post(path, {"until": until})
    assert (answer.status, answer.code) in ((400, "invalid_field"), (400, "not_json"))
    assert "cid" not in [one["user"] for one in api.get("/blocks").json["blocks"]]


def test_an_end_in_milliseconds_is_refused_with_the_seconds_that_were_meant() -> None:
    with serving(clock=lambda: 1_800_000_000.0) as api:
        answer = api.post("/users/dee/block", {"until": 1_800_000_060_000})
        assert (answer.status, answer.code) == (400, "invalid_field")
        assert "did you mean 1800000060?" in answer.json["error"]["message"]
        for beyond in (32_503_680_001, 1e15, 1e300):
            answer = api.post("/users/dee/block", {"until": beyond})
            assert (answer.status, answer.code) == (400, "invalid_field")
            assert "null is for good" in answer.json["error"]["message"]
            assert "did you mean" not in answer.json["error"]["message"]
        assert api.get("/blocks").json["blocks"] == []
        assert api.post("/users/dee/block", {"until": 32_503_680_000}).status == 200


@pytest.mark.parametrize("path", ["/users/ann/disconnect", "/users/ann/block"])
def test_a_misspelt_field_is_told(api: Served, path: str) -> None:
    answer = api.post(path, {"revok": True, "untill": 1})
    assert (answer.status, answer.code) == (400, "invalid_field")
    assert "unknown field" in answer.json["error"]["message"]


def test_a_user_is_taken_out_of_a_channel(api: Served) -> None:
    channel = new_channel("a/")
    path = f"/users/-/channels/-/remove?user=a%2Fb&channel={quote(channel, safe='')}"
    order = ordered(api, "POST", path)
    assert (order.kind, order.user, order.channel) == (OrderKind.REMOVE, "a/b", channel)
    assert api.ask("POST", "/users/ann/channels/a%20b/remove").code == "channel_invalid"


class Obeying(Notes):
    """A node that answers each order with how many connections it reached."""

    broker: Broker
    reached = 0

    def on_publication(self, channel: str, epoch: str, publication: Any) -> None:
        super().on_publication(channel, epoch, publication)
        if self.reached:
            work = self.broker.control.answer(self.orders[-1].id, b"%d" % self.reached)
            asyncio.get_running_loop().create_task(work)


def test_an_answer_counts_who_was_reached_and_names_who_did_not_say() -> None:
    with serving() as api:
        for name, reached in (("one", 2), ("two", 3), ("three", 0)):
            node = Obeying()
            node.reached = reached
            node.broker = api.door(node, name=name)
        answer = api.post("/users/ann/disconnect", {}).json
        assert answer["reached"] in (5, 2, 3)
        assert "three" in answer["unanswered"]


def test_lifted_blocks_and_those_that_are_over_are_not_listed() -> None:
    with serving(clock=lambda: 1000.0) as api:
        broker = api.door()
        blocked = StandingKind.BLOCKED
        given = [
            Standing(blocked, "over", at=1, ends_at=999.0),
            Standing(blocked, "lifted", at=1, ends_at=2000.0, lifted=True),
            Standing(StandingKind.REVOKED, "out", at=1, ends_at=2000.0, before=2),
            Standing(blocked, "in", at=1, ends_at=2000.0),
        ]
        run(broker.control.give_back(given, reload=RELOAD))
        answer = api.get("/blocks").json
        assert answer == {"blocks": [{"user": "in", "until": 2000.0}], "more": False}


def test_blocks_are_listed_in_pages_by_name() -> None:
    names = sorted(f"user-{number}/ö" for number in range(1_203))
    with serving(clock=lambda: 1000.0) as api:
        given = [Standing(StandingKind.BLOCKED, name, at=1) for name in reversed(names)]
        run(api.door().control.give_back(given, reload=RELOAD))
        pages, after = [], ""
        while True:
            page = api.get(f"/blocks?limit=500&after={quote(after, safe='')}").json
            pages.append([one["user"] for one in page["blocks"]])
            after = pages[-1][-1]
            if not page["more"]:
                break
        assert [len(page) for page in pages] == [500, 500, 203]
        assert [name for page in pages for name in page] == names
        assert len(api.get("/blocks").json["blocks"]) == 1_000
        assert api.get("/blocks?limit=1001").code == "invalid_field"


class Describing(Notes):
    """A node that answers questions about users."""

    broker: Broker

    def on_question(self, question: Question) -> None:
        found = UserConnection(f"s.{question.user}", 7.5, ["a", "b"], "js/8.4.0", 3)
        later = UserConnection("s.later", 8.5, [], more=20)
        body = encode([later, found])
        asyncio.get_running_loop().create_task(self.broker.control.answer(question.id, body))


@pytest.mark.parametrize("user", USERS)
def test_a_users_connections_are_listed_with_who_does_not_answer(user: str) -> None:
    with serving() as api:
        node = Describing()
        node.broker = api.door(node, name="one")
        api.door(name="silent")
        told = api.get(f"/users/-?user={quote(user, safe='')}&limit=1").json
    connection: dict[str, object] = {
        "session": f"s.{user}",
        "node": "one",
        "since": 7.5,
        "channels": ["a", "b"],
    }
    connection |= {"client": "js/8.4.0", "channels_more": 3}
    listed = {"user": user, "connections": [connection], "unanswered": ["silent"]}
    # One was left out here, twenty by its node.
    assert told == {**listed, "more": 21}


def test_a_key_to_read_may_get_and_nothing_else() -> None:
    with serving(read_keys=Keys(["a-key-that-may-only-read"])) as api:

        def ask(method: str, path: str, body: bytes | None = None) -> tuple[int, str | None]:
            answer = api.ask(method, path, body, key="a-key-that-may-only-read")
            return answer.status, None if answer.status == 200 else answer.code

        for path in ("/channels", "/channels/c/history", "/users/ann", "/blocks"):
            assert ask("GET", path) == (200, None)
        for path in ("/publish", "/publish/batch", "/tokens", "/users/ann/disconnect"):
            assert ask("POST", path, b"{}") == (403, "forbidden")
        assert ask("DELETE", "/users/ann/block") == (403, "forbidden")
        assert api.get("/channels").status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/users/ann/block"),
        ("POST", "/users/ann/channels/c/remove"),
        ("POST", "/nodes/here/drain"),
    ],
)
def test_request_that_takes_no_fields_refuses_those_that_it_is_sent(
    api: Served, method: str, path: str
) -> None:
    api.door(name="here")
    for body in (b"", b"{}"):
        assert api.ask(method, path, body=body).status == 200
    answer = api.ask(method, path, body=b'{"revoke":true}')
    assert (answer.status, answer.code) == (400, "invalid_field")
    assert answer.json["error"]["message"] == "unknown field 'revoke': there are no fields here"
    assert api.ask(method, path, body=b"[]").code == "not_an_object"
