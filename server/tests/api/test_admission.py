"""Who is let in, to which paths, with what kind and size of body."""

import logging
import select
from contextlib import closing

import pytest
from api_server import (
    JSON,
    KEY,
    OTHER_KEY,
    Served,
    head,
    new_channel,
    over_a_socket,
    read_answer,
    serving,
)

from riverd.auth.api_keys import Keys

KEYED = [
    ("POST", "/publish"),
    ("POST", "/publish/batch"),
    ("GET", "/channels"),
    ("GET", "/channels/c"),
    ("GET", "/channels/c/history"),
    ("GET", "/channels/presence-c/presence"),
    ("POST", "/users/u/disconnect"),
    ("POST", "/nodes/n/drain"),
    ("POST", "/tokens"),
]
KEYLESS = ["/healthz", "/readyz", "/metrics", "/openapi.json"]
GOOD = b'{"channel":"door","event":"e","data":1}'


@pytest.mark.parametrize(("method", "path"), KEYED)
@pytest.mark.parametrize("key", [None, "", "wrong", KEY[:-1], KEY + "x", f"{KEY},{OTHER_KEY}"])
def test_without_a_right_key_nothing_is_served(
    api: Served, method: str, path: str, key: str | None
) -> None:
    answer = api.ask(method, path, b"{}" if method == "POST" else None, key=key)
    assert (answer.status, answer.code) == (401, "api_key_invalid")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("key", "told"), [(None, "send an API key"), ("", "send an API key"), ("wrong", "none of this")]
)
def test_a_wrong_key_is_told_from_none(api: Served, key: str | None, told: str) -> None:
    answer = api.ask("POST", "/publish", GOOD, key=key)
    assert told in answer.json["error"]["message"]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": KEY},
        {"X-API-Key": OTHER_KEY},
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer {OTHER_KEY}"},
        {"x-api-key": KEY, "authorization": "Basic eDp5"},
        {"x-api-key": f"{KEY}  "},
        {"authorization": f"Bearer  {KEY} "},
    ],
)
def test_each_key_opens_in_either_header(api: Served, headers: dict[str, str]) -> None:
    answer = api.ask("POST", "/publish", GOOD, key=None, headers={**JSON, **headers})
    assert answer.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": KEY},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": f"Basic {KEY}"},
        {"x-api-key": "wrong", "authorization": f"Bearer {KEY}"},
        {"cookie": f"x-api-key={KEY}"},
    ],
)
def test_no_other_way_of_showing_a_key_opens(api: Served, headers: dict[str, str]) -> None:
    answer = api.ask("POST", "/publish", GOOD, key=None, headers={**JSON, **headers})
    assert answer.status == 401


def test_a_key_in_the_query_does_not_open(api: Served) -> None:
    assert api.ask("GET", f"/channels?x-api-key={KEY}", key=None).status == 401


def test_without_any_key_nobody_is_let_in() -> None:
    assert not Keys([]).fit({"x-api-key": ""})
    assert not Keys([]).fit({})


def test_keys_beyond_ascii_do_no_harm(api: Served) -> None:
    answer = api.ask("GET", "/channels", key="schlüssel")
    assert answer.status == 401
    assert not Keys([KEY]).fit({"x-api-key": "\u4e16"})


def test_keys_are_neither_logged_nor_shown(api: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        told = [api.ask("GET", "/channels", key=key) for key in (KEY, "a-wrong-key")]
    assert b"a-wrong-key" not in told[1].body
    assert KEY not in caplog.text
    assert "a-wrong-key" not in caplog.text
    assert KEY not in repr(vars(Keys([KEY])))


@pytest.mark.parametrize("path", KEYLESS)
def test_health_metrics_and_description_need_no_key(api: Served, path: str) -> None:
    assert api.ask("GET", path, key=None, headers={}).status == 200


def test_metrics_are_the_text_that_was_given() -> None:
    with serving(render_metrics=lambda: b"river_up 1\n") as api:
        answer = api.ask("GET", "/metrics", key=None)
    assert answer.body == b"river_up 1\n"
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/publish/", "//publish", "/Publish", "/channels/a/b"]
)
def test_an_unknown_path_is_told_in_json(api: Served, path: str) -> None:
    for method in ("GET", "POST"):
        answer = api.ask(method, path)
        assert (answer.status, answer.code) == (404, "not_found")


# API Gateway decodes the path before anybody else sees it.
@over_a_socket
def test_a_path_is_not_decoded_to_find_out_what_it_is(api: Served) -> None:
    assert api.ask("POST", "/%70ublish").status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/publish", "POST"),
        ("PUT", "/publish", "POST"),
        ("DELETE", "/channels/c", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("HEAD", "/publish", "POST"),
        ("OPTIONS", "/publish", "POST"),
    ],
)
def test_a_wrong_method_is_told_which_are_right(
    api: Served, method: str, path: str, allowed: str
) -> None:
    answer = api.ask(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        assert answer.code == "method_not_allowed"


def test_head_is_answered_as_get_without_the_body(api: Served) -> None:
    for path in (*KEYLESS, "/channels"):
        told, wanted = api.ask("HEAD", path), api.get(path)
        assert told.status == 200
        assert told.body == b""
        assert told.headers["content-length"] == wanted.headers["content-length"]
        assert told.headers["content-type"] == wanted.headers["content-type"]


def test_pages_of_other_origins_are_given_nothing(api: Served) -> None:
    origin = {"origin": "https://app.example", "access-control-request-method": "POST"}
    told = [
        api.ask("OPTIONS", "/publish", headers=origin),
        api.ask("POST", "/publish", GOOD, headers={**JSON, **origin}),
    ]
    for answer in told:
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
        "application/json; charset=utf8",
        "application/json; charset=utf-8; foo=bar",
        "application/json ; foo=bar;charset=UTF-8",
        "application/json;",
    ],
)
def test_json_may_be_called_by_its_names(api: Served, content_type: str) -> None:
    answer = api.ask("POST", "/publish", GOOD, headers={"content-type": content_type})
    assert answer.status == 200


