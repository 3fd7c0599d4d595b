"""Several workers on one port, and what becomes of them when one of both sides fails."""

import asyncio
import os
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis_server import RedisServer, free_port
from river_client import condition, member, metric, token
from river_process import KEYS, River, Start, run


@pytest.fixture
def two(redis: RedisServer) -> dict[str, str]:
    """Return the settings of two workers."""
    assert redis.password is not None
    return {
        "RIVER_BROKER": redis.url,
        "RIVER_BROKER_PASSWORD": redis.password,
        "RIVER_WORKERS": "2",
        "RIVER_PORT": str(free_port()),
        "RIVER_DRAIN_S": "5",
    }


def workers(river: River) -> list[int]:
    """The living children of a supervisor."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == river.pid and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def ready(river: River, count: int = 2) -> None:
    await condition(lambda: river.stderr.text.count('"gateway_ready"') == count)


async def test_worker_that_dies_is_followed_by_another(start: Start, two: dict[str, str]) -> None:
    river = start("gateway", settings=two)
    await ready(river)
    os.kill(workers(river)[0], signal.SIGKILL)
    await ready(river, 3)
    assert river.event("worker_died")["code"] == -signal.SIGKILL


async def test_scrapes_of_a_port_agree_whichever_worker_answers(
    start: Start, two: dict[str, str]
) -> None:
    river = start("gateway", settings=two)
    await ready(river)
    async with AsyncExitStack() as stack:
        for _ in range(8):
            await stack.enter_async_context(member(river.url, token(), "dogs"))
        # A worker's numbers reach the others within half a second.
        await condition(lambda: metric(river, "river_connections") == 8)
        assert {metric(river, "river_connections") for _ in range(20)} == {8}
        os.kill(workers(river)[0], signal.SIGKILL)
        await ready(river, 3)
    await condition(lambda: metric(river, "river_connections") == 0)


async def test_workers_whose_supervisor_was_killed_stop_in_order(
    start: Start, two: dict[str, str]
) -> None:
    river = start("gateway", settings=two)
    await ready(river)
    left = workers(river)
    assert len(left) == 2
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(member(river.url, token(), "dogs")) for _ in range(6)
        ]
        river.process.kill()
        for client in clients:
            assert (await client.until("bye"))["reason"] == "draining"
    await condition(lambda: not any(map(is_alive, left)))
    river.kill()
    assert river.stderr.text.count('"supervisor_gone"') == 2
    assert river.stderr.text.count('"gateway_stopped"') == 2


async def test_second_signal_cuts_the_drain_of_all_workers_short(
    start: Start, two: dict[str, str]
) -> None:
    river = start("gateway", settings={**two, "RIVER_DRAIN_S": "600"})
    await ready(river)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(member(river.url, token(), "dogs")) for _ in range(6)
        ]
        river.signal(signal.SIGTERM)
        for client in clients:
            await client.until("bye")
        river.signal(signal.SIGTERM)
        for client in clients:
            assert (await client.ends())[0] == 4503
    await asyncio.to_thread(river.ends_well)


def test_workers_that_cannot_listen_are_told_of_once(tmp_path: Path, two: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = {**KEYS, **two, "RIVER_PORT": str(port)}
        code, out, told = run("gateway", settings=settings, folder=tmp_path)
    why = f"cannot listen on 127.0.0.1:{port}: Address already in use"
    assert (code, out) == (2, "")
    # One line, with the cure.
    assert told.startswith(f"river: RIVER_PORT: {why}. ")
    assert "\n" not in told


def test_workers_whose_settings_are_wrong_are_told_of_once(
    tmp_path: Path, two: dict[str, str]
) -> None:
    wrong = {"RIVER_BROKER": "rediss://127.0.0.1?ca_file=/nowhere.pem", "RIVER_BROKER_PASSWORD": ""}
    code, _, told = run("gateway", settings={**KEYS, **two, **wrong}, folder=tmp_path)
    assert (code, len(told.splitlines())) == (2, 1)
    assert "ca_file=/nowhere.pem" in told
