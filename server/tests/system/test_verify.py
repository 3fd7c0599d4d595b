"""`river verify` against real processes: it says that promises are kept, and which one is not."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from redis_server import RedisServer
from river_process import API_KEY, KEYS, River, Start, run
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from riverd.commands.verify.proof import PromiseVerdict

SHORT = ("--clients", "4", "--rate", "20", "--seconds", "2")
DELIVERY = "accepted once, delivered once, in order"
Lie = Callable[[dict[str, Any]], int]
"""How often a message is passed on."""


def verify(river: River, *more: str, gateway: str | None = None) -> tuple[int, dict[str, Any]]:
    """Exit code and report."""
    code, out, err = run(
        "verify",
        gateway or river.ws_url,
        *more,
        "--json",
        "report.json",
        settings={"RIVER_API_URL": river.api_url, "RIVER_API_KEY": API_KEY},
        folder=river.folder,
    )
    file = river.folder / "report.json"
    assert file.exists(), out + err
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    assert API_KEY not in out + err + json.dumps(report)
    return code, report


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {one["promise"]: one["verdict"] for one in report["proofs"]}


@contextmanager
def liar(times: Lie, *gateways: River) -> Iterator[str]:
    """An address before the first gateway that answers; messages get lost or doubled on the way."""
    loop, ready, address = asyncio.new_event_loop(), threading.Event(), list[str]()
    over = asyncio.Event()

    async def pass_on(client: ServerConnection) -> None:
        async with await _first(gateways) as server:
            both = (
                asyncio.create_task(_pipe(client, server, lambda _message: 1)),
                asyncio.create_task(_pipe(server, client, times)),
            )
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for one in both:
                one.cancel()

    async def listen() -> None:
        async with serve(pass_on, "127.0.0.1", 0) as listening:
            port = next(iter(listening.sockets)).getsockname()[1]
            address.append(f"ws://127.0.0.1:{port}/ws")
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(listen(),))
    thread.start()
    ready.wait(10)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()


async def _first(gateways: Sequence[River]) -> ClientConnection:
    for one in gateways:
        with suppress(OSError):
            return await connect(one.ws_url)
    raise OSError("no gateway answers")


async def _pipe(source: Any, sink: Any, times: Lie) -> None:
    with suppress(ConnectionClosed):
        async for text in source:
            for _ in range(times(json.loads(text))):
                await sink.send(text)


def test_promises_of_a_river_that_runs_are_kept(start: Start, tmp_path: Path) -> None:
    river = start("dev", settings=KEYS, folder=tmp_path)
    code, report = verify(river, *SHORT, "--html", "report.html")
    assert code == 0, report
    assert set(verdicts(report).values()) == {PromiseVerdict.KEPT.value}
    assert len(report["proofs"]) == 9
    assert DELIVERY in (tmp_path / "report.html").read_text(encoding="utf-8")
    river.stop()


def is_third_event(message: dict[str, Any]) -> bool:
    return message["type"] == "event" and message["offset"] == 3


@pytest.mark.parametrize("times", [0, 2])
def test_an_event_that_is_lost_or_doubled_on_the_way_is_named(
    start: Start, tmp_path: Path, times: int
) -> None:
    river = start("dev", settings=KEYS, folder=tmp_path)
    with liar(lambda one: times if is_third_event(one) else 1, river) as url:
        code, report = verify(river, *SHORT, "--only", "delivery", gateway=url)
    assert code == 1
    assert verdicts(report)[DELIVERY] == PromiseVerdict.BROKEN.value
    details = next(one["details"] for one in report["proofs"] if one["promise"] == DELIVERY)
    assert details[0].startswith("doubled" if times else "lost")


def test_a_leave_that_is_not_announced_is_a_ghost(start: Start, tmp_path: Path) -> None:
    river = start("dev", settings=KEYS, folder=tmp_path)
    with liar(lambda one: one["type"] != "left", river) as url:
        code, report = verify(river, "--only", "presence", gateway=url)
    assert code == 1
    assert verdicts(report)["each member joins once and leaves once"] == PromiseVerdict.BROKEN.value


def test_a_planned_stop_under_load_loses_nothing(start: Start, redis: RedisServer) -> None:
    assert redis.password is not None
    broker = {"RIVER_BROKER": redis.url, "RIVER_BROKER_PASSWORD": redis.password}
    api = start("api", settings=broker)
    first = start("gateway", settings={**broker, "RIVER_NODE_NAME": "first", "RIVER_DRAIN_S": "1"})
    second = start("gateway", settings=broker)
    with liar(lambda _message: 1, first, second) as url:
        code, report = verify(api, *SHORT, "--only", "drain", "--drain", "first", gateway=url)
        assert code == 0, report
        assert (
            verdicts(report)["a planned stop of a gateway loses nothing"]
            == PromiseVerdict.KEPT.value
        )
        code, report = verify(api, *SHORT, "--only", "drain", "--drain", "nobody", gateway=url)
    # What could not be tried is not kept.
    assert code == 3
    assert verdicts(report)["drain"] == PromiseVerdict.NOT_CHECKED.value


def test_a_gateway_that_cannot_be_reached_is_not_checked(start: Start, tmp_path: Path) -> None:
    river = start("dev", settings=KEYS, folder=tmp_path)
    code, report = verify(river, "--only", "delivery", gateway="ws://127.0.0.1:1/ws")
    assert code == 3
    assert verdicts(report)["delivery"] == PromiseVerdict.NOT_CHECKED.value
