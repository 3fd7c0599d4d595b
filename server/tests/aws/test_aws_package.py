"""The package of the function behind API Gateway: what is in it, and how it takes being frozen."""

import json
import time
from pathlib import Path

import pytest
from api_gateway import event_for
from lambdas import HANDLER, JSON, new_channel
from redis_server import RedisServer
from sandbox import package, sandbox

from riverd.aws.lambda_api import DISTRIBUTIONS


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package(tmp_path_factory.mktemp("package"))


def environment(river: Path, redis: RedisServer) -> dict[str, str]:
    return {
        "RIVER_BROKER": redis.url,
        "RIVER_SECRETS_FROM": (river / "secrets").as_uri(),
        "RIVER_API_KEYS_FROM": (river / "api_keys").as_uri(),
        "RIVER_BROKER_PASSWORD_FROM": (river / "broker_password").as_uri(),
    }


def test_the_package_is_all_that_it_imports_and_it_works(
    built: Path, river: Path, redis: RedisServer
) -> None:
    message = json.dumps({"channel": new_channel(), "event": "e", "data": 1}).encode()
    with sandbox(built, HANDLER, environment(river, redis)) as running:
        loaded = {name.partition(".")[0] for name in running.started["modules"]}
        told = running.invoke(event_for("POST", "/publish", message, headers=JSON))
    assert told["result"]["statusCode"] == 200
    assert loaded - {"__main__"} == {"riverd", "hiredis", "msgspec", "jwt"}
    assert set(DISTRIBUTIONS) == {"riverd", "hiredis", "msgspec", "pyjwt"}
    # Nothing of a server, of a gateway or of the command.
    rooms = {name.split(".")[1] for name in running.started["modules"] if name[:7] == "riverd."}
    assert not rooms & {"commands", "core", "gateway", "node", "webhooks", "websocket"}


def test_a_sandbox_that_was_frozen_goes_on(built: Path, river: Path, redis: RedisServer) -> None:
    channel = new_channel()
    message = json.dumps({"channel": channel, "event": "e", "data": 1}).encode()
    event = event_for("POST", "/publish", message, headers=JSON)
    started = {**environment(river, redis), "AWS_LAMBDA_FUNCTION_NAME": "river"}
    with sandbox(built, HANDLER, started) as running:
        assert running.invoke(event)["result"]["statusCode"] == 200
        running.freeze()
        with redis.client() as client:
            client.client_kill_filter(skipme=True, _type="normal")
        time.sleep(1.5)
        running.thaw()
        told = running.invoke(event)["result"]
    assert (told["statusCode"], json.loads(told["body"])["offset"]) == (200, 2)
