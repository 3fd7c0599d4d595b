"""The function behind API Gateway, with a real Redis: what is its own, beside the API's cases."""

import base64
import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import cast

import jwt
import pytest
from api_gateway import body_of, event_for
from lambdas import JSON, KEY, Lambda, new_channel
from mute_proxy import mute_proxy
from redis_server import RedisServer, free_port

from riverd.aws.event import ANSWER_BYTES_MAX, PLAIN_BYTES_MAX

NEXT_KEY = "the-key-that-comes-next"


def connections(redis: RedisServer) -> int:
    """How many connections the server has ever had, beside the one that asks."""
    with redis.client() as client:
        told = cast("Mapping[str, int]", client.info("stats"))
    return told["total_connections_received"]


def test_what_is_published_by_an_event_is_answered_and_kept(river_lambda: Lambda) -> None:
    channel = new_channel()
    status, placed = river_lambda.publish(channel)
    assert (status, placed["offset"]) == (200, 1)
    query = "limit=1&channel=%61" + channel[1:]
    status, told = river_lambda.ask("GET", f"/channels/{channel}/history?{query}")
    assert (status, told["epoch"]) == (200, placed["epoch"])
    assert [one["data"] for one in told["publications"]] == [[1, "ü"]]


@pytest.mark.parametrize("stage", ["$default", "prod", "publish"])
def test_the_stage_is_no_part_of_the_path(river_lambda: Lambda, stage: str) -> None:
    assert river_lambda.publish(new_channel(), stage=stage)[0] == 200
    assert river_lambda.ask("GET", "/healthz", stage=stage) == (200, {"status": "alive"})
    assert river_lambda.ask("GET", f"/{stage}x/healthz", stage=stage)[0] == 404


def test_header_names_may_be_in_any_case(river_lambda: Lambda) -> None:
    event = event_for("GET", "/channels", headers={})
    event["headers"] |= {"X-Api-Key": KEY}
    assert river_lambda.result(event)[0] == 200
    del event["headers"]["X-Api-Key"]
    assert river_lambda.result(event)[0] == 401


def test_a_body_may_come_as_base64(river_lambda: Lambda) -> None:
    channel = new_channel()
    event = event_for("POST", "/publish", b"{}", headers=JSON)
    body = json.dumps({"channel": channel, "event": "e", "data": "ü"}, ensure_ascii=False).encode()
    event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    event["headers"]["content-length"] = str(len(body))
    assert river_lambda.result(event)[0] == 200
    event["body"] = "?" + event["body"][1:]
    status, told = river_lambda.result(event)
    assert (status, told["error"]["code"]) == (400, "not_json")


def test_a_name_may_have_slashes_though_api_gateway_decodes_the_path(river_lambda: Lambda) -> None:
    for name in ("a/b", "a%2Fb", "100%", "Jörg B", "arn:aws:ecs:x:1:task/river/0"):
        encoded = "".join(f"%{byte:02X}" for byte in name.encode())
        status, told = river_lambda.ask("POST", f"/users/{encoded}/disconnect")
        assert (status, told["user"]) == (200, name)
        status, told = river_lambda.ask("POST", f"/nodes/{encoded}/drain")
        assert (status, told["error"]["message"]) == (404, f"no node is called {name}")


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        [],
        "event",
        {"version": "1.0", "path": "/publish", "httpMethod": "POST"},
        {"rawPath": "/", "requestContext": {}},
        {"rawPath": "/", "requestContext": {"http": {"method": "GET"}}, "headers": {"a": 1}},
    ],
)
def test_what_is_no_event_of_an_http_api_is_told(river_lambda: Lambda, event: object) -> None:
    status, told = river_lambda.result(event)
    assert (status, told["error"]["code"]) == (400, "invalid_field")


def test_an_odd_text_is_an_answer_too(river_lambda: Lambda) -> None:
    event = event_for("POST", "/", headers=JSON)
    event["rawPath"] = "/users/\ud800/disconnect"
    assert river_lambda.result(event)[1]["error"]["code"] == "invalid_field"
    event = event_for("POST", "/publish", b"{}", headers=JSON)
    event["body"] = '{"channel":"c","event":"\ud800"}'
    assert river_lambda.result(event)[1]["error"]["code"] == "not_json"


def test_one_connection_serves_many_invocations(river_lambda: Lambda, redis: RedisServer) -> None:
    river_lambda.publish("aws-warm")
    before = connections(redis)
    for _ in range(20):
        assert river_lambda.publish("aws-warm")[0] == 200
    river_lambda.rested()
    assert river_lambda.publish("aws-warm")[0] == 200
    assert connections(redis) == before + 1


def test_a_connection_that_was_closed_in_the_meantime_is_made_again(
    river_lambda: Lambda, redis: RedisServer
) -> None:
    river_lambda.publish("aws-cold")
    with redis.client() as client:
        client.client_kill_filter(skipme=True, _type="normal")
    river_lambda.rested()
    assert river_lambda.publish("aws-cold")[0] == 200


