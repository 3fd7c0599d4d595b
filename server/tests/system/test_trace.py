"""`river trace` over two gateways: what happens is shown, payloads on request, never a token."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis_server import RedisServer
from river_client import condition, enter, member, opened, token
from river_process import API_KEY, Command, River, Start, ask

READ_KEY = "a-key-that-may-only-read-0123456789"


@pytest.fixture(scope="module")
def deployment(start_shared: Start, redis: RedisServer) -> tuple[River, River, River]:
    assert redis.password is not None
    broker = {
        "RIVER_BROKER": redis.url,
        "RIVER_BROKER_PASSWORD": redis.password,
        "RIVER_READ_KEYS": READ_KEY,
    }
    one = start_shared("gateway", settings={**broker, "RIVER_NODE_NAME": "one"})
    other = start_shared("gateway", settings={**broker, "RIVER_NODE_NAME": "other"})
    return one, other, start_shared("api", settings=broker)


def tracing(api: River, folder: Path, *flags: str) -> Command:
    settings = {"RIVER_API_URL": api.api_url, "RIVER_API_KEY": READ_KEY}
    return Command("trace", *flags, "--json", settings=settings, folder=folder)


def lines(command: Command) -> list[Any]:
    return [json.loads(line) for line in list(command.stdout.lines)]


def has(command: Command, **wanted: object) -> Callable[[], bool]:
    return lambda: any(wanted.items() <= line.items() for line in lines(command))


def publish(api: River, channel: str) -> None:
    body = {"channel": channel, "event": "post", "data": {"secret": "of a payload"}}
    assert ask(f"{api.api_url}/publish", body, key=API_KEY)[0] == 200


async def test_user_is_followed_on_all_nodes(
    deployment: tuple[River, River, River], tmp_path: Path
) -> None:
    one, other, api = deployment
    proof = token("ann")
    async with member(one.url, proof, "trace-a"):
        command = tracing(api, tmp_path, "--user", "ann")
        try:
            await condition(has(command, kind="is connected", node="one"))
            client = await opened(other.url)
            await enter(client, proof, "trace-b")
            await condition(has(command, kind="subscribed", node="other", channel="trace-b"))
            publish(api, "trace-b")
            await condition(has(command, kind="sent", channel="trace-b", event="post"))
            publish(api, "trace-a")
            await condition(has(command, kind="sent", channel="trace-a", node="one"))
            await client.close()
            await condition(has(command, kind="ended", node="other"))
            assert "of a payload" not in command.stdout.text
            assert proof not in command.stdout.text
        finally:
            command.kill()


async def test_channel_is_followed_and_payloads_are_shown_on_request(
    deployment: tuple[River, River, River], tmp_path: Path
) -> None:
    one, _, api = deployment
    async with member(one.url, token("bob"), "trace-c"):
        command = tracing(api, tmp_path, "--channel", "trace-c", "--payloads", "--seconds", "20")
        try:

            def is_shown() -> bool:
                publish(api, "trace-c")
                return has(command, kind="given", data={"secret": "of a payload"})()

            await condition(is_shown)
        finally:
            command.kill()


async def test_it_ends_by_itself_and_refuses_what_is_no_trace(
    deployment: tuple[River, River, River], tmp_path: Path
) -> None:
    api = deployment[2]
    command = tracing(api, tmp_path, "--session", "1.1", "--seconds", "1")
    assert await asyncio.to_thread(command.wait) == 0
    for query in ("", "?user=a&id=x", "?user=a&after=x", "?address=localhost"):
        assert ask(f"{api.api_url}/trace{query}", key=READ_KEY)[0] == 400
    assert ask(f"{api.api_url}/trace?user=a")[0] == 401
