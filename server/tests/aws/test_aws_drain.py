"""The function that tells a gateway that its ECS task was asked to stop."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis_server import RedisServer, free_port
from river_feed import Notes, until
from sandbox import package, sandbox

from riverd.aws import lambda_drain as aws_drain
from riverd.broker.redis import address as redis_address
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.connector import Connector
from riverd.channels.names import CONTROL
from riverd.channels.rules import ChannelRules
from riverd.errors import BrokerError

ARN = "arn:aws:ecs:eu-central-1:123456789012:task/river-Cluster-x/0123456789abcdef0123456789abcdef"


def event(**detail: object) -> dict[str, Any]:
    """What EventBridge sends when ECS begins to stop a task."""
    return {
        "version": "0",
        "id": "3317b2af-7005-947d-b652-f55e762e571a",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": "123456789012",
        "time": "2026-03-10T17:57:58Z",
        "region": "eu-central-1",
        "resources": [ARN],
        "detail": {
            "clusterArn": "arn:aws:ecs:eu-central-1:123456789012:cluster/river-Cluster-x",
            "taskArn": ARN,
            "group": "service:river-Gateway",
            "desiredStatus": "STOPPED",
            "lastStatus": "RUNNING",
            "launchType": "FARGATE",
            "stoppedReason": "Scaling activity initiated by deployment",
            "version": 4,
            **detail,
        },
    }


@pytest.fixture(autouse=True)
def _closed(river: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(aws_drain, "RETRY_S", 0.01)
    # This function needs no keys and no secrets, and cannot read them.
    for name in ("secrets", "api_keys"):
        (river / name).unlink()
    yield
    aws_drain._host.close()


@pytest.fixture
async def gateway(redis: RedisServer) -> AsyncIterator[Notes]:
    """Return what a gateway is told."""
    notes, failures = Notes(), list[BaseException]()
    address = redis_address.parse(f"redis://:{redis.password}@127.0.0.1:{redis.port}")
    rules = ChannelRules(history_size=1, history_ttl_s=1)
    broker = RedisBroker(Connector(address), rules=rules, failed=failures.append)
    await broker.attach(notes)
    await broker.subscribe(CONTROL)
    yield notes
    await broker.close()
    assert failures == []


async def test_a_task_that_is_asked_to_stop_is_asked_to_drain(gateway: Notes) -> None:
    told = await asyncio.to_thread(aws_drain.handler, event(), None)
    assert told == {"asked": ARN}
    await until(lambda: gateway.drained == [ARN])
    # Again is nothing else; ECS sends several events about a task that stops.
    await asyncio.to_thread(aws_drain.handler, event(lastStatus="DEACTIVATING"), None)
    await until(lambda: gateway.drained == [ARN, ARN])


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        [],
        {"detail-type": "ECS Task State Change", "source": "aws.ecs"},
        event(desiredStatus="RUNNING"),
        event(desiredStatus=None),
        event(lastStatus="STOPPED"),
        event(lastStatus="DEPROVISIONING"),
        event(taskArn="one"),
        event(taskArn=f"{ARN}\n"),
        event(taskArn=7),
        {**event(), "detail-type": "ECS Service Action"},
        {**event(), "source": "my.own"},
        {**event(), "detail": "x"},
    ],
)
async def test_everything_else_is_ignored_and_logged(
    gateway: Notes, given: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    told = await asyncio.to_thread(aws_drain.handler, given, None)
    assert set(told) == {"ignored"}
    logged = json.loads(capsys.readouterr().err)
    assert (logged["event"], logged["reason"]) == ("ignored", told["ignored"])
    assert gateway.drained == []


def test_a_broker_that_is_away_is_tried_again_and_then_told_to_aws(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RIVER_BROKER", f"redis://127.0.0.1:{free_port()}")
    with pytest.raises(BrokerError):
        aws_drain.handler(event(), None)
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["not_told"] * 4


def test_it_runs_from_the_same_package(tmp_path: Path, river: Path, redis: RedisServer) -> None:
    environment = {
        "RIVER_BROKER": redis.url,
        "RIVER_BROKER_PASSWORD_FROM": (river / "broker_password").as_uri(),
    }
    built = package(tmp_path / "package")
    with sandbox(built, "riverd.aws.lambda_drain.handler", environment) as running:
        assert running.invoke(event())["result"] == {"asked": ARN}
        modules = {name.partition(".")[0] for name in running.started["modules"]}
    assert modules - {"__main__"} == {"riverd", "hiredis", "msgspec", "jwt"}
