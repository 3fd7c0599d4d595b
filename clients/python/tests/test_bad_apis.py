"""Publishing to what is away, broken, or something else, and from many places at once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from bad_servers import SILENCE, Raw, certificate_for, html, ok, refusal
from real_river import Proxy, Running

from river_realtime import (
    AsyncRiver,
    Position,
    River,
    RiverError,
    UnreachableError,
    UsageError,
    sign_token,
)
from river_realtime.retry import backoff_s

ID = UUID(int=1)
GOOD = ok({"epoch": "e", "offset": 1})
UNKNOWN = ok({"results": [{"error": {"code": "unknown", "message": "perhaps"}}]})
AWAY = ok({"results": [{"error": {"code": "broker_unavailable", "message": "away"}}]})

FORK = """
import os, sys
from river_realtime import River
river = River(sys.argv[1], sys.argv[2])
river.publish("py-fork", "n", "before")
children = []
for number in range(4):
    child = os.fork()
    if not child:
        for again in range(25):
            position = river.publish("py-fork", "n", [number, again])
            told = river.history("py-fork", limit=100).events
            assert [one.data for one in told if one.position == position] == [[number, again]]
        os._exit(0)
    children.append(child)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
assert river.publish("py-fork", "n", "after").offset == 102
"""


@pytest.mark.parametrize(
    "url", ["", "localhost:port", "ws://localhost:8001", "http://", "a..b", f"{'a' * 64}.test"]
)
@pytest.mark.parametrize("kind", [River, AsyncRiver])
def test_what_is_no_address_is_refused_at_once(
    kind: Callable[[str, str], object], url: str
) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        kind(url, "key")


def test_an_address_needs_no_scheme(running: Running) -> None:
    with River(running.api_url.removeprefix("http://") + "/", running.key) as river:
        assert river.channels("nobody") == {}


def test_a_page_instead_of_an_answer_is_said_to_be_one() -> None:
    with (
        Raw(html("200 OK")) as server,
        River(server.address, "key") as river,
        pytest.raises(UnreachableError, match="not River answers") as caught,
    ):
        river.publish("dogs", "n")
    assert (caught.value.status, bool(caught.value.id)) == (200, True)


@pytest.mark.parametrize("content", [[], None, {"epoch": "e"}, {"epoch": "e", "offset": "1"}])
def test_an_answer_of_another_shape_is_said_to_be_none(content: object) -> None:
    with (
        Raw(ok(content)) as server,
        River(server.address, "key") as river,
        pytest.raises(UnreachableError, match="not River answers"),
    ):
        river.publish("dogs", "n")


def test_what_a_proxy_refuses_has_its_status() -> None:
    with (
        Raw(html("403 Forbidden")) as server,
        River(server.address, "key") as river,
        pytest.raises(RiverError, match="http_403"),
    ):
        river.publish("dogs", "n")


@pytest.mark.parametrize(
    "trouble",
    [
        html("502 Bad Gateway"),
        html("504 Timeout"),
        refusal("504 Unknown", "unknown"),
        refusal("503 Away", "broker_unavailable"),
        b"",
        b"SSH-2.0-OpenSSH\r\n",
    ],
)
def test_what_is_over_in_a_moment_is_tried_again_under_the_same_key(trouble: bytes) -> None:
    with Raw(trouble, trouble, GOOD) as server, River(server.address, "key") as river:
        assert river.publish("dogs", "n") == Position("e", 1)
    assert len({json.loads(request)["id"] for request in server.requests}) == 1


def test_a_server_that_never_answers_costs_the_time_that_was_given() -> None:
    with (
        Raw(SILENCE) as server,
        River(server.address, "key", timeout_s=0.3) as river,
        pytest.raises(UnreachableError) as caught,
    ):
        river.publish("dogs", "n", id="post-1")
    assert caught.value.id == "post-1"


def test_a_certificate_that_nobody_signed_is_not_tried_again(tmp_path: Path) -> None:
    with Raw(b"", tls=certificate_for("localhost", tmp_path)) as server:
        river = River(f"https://{server.address}", "key", timeout_s=3600)
        with river, pytest.raises(UnreachableError, match=r"(?i)certificate"):
            river.publish("dogs", "n")


@pytest.mark.parametrize("failed", [AWAY, UNKNOWN])
def test_a_part_of_a_batch_that_failed_for_a_moment_is_tried_again(failed: bytes) -> None:
    taken = ok({"results": [{"epoch": "e", "offset": 1}]})
    with Raw(failed, taken) as server, River(server.address, "key") as river:
        message = {"channel": "dogs", "event": "n", "data": 1}
        assert river.publish_batch([message]) == [Position("e", 1)]
    first, second = server.requests
    assert first == second


def test_a_part_that_keeps_failing_is_told_in_its_place() -> None:
    with Raw(AWAY) as server, River(server.address, "key", timeout_s=0.5) as river:
        (error,) = river.publish_batch([{"channel": "dogs", "event": "n", "data": 1}])
        assert isinstance(error, RiverError)
        assert error.code == "broker_unavailable"
        with pytest.raises(RiverError, match="broker_unavailable"):
            river.publish(["dogs"], "n")


def test_a_message_of_a_batch_has_one_channel(running: Running) -> None:
    message = {"channels": ["a", "b"], "event": "n", "data": 1}
    with River(running.api_url, running.key) as river:
        for wrong in (message, ("a", "n", 1)):
            with pytest.raises(RiverError, match="a mapping with one channel"):
                river.publish_batch([wrong])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("answers", "uncertain"),
    [
        ([html("504 Timeout"), refusal("503 Away", "broker_unavailable")], True),
        ([refusal("503 Away", "broker_unavailable")], False),
        ([html("403 Forbidden")], False),
        ([html("200 OK")], True),
        ([SILENCE], True),
    ],
)
def test_error_says_whether_it_may_have_been_published(
    answers: list[bytes | None], *, uncertain: bool
) -> None:
    with (
        Raw(*answers) as server,
        River(server.address, "key", timeout_s=0.5) as river,
        pytest.raises(RiverError) as caught,
    ):
        river.publish("dogs", "n")
    assert caught.value.uncertain is uncertain


@pytest.mark.parametrize(
    ("user", "target"),
    [
        ("auth0|507f", "/users/auth0%7C507f/disconnect"),
        ("user+x@example.com", "/users/user%2Bx%40example.com/disconnect"),
        ("Jürgen 世", "/users/J%C3%BCrgen%20%E4%B8%96/disconnect"),
        ("a?b#c%2F", "/users/a%3Fb%23c%252F/disconnect"),
        ("github/17", "/users/-/disconnect?user=github%2F17"),
        ("..", "/users/-/disconnect?user=.."),
        (".", "/users/-/disconnect?user=."),
        ("-", "/users/-/disconnect?user=-"),
    ],
)
def test_name_stands_where_no_proxy_changes_it(user: str, target: str) -> None:
    with Raw(ok({"user": user})) as server, River(server.address, "key") as river:
        river.disconnect(user)
    assert server.targets == [target]


@pytest.mark.parametrize(
    ("call", "target", "body"),
    [
        (lambda river: river.revoke("a b"), "POST /users/a%20b/disconnect", {"revoke": True}),
        (
            lambda river: river.revoke("a/b"),
            "POST /users/-/disconnect?user=a%2Fb",
            {"revoke": True},
        ),
        (lambda river: river.block("ann"), "POST /users/ann/block", {"until": None}),
        (lambda river: river.block("ann", until=7.5), "POST /users/ann/block", {"until": 7.5}),
        (
            lambda river: river.block("ann", until=datetime(2026, 1, 1, tzinfo=UTC)),
            "POST /users/ann/block",
            {"until": 1767225600.0},
        ),
        (lambda river: river.unblock(".."), "DELETE /users/-/block?user=..", None),
        (lambda river: river.remove("ann", "dogs"), "POST /users/ann/channels/dogs/remove", {}),
        (
            lambda river: river.remove("ann", "a/b"),
            "POST /users/-/channels/-/remove?user=ann&channel=a%2Fb",
            {},
        ),
        (lambda river: river.user("a/b"), "GET /users/-?user=a%2Fb", None),
        (
            lambda river: river.publish_to_user("ann", "n", ID, id="one", keep=False),
            "POST /users/ann/publish",
            {"event": "n", "data": str(ID), "id": "one", "keep": False},
        ),
    ],
)
def test_order_about_a_user_is_sent_as_the_contract_has_it(
    call: Callable[[River], object], target: str, body: object
) -> None:
    with Raw(ok({"epoch": "e", "offset": 1})) as server, River(server.address, "key") as river:
        call(river)
    assert server.targets == [target.partition(" ")[2]]
    assert server.methods == [target.partition(" ")[0]]
    assert [json.loads(one) if one else None for one in server.requests] == [body]


def test_server_that_took_the_order_for_another_user_is_named() -> None:
    with (
        Raw(ok({"user": "-"})) as server,
        River(server.address, "key") as river,
        pytest.raises(RiverError, match="too old"),
    ):
        river.revoke("github/17")


@pytest.mark.parametrize("data", ["9" * 5_000, '{"a":[' + "9" * 5_000 + "]}"])
def test_publication_that_python_cannot_hold_is_left_out_of_a_history(
    data: str, caplog: pytest.LogCaptureFixture
) -> None:
    entries = f'{{"offset":1,"event":"n","data":{data}}},{{"offset":2,"event":"n","data":3}}'
    body = f'{{"channel":"dogs","epoch":"e","offset":2,"publications":[{entries}]}}'.encode()
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    with Raw(answer) as server, River(server.address, "key") as river:
        told = river.history("dogs")
    assert [event.data for event in told.events] == [3]
    assert [record.message[:15] for record in caplog.records] == ["skipped 'dogs' "]


@pytest.mark.parametrize("key", ["", " ", "kéy", "a\nb", None])
def test_key_that_no_header_can_hold_is_refused_at_once(key: str) -> None:
    with pytest.raises(RiverError, match="RIVER_API_KEYS"):
        River("localhost:8001", key)


def test_newline_behind_a_key_is_not_part_of_it(running: Running) -> None:
    with River(running.api_url, f"{running.key}\n") as river:
        assert river.channels("nobody") == {}


def test_misspelt_option_is_refused(running: Running) -> None:
    with River(running.api_url, running.key) as river:
        with pytest.raises(TypeError, match="idd"):
            river.publish("dogs", "n", idd="one")  # type: ignore[call-overload]
        with pytest.raises(TypeError, match="publsh"):
            river.token("ann", publsh=["dogs"])  # type: ignore[call-arg]


@pytest.mark.parametrize("user", ["", "u" * 257, 17, None])
def test_user_that_no_token_can_carry_is_refused(running: Running, user: str) -> None:
    for secret in (None, running.secret):
        with (
            River(running.api_url, running.key, secret=secret) as river,
            pytest.raises(RiverError, match="user: a text of 1 to 256 characters"),
        ):
            river.token(user)


@pytest.mark.parametrize("channel", [None, 17, UUID(int=1)])
def test_channel_that_is_no_text_is_refused_before_anything_is_sent(channel: str) -> None:
    with River("http://127.0.0.1:9", "key") as river:
        for call in (
            lambda: river.publish(channel, "n"),
            lambda: river.history(channel),
            lambda: river.disconnect(channel),
        ):
            with pytest.raises(UsageError):
                call()


@pytest.mark.parametrize("secret", ["short", "", None])
def test_secret_that_river_would_not_take_is_refused(secret: str) -> None:
    with pytest.raises(UsageError, match="RIVER_SECRETS"):
        sign_token(secret, "ann")


def test_text_in_place_of_a_list_of_channels_is_refused() -> None:
    with pytest.raises(RiverError, match="subscribe: a list of texts"):
        sign_token("s" * 32, "ann", subscribe="dogs")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"subscribe": ["a"] * 101}, "subscribe: at most 100 texts"),
        ({"publish": ["a"] * 101}, "publish: at most 100 texts"),
        ({"channels": ["a"] * 101}, "channels: at most 100 texts"),
        ({"channels": ["a", 17]}, "channels: at most 100 texts"),
        ({"info": {"text": "x" * 4_086}}, "info: at most 4096 bytes"),
        ({"channels": ["a" * 164] * 100}, "longer than 16384 characters"),
        ({"info": {"since": object()}}, "is not JSON"),
        ({"info": "Ann"}, "info: an object"),
        ({"ttl_s": 0}, "ttl_s: for how many seconds"),
        ({"ttl_s": "600"}, "ttl_s: for how many seconds"),
        ({"info": {"text": "\ud800"}}, "surrogate"),
    ],
)
def test_token_that_no_server_would_take_is_not_signed(wrong: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        sign_token("s" * 32, "ann", **wrong)


def test_threads_share_one_river(running: Running) -> None:
    with River(running.api_url, running.key) as river, ThreadPoolExecutor(16) as threads:
        places = list(threads.map(lambda n: river.publish("py-threads", "n", n), range(200)))
    assert sorted(place.offset for place in places) == list(range(1, 201))


def test_children_after_a_fork_do_not_read_each_others_answers(running: Running) -> None:
    command = [sys.executable, "-c", FORK, running.api_url, running.key]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})


async def test_a_connection_that_died_while_it_was_idle_is_no_trouble(
    running: Running, api_proxy: Proxy
) -> None:
    async with AsyncRiver(api_proxy.url, running.key) as river:
        for number in range(3):
            assert (await river.publish("py-idle", "n", number)).offset == number + 1
            api_proxy.cut()


def test_the_wait_has_a_limit_whatever_the_server_asks_for() -> None:
    for asked in (None, "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "9" * 400):
        assert 0 <= backoff_s(100_000, asked) <= 4
