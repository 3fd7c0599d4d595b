"""Many clients of Pusher's protocol at once: when a gateway stops, and when one is overrun."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from pusher_runner import APPS, QUERY
from river_client import connection, is_refused, request
from river_process import River, Start
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SETTINGS = {"RIVER_APPS": json.dumps([APPS[1]])}
PATH = f"/app/{APPS[1]['key']}?{QUERY}"
ESTABLISHED, ERROR = "pusher:connection_established", "pusher:error"
DEADLINE_S = 20.0
PAGES = 40
DRAIN_S = 4.0
WAVE_S = 0.5
LATE_S = 2.5


def event(text: str | bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


@asynccontextmanager
async def page(river: River) -> AsyncIterator[ClientConnection]:
    """A client that was greeted."""
    async with connect(river.url.replace("http", "ws") + PATH, proxy=None) as client:
        assert event(await client.recv())["event"] == ESTABLISHED
        yield client


async def ended(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def closed(client: ClientConnection) -> tuple[int, float]:
    """With which code, and when."""
    async with asyncio.timeout(DEADLINE_S):
        with suppress(ConnectionClosed):
            while True:
                await client.recv()
    assert client.close_code is not None
    return client.close_code, time.monotonic()


async def test_clients_of_a_gateway_that_stops_are_moved_in_waves_and_none_in_a_loop(
    start: Start,
) -> None:
    river = start("gateway", settings={**SETTINGS, "RIVER_DRAIN_S": str(DRAIN_S)})
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(page(river)) for _ in range(PAGES)]
        began = time.monotonic()
        river.signal(signal.SIGTERM)
        ends = await asyncio.gather(*map(closed, pages[:-1]))
        await closed(pages[-1])
        assert {code for code, _ in ends} == {4200}
        # No half of a second has a third of them: others have to take them in.
        for _, at in ends:
            assert sum(at <= other < at + WAVE_S for _, other in ends) <= PAGES / 3
        assert max(at for _, at in ends) - began < DRAIN_S
        # Who comes back finds no open port.
        assert is_refused(river.url)
    await asyncio.to_thread(river.ends_well, within_s=DEADLINE_S)


async def test_client_whose_connection_was_open_before_a_stop_is_asked_to_wait(
    start: Start,
) -> None:
    river = start("gateway", settings={**SETTINGS, "RIVER_DRAIN_S": "600"})
    async with page(river) as keeper:
        reader, writer = await connection(river.url)
        river.signal(signal.SIGTERM)
        assert (await closed(keeper))[0] == 4200
        writer.write(request(PATH))
        answer = await asyncio.wait_for(reader.read(), DEADLINE_S)
        assert answer.startswith(b"HTTP/1.1 101")
        assert b'"event":"pusher:error"' in answer
        assert b'"code":4100' in answer
        assert b"4200" not in answer
        await ended(writer)
    await asyncio.to_thread(river.ends_well, within_s=DEADLINE_S)


async def test_gateway_that_is_late_greets_each_client_on_its_first_connection(
    start: Start,
) -> None:
    river = start("gateway", settings=SETTINGS)
    river.signal(signal.SIGSTOP)
    try:
        # The kernel takes them in; what they ask waits with them.
        waiting = [await connection(river.url) for _ in range(PAGES)]
        for _, writer in waiting:
            writer.write(request(PATH))
        # Being late is what this is about: there is no condition to wait for.
        await asyncio.sleep(LATE_S)
    finally:
        river.signal(signal.SIGCONT)
    for reader, writer in waiting:
        answer = await asyncio.wait_for(reader.readuntil(b"activity_timeout"), DEADLINE_S)
        assert answer.startswith(b"HTTP/1.1 101")
        assert ESTABLISHED.encode() in answer
        await ended(writer)
