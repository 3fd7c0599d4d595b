"""Limits, and clients that go to them and beyond."""

import asyncio
import json
import resource
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from river_client import (
    TEXT,
    Client,
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
from river_process import MEBIBYTE, START_S_MAX, River, Start, address, ask

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


async def is_full_for(client: Client) -> None:
    """It makes room, and is asked to come again."""
    assert (await client.until("bye"))["reason"] == "full"
    assert (await client.ends())[0] == 4503


async def test_full_gateway_makes_room_of_the_oldest_client_without_a_token(start: Start) -> None:
    river = start(settings={"RIVER_MAX_CONNECTIONS": "3", "RIVER_MAX_UNAUTHENTICATED": "2"})
    bearer = f"Bearer {token('ann')}"
    async with (
        visitor(river.url) as first,
        visitor(river.url) as second,
        visitor(river.url) as third,
    ):
        await is_full_for(first)
        # Those that bring a token take none of the room for those that bring none.
        async with visitor(river.url, Authorization=bearer) as ann:
            await ann.until("authenticated")
            assert metric(river, "river_unauthenticated") == 2
            async with visitor(river.url, Authorization=bearer) as again:
                await again.until("authenticated")
                await is_full_for(second)
                await enter(third, token("bob"))
                # Now there is nobody without a token.
                await is_refused(river.url)
                await is_refused(river.url, Authorization=bearer)
                # Pages are answered, and asking for one there is no refusal.
                before = metric(river, "river_refused_total")
                assert ask(f"{river.url}/healthz") == (200, "alive\n")
                assert ask(f"{river.url}/ws")[0] == 426
                assert metric(river, "river_refused_total") == before == 4


async def test_silent_clients_keep_none_out(start: Start) -> None:
    river = start(settings={"RIVER_MAX_UNAUTHENTICATED": "20"})
    silent = [await let_in(river.url) for _ in range(20)]
    for number in range(30):
        async with member(river.url, token(f"user-{number}"), "dogs"):
            silent.append(await let_in(river.url))
    assert metric(river, "river_unauthenticated") == 20
    await asyncio.gather(*(one.close() for one in silent))


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


@pytest.mark.parametrize("plane", ["gateway", "api"])
def test_port_without_a_file_left_answers_again_when_there_is_one(start: Start, plane: str) -> None:
    river = start("dev")
    url = river.url if plane == "gateway" else river.api_url
    files = Path(f"/proc/{river.pid}/fd")
    most, hard = len(list(files.iterdir())) + 8, river.file_limits()[1]
    resource.prlimit(river.pid, resource.RLIMIT_NOFILE, (most, hard))
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(socket.create_connection(address(url), timeout=START_S_MAX))
        wait_until(lambda: len(list(files.iterdir())) >= most)
    wait_until(lambda: answers(url))
    river.stop()


def answers(url: str) -> bool:
    try:
        return ask(f"{url}/healthz")[0] == 200
    except OSError:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S_MAX
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)