def test_a_connection_that_the_network_forgot_is_made_again_and_told_in_time(
    redis: RedisServer, river: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del river
    with mute_proxy(redis.port) as proxy:
        monkeypatch.setenv("RIVER_BROKER", f"redis://127.0.0.1:{proxy.port}")
        river_lambda = Lambda()
        with closing(river_lambda.host):
            assert river_lambda.publish("aws-mute")[0] == 200
            assert proxy.accepted == 1
            proxy.forget()
            river_lambda.rested()
            assert river_lambda.publish("aws-mute")[0] == 200
            assert proxy.accepted == 2
            # Without a rest there was no reason to doubt it: what became of that one is unknown.
            proxy.forget()
            status, told = river_lambda.publish("aws-mute")
            assert (status, told["error"]["code"]) == (504, "unknown")
            assert river_lambda.publish("aws-mute")[0] == 200


def test_a_function_that_was_frozen_asks_its_server_before_it_publishes(
    river_lambda: Lambda, redis: RedisServer
) -> None:
    before = river_lambda.publish("aws-thawed")[1]["epoch"]
    sandbox = river_lambda.host._sandbox
    assert sandbox is not None
    # Its own clock stood still: only the difference to the wall's shows it.
    sandbox._slip_s -= 60
    with redis.client() as client:
        # As a demotion and a promotion do it.
        client.replicaof("127.0.0.1", 1)
        client.replicaof("NO", "ONE")
    status, told = river_lambda.publish("aws-thawed")
    assert status == 200
    assert told["epoch"] != before


def test_a_broker_that_is_away_is_told_and_comes_back(
    river: Path, monkeypatch: pytest.MonkeyPatch, redis: RedisServer
) -> None:
    del river
    monkeypatch.setenv("RIVER_BROKER", f"redis://127.0.0.1:{free_port()}")
    away = Lambda()
    result = away.function(event_for("GET", "/channels", headers=JSON), None)
    assert result["statusCode"] == 503
    assert cast("Mapping[str, str]", result["headers"])["retry-after"] == "1"
    assert away.ask("GET", "/healthz") == (200, {"status": "alive"})
    away.host.close()
    monkeypatch.setenv("RIVER_BROKER", redis.url)
    assert away.publish(new_channel())[0] == 200
    away.host.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RIVER_BROKER", ""),
        ("RIVER_BROKER", "carrier-pigeon://a-password"),
        ("RIVER_API_KEYS_FROM", ""),
        ("RIVER_API_KEYS_FROM", "file:///nowhere"),
        ("RIVER_SECRETS_FROM", "nonsense"),
        ("RIVER_HISTORY_SIZE", "many"),
    ],
)
def test_a_wrong_setting_is_logged_and_not_told(
    river_lambda: Lambda,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(name, value)
    status, told = river_lambda.publish("c")
    assert (status, told) == (
        500,
        {"error": {"code": "internal", "message": "our fault; it was logged"}},
    )
    logged = json.loads(capsys.readouterr().err)
    assert (logged["level"], logged["event"]) == ("error", "failed")
    assert name.removesuffix("_FROM") in logged["exception"]
    assert "a-password" not in logged["exception"]


def test_a_new_key_is_taken_as_soon_as_it_is_there(river_lambda: Lambda, river: Path) -> None:
    new = {"x-api-key": NEXT_KEY}
    assert river_lambda.publish("c", headers=new)[0] == 401
    (river / "api_keys").write_text(NEXT_KEY, encoding="utf-8")
    sandbox = river_lambda.host._sandbox
    assert sandbox is not None
    # Not more often than every ten seconds, whoever asks.
    assert river_lambda.publish("c", headers=new)[0] == 401
    sandbox._renewed_at -= 11
    assert river_lambda.publish("c", headers=new)[0] == 200
    assert river_lambda.publish("c")[0] == 401


def test_what_is_secret_is_read_again_after_its_time(
    river_lambda: Lambda, river: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert river_lambda.publish("c")[0] == 200
    sandbox = river_lambda.host._sandbox
    assert sandbox is not None
    (river / "secrets").write_text("n" * 32, encoding="utf-8")
    (river / "api_keys").unlink()
    sandbox._renewed_at -= 61
    status, told = river_lambda.ask("POST", "/tokens", {"user": "ann"})
    assert status == 200
    assert jwt.decode(told["token"], "n" * 32, algorithms=["HS256"])["sub"] == "ann"
    # What cannot be read stays as it was known.
    assert '"setting": "api_keys", "error": "No such file' in capsys.readouterr().err
    assert river_lambda.publish("c")[0] == 200


def test_long_answers_go_as_base64_and_longer_ones_are_refused(river_lambda: Lambda) -> None:
    channel = new_channel()
    message = {"channel": channel, "event": "e", "data": "\\" * 30_000}
    for count, longer in ((15, PLAIN_BYTES_MAX), (70, ANSWER_BYTES_MAX)):
        river_lambda.ask("POST", "/publish/batch", {"messages": [message] * count})
        result = river_lambda.function(
            event_for("GET", f"/channels/{channel}/history?limit=100", headers=JSON), None
        )
        assert len(json.dumps(result)) < 6_291_556
        assert len(body_of(result)) > longer or result["statusCode"] == 413
        assert result["isBase64Encoded"] == (result["statusCode"] == 200)
