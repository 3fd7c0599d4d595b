"""Limits, and clients that go to them and beyond."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from river_client import (
    TEXT,
    condition,
    enter,
    frame,
    let_in,
    member,
    metric,
    opened,
    token,
    visitor,
)
from river_process import KEYS, MEBIBYTE, River, Start, ask, environment

# What must not grow would grow by much more.
GROWTH_BYTES_MAX = 8 * MEBIBYTE


async def is_refused(url: str, **headers: str) -> None:
    """It is told to come again, and closed."""
    client = await opened(url, **headers)
    told = await client.expect("bye")
    assert told["reason"] == "full"
    assert told["retry_after_ms"] > 0
    assert (await client.ends())[0] == 4503
    await client.close()


async def test_full_gateway_tells_newcomers_to_come_again(start: Start) -> None:
    river = start(settings={"RIVER_MAX_CONNECTIONS": "3", "RIVER_MAX_UNAUTHENTICATED": "2"})
    bearer = f"Bearer {token('ann')}"
    async with visitor(river.url), visitor(river.url) as second:
        await is_refused(river.url)
        # The limit for those without a token does not keep those out who bring one.
        async with visitor(river.url, Authorization=bearer) as third:
            await third.until("authenticated")
            await enter(second, token("bob"))
            await is_refused(river.url, Authorization=bearer)
            # Pages are answered, and asking for one there is no refusal.
            before = metric(river, "river_refused_total")
            assert ask(f"{river.url}/healthz") == (200, "alive\n")
            assert ask(f"{river.url}/ws")[0] == 426
            assert metric(river, "river_refused_total") == before
        await condition(lambda: metric(river, "river_connections") == 2)
        async with visitor(river.url) as fourth:
            await fourth.expect("welcome")
            assert metric(river, "river_unauthenticated") == 2
            await is_refused(river.url)
            assert metric(river, "river_refused_total") >= 3


async def test_gateway_with_few_files_says_so_and_refuses_newcomers(tmp_path: Path) -> None:
    settings = {**KEYS, "RIVER_PORT": "0"}
    command = 'ulimit -n 64; exec "$0" -m riverd gateway'
    process = await asyncio.create_subprocess_exec(
        "bash",
        *("-c", command, sys.executable),
        cwd=tmp_path,
        env=environment(settings),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    log = (json.loads(line) async for line in process.stderr)
    try:
        limited = await anext(line async for line in log if line["event"] == "connections_limited")
        assert (limited["by"], limited["files"], limited["limit"]) == ("files", 64, 32)
        ready = await anext(line async for line in log if line["event"] == "gateway_ready")
        url = ready["url"].replace("ws", "http", 1).removesuffix("/ws")
        async with AsyncExitStack() as stack:
            for _ in range(32):
                await stack.enter_async_context(visitor(url))
            for _ in range(20):
                await is_refused(url)
            noted = await anext(
                line async for line in log if line["event"] == "connections_refused"
            )
            assert noted["connections"] == 32
    finally:
        process.terminate()
        await process.wait()


async def test_thousand_unauthenticated_connections_leave_when_told(river: River) -> None:
    many = [await let_in(river.url) for _ in range(1_000)]
    await condition(lambda: metric(river, "river_unauthenticated") == 1_000)
    async with member(river.url, token("ann"), "dogs") as client:
        await client.send(type="ping", id=1)
        await client.expect("pong")
    await asyncio.gather(*(one.close() for one in many))
    await condition(lambda: metric(river, "river_unauthenticated") == 0)


def message(**fields: object) -> bytes:
    return frame(TEXT, json.dumps(fields).encode())


def subscribe(number: int) -> bytes:
    return message(type="subscribe", id=number, channel=f"c{number}")


async def test_client_that_subscribes_to_thousands_of_channels_is_stopped(river: River) -> None:
    async with member(river.url, token("greedy")) as client:
        with river.growth() as grown:
            await client.attack(b"".join(subscribe(number) for number in range(5_000)))
            assert (await client.until("error"))["code"] == "too_many_channels"
            while (told := await client.expect("error"))["code"] == "too_many_channels":
                pass
            assert told["code"] == "too_fast"
            assert (await client.ends())[0] == 4429
            assert grown() < GROWTH_BYTES_MAX


async def test_client_in_no_haste_gets_no_further_than_its_channels(start: Start) -> None:
    river = start(settings={"RIVER_CLIENT_RATE": "1000000"})
    async with member(river.url, token("wanderer")) as wanderer:
        async with member(river.url, token("greedy")) as greedy:
            await greedy.send_raw(b"".join(subscribe(number) for number in range(3_000)))
            refused = 0
            while refused < 2_900:
                told = await greedy.next()
                if told["type"] == "error":
                    assert told["code"] == "too_many_channels"
                    refused += 1
            await greedy.send(type="ping", id=1)
            await greedy.until("pong")
            assert metric(river, "river_channels") == 100
        for number in range(1_000):
            away = message(type="unsubscribe", id=-number, channel=f"w{number}")
            await wanderer.send_raw(message(type="subscribe", channel=f"w{number}") + away)
        await wanderer.send(type="ping", id=1)
        await wanderer.until("pong")
        # Channels that were left are kept for a few seconds, because people come back.
        await condition(lambda: metric(river, "river_channels") == 0)
        await wanderer.send_raw(subscribe(1))
        assert (await wanderer.until("subscribed"))["channel"] == "c1"