def test_a_body_may_begin_with_a_byte_order_mark(api: Served) -> None:
    body = b"\xef\xbb\xbf" + GOOD
    assert api.ask("POST", "/publish", body, headers=JSON).status == 200


def test_a_body_without_a_type_is_taken_for_json(api: Served) -> None:
    assert api.ask("POST", "/publish", GOOD, headers={}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/jsonp"},
        {"content-type": ""},
        {**JSON, "content-encoding": "gzip"},
    ],
)
def test_another_kind_of_body_is_told_what_to_send(api: Served, headers: dict[str, str]) -> None:
    answer = api.ask("POST", "/publish", GOOD, headers=headers)
    assert (answer.status, answer.code) == (415, "unsupported_media_type")
    assert "send" in answer.json["error"]["message"]


def test_data_up_to_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    with serving(message_bytes_max=1_000) as api:
        assert api.publish(channel="c", event="e", data="x" * 998).status == 200
        answer = api.publish(channel="c", event="e", data="x" * 999)
        assert (answer.status, answer.code) == (413, "too_large")
        assert len(api.log("c")) == 1


@over_a_socket
def test_a_body_that_says_that_it_is_too_large_is_not_waited_for() -> None:
    with serving() as api, closing(api.connect()) as connection:
        connection.sendall(head("POST /publish", "content-length: 10000000000"))
        assert read_answer(connection).code == "too_large"


@over_a_socket
@pytest.mark.parametrize("path", ["/publish", "/publish/batch", "/tokens"])
def test_a_body_that_says_nothing_is_refused_while_it_arrives(path: str) -> None:
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    with (
        serving(message_bytes_max=1_000, body_bytes_max=200_000) as api,
        closing(api.connect()) as connection,
    ):
        connection.sendall(head(f"POST {path}", "transfer-encoding: chunked"))
        # It never ends: only an answer ends the loop.
        while not select.select([connection], [], [], 0)[0]:
            connection.sendall(chunk)
        answer = read_answer(connection)
    assert (answer.status, answer.code) == (413, "too_large")


def test_a_batch_may_be_larger_than_one_message() -> None:
    with serving(message_bytes_max=1_000, body_bytes_max=400_000) as api:
        messages = [{"channel": "c", "event": "e", "data": "x" * 900}] * 300
        assert api.post("/publish/batch", {"messages": messages}).status == 200
        answer = api.post("/publish/batch", {"messages": messages * 2})
        assert (answer.status, answer.code) == (413, "too_large")
        assert len(api.log("c")) == 300


@over_a_socket
def test_a_body_may_come_in_pieces(api: Served) -> None:
    channel = new_channel()
    body = GOOD.replace(b"door", channel.encode())
    with closing(api.connect()) as connection:
        connection.sendall(head("POST /publish", "transfer-encoding: chunked"))
        for byte in body:
            connection.sendall(b"1\r\n%c\r\n" % byte)
        connection.sendall(b"0\r\n\r\n")
        assert read_answer(connection).status == 200
    assert [one.data for one in api.log(channel)] == [b"1"]


@over_a_socket
def test_who_has_no_key_is_not_asked_for_a_body(api: Served) -> None:
    request = head("POST /publish", "expect: 100-continue", "content-length: 9")
    with closing(api.connect()) as connection:
        connection.sendall(request.replace(KEY.encode(), b"wrong"))
        assert read_answer(connection).status == 401
    with closing(api.connect()) as connection:
        connection.sendall(request)
        assert read_answer(connection).status == 100


@over_a_socket
def test_a_body_that_never_comes_is_not_waited_for_for_ever() -> None:
    with serving(body_s_max=0.1) as api, closing(api.connect()) as connection:
        connection.sendall(head("POST /publish", "content-length: 9") + b'{"')
        answer = read_answer(connection)
    assert (answer.status, answer.code) == (408, "body_late")


@over_a_socket
def test_a_client_that_goes_away_with_half_a_body_leaves_nothing_behind() -> None:
    with serving(requests_max=1) as api:
        with closing(api.connect()) as connection:
            connection.sendall(head("POST /publish", "content-length: 99") + b'{"')
        # Its place is free again as soon as the server has seen it go.
        while (answer := api.publish(channel="c", event="e")).status == 429:
            assert answer.code == "too_fast"
        assert answer.status == 200
        assert api.failures == []


@over_a_socket
def test_a_connection_serves_many_requests(api: Served) -> None:
    with closing(api.connect()) as connection:
        for path, status in (("/healthz", 200), ("/nothing", 404), ("/channels/c", 200)):
            connection.sendall(head(f"GET {path}"))
            assert read_answer(connection).status == status
