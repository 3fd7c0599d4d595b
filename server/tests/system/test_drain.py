"""A gateway that is asked by name to drain: it moves its clients, and stays up until SIGTERM."""

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ecs_agent import agent
from redis_server import RedisServer, free_port
from river_client import condition, is_refused, member, token
from river_process import API_KEY, KEYS, River, Start, ask, run

ARN = "arn:aws:ecs:eu-central-1:123456789012:task/river/0123456789abcdef"
AT_ONCE_S = 15.0


def order_drain(api: River, name: str) -> tuple[int, dict[str, Any]]:
    url = f"{api.api_url}/nodes/{quote(name, safe='')}/drain"
    status, body = ask(url, key=API_KEY, method="POST")
    return status, json.loads(body)


def drain(api: River, name: str) -> None:
    status, told = order_drain(api, name)
    assert (status, told["node"], told["asked"]) == (200, name, True)


@pytest.fixture
def broker(redis: RedisServer) -> dict[str, str]:
    assert redis.password is not None
    return {"RIVER_BROKER": redis.url, "RIVER_BROKER_PASSWORD": redis.password}


async def test_node_drains_when_its_name_is_called_and_ends_when_it_is_stopped(
    start: Start, broker: dict[str, str]
) -> None:
    slow = {**broker, "RIVER_DRAIN_S": "600"}
    named = start("gateway", settings={**slow, "RIVER_NODE_NAME": "one"})
    other = start("gateway", settings={**slow, "RIVER_NODE_NAME": "other"})
    nameless, api = start("gateway", settings=slow), start("api", settings=broker)
    async with AsyncExitStack() as stack:
        ann, bob, cid = [
            await stack.enter_async_context(member(one.url, token(user), "presence-dogs"))
            for one, user in ((named, "ann"), (other, "bob"), (nameless, "cid"))
        ]
        status, told = await asyncio.to_thread(order_drain, api, "nobody")
        assert (status, told["error"]["code"]) == (404, "not_found")
        await asyncio.to_thread(drain, api, "one")
        assert (await ann.until("bye"))["reason"] == "draining"
        assert is_refused(named.url)
        # Those who were asked are served until they go; asking again changes nothing.
        await asyncio.to_thread(drain, api, "one")
        await ann.send(type="ping", id=1)
        await ann.until("pong")
        await ann.close()
        for client in (bob, cid):
            await client.until("left")
            await client.send(type="ping", id=1)
            await client.expect("pong")
        for one in (other, nameless):
            assert ask(f"{one.url}/readyz")[0] == 200
        # It stays up, refusing, until it is stopped; then nothing is left to wait for.
        assert named.process.poll() is None
        named.signal(signal.SIGTERM)
        await asyncio.to_thread(named.ends_well, within_s=AT_ONCE_S)
    drained = [one for one in named.log() if one["event"] == "gateway_draining"]
    assert [one["connections"] for one in drained] == [1]


async def test_client_that_stays_is_closed_when_the_time_is_over_and_the_node_is_still_up(
    start: Start, broker: dict[str, str]
) -> None:
    settings = {**broker, "RIVER_DRAIN_S": "1", "RIVER_NODE_NAME": "one"}
    gateway, api = start("gateway", settings=settings), start("api", settings=broker)
    async with member(gateway.url, token(), "dogs") as client:
        await asyncio.to_thread(drain, api, "one")
        await client.expect("bye")
        assert await client.ends() == (4503, "draining")
    assert gateway.process.poll() is None


async def test_second_signal_cuts_short_a_drain_that_was_asked_for(
    start: Start, broker: dict[str, str]
) -> None:
    settings = {**broker, "RIVER_DRAIN_S": "600", "RIVER_NODE_NAME": "one"}
    gateway, api = start("gateway", settings=settings), start("api", settings=broker)
    async with member(gateway.url, token(), "dogs") as client:
        await asyncio.to_thread(drain, api, "one")
        await client.expect("bye")
        gateway.signal(signal.SIGTERM)
        await client.send(type="ping", id=1)
        await client.expect("pong")
        gateway.signal(signal.SIGTERM)
        assert (await client.ends())[0] == 4503
        await asyncio.to_thread(gateway.ends_well, within_s=AT_ONCE_S)


async def test_all_workers_of_a_node_obey(start: Start, broker: dict[str, str]) -> None:
    settings = {
        **broker,
        "RIVER_NODE_NAME": "one",
        "RIVER_WORKERS": "2",
        "RIVER_PORT": str(free_port()),
    }
    gateway, api = start("gateway", settings=settings), start("api", settings=broker)
    await condition(lambda: gateway.stderr.text.count('"gateway_ready"') == 2)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(member(gateway.url, token(), "dogs")) for _ in range(6)
        ]
        await asyncio.to_thread(drain, api, "one")
        for client in clients:
            await client.expect("bye")
    await condition(lambda: gateway.stderr.text.count('"gateway_draining"') == 2)
    assert is_refused(gateway.url)


async def test_river_dev_obeys_too(start: Start) -> None:
    river = start("dev", settings={"RIVER_NODE_NAME": "one", "RIVER_DRAIN_S": "600"})
    async with member(river.url, token(), "dogs") as client:
        await asyncio.to_thread(drain, river, "one")
        await client.expect("bye")
        river.signal(signal.SIGTERM)
        assert (await client.ends())[0] == 4503
        await asyncio.to_thread(river.ends_well, within_s=AT_ONCE_S)


async def test_ecs_task_is_called_by_its_arn(start: Start, broker: dict[str, str]) -> None:
    says = json.dumps({"Cluster": "river", "TaskARN": ARN, "Family": "river"}).encode()
    with agent(says) as place:
        in_task = {"RIVER_NODE_NAME": "ecs-task", "ECS_CONTAINER_METADATA_URI_V4": place}
        gateway = start("gateway", settings={**broker, **in_task})
    api = start("api", settings=broker)
    async with member(gateway.url, token(), "dogs") as client:
        await asyncio.to_thread(drain, api, ARN)
        await client.expect("bye")


def test_what_is_no_ecs_task_is_told(tmp_path: Path) -> None:
    settings = {**KEYS, "RIVER_NODE_NAME": "ecs-task"}
    code, _, told = run("gateway", settings=settings, folder=tmp_path)
    assert (code, len(told.splitlines())) == (2, 1)
    assert "this is no ECS task" in told
