"""Clients that do not read what they asked for, while others do."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from river_client import Client, Json, condition, member, metric, token
from river_process import API_KEY, MEBIBYTE, River, Start, ask

HISTORY = 6_000
BATCH = 500
PADDING = "x" * 1_000
# What waits for one client is bounded to 64 KiB in River; the rest is the allocator's.
GROWTH_BYTES_MAX = 16 * MEBIBYTE


@pytest.fixture(scope="module")
def river(start_shared: Start) -> River:
    """Return a server with a large window, which pings nobody while this lasts."""
    settings = {
        "RIVER_HISTORY_SIZE": str(HISTORY),
        "RIVER_HISTORY_BYTES": "100000000",
        "RIVER_PING_INTERVAL_S": "600",
        "RIVER_CLIENT_RATE": "1000000",
    }
    return start_shared(settings=settings)


class Reader:
    """A subscriber that checks what it is told: every event once, in order, or a word of a gap."""

    def __init__(self, client: Client, name: str) -> None:
        self.offset = 0
        self.gaps = 0
        self._client = client
        self._name = name
        self._after_gap = False

    async def read_to(self, offset: int) -> None:
        """Go on until the event of this offset was told."""
        while self.offset < offset:
            async with asyncio.timeout(60):
                self._take(await self._client.next_text())

    def _take(self, text: bytes) -> None:
        if text.startswith(b'{"type":"gap"'):
            number = int(json.loads(text)["offset"])
            assert number >= self.offset, self._name
            self.gaps += 1
            self._after_gap = True
        else:
            assert text.startswith(b'{"type":"event"'), text[:200]
            number = int(text[text.rindex(b":") + 1 : -1])
            expected = number > self.offset if self._after_gap else number == self.offset + 1
            assert expected, f"{self._name}: {number} after {self.offset}"
            self._after_gap = False
        self.offset = max(self.offset, number)


def flood(river: River, channel: str) -> int:
    """Publish a batch of events of a kilobyte each: the last one's offset."""
    message: Json = {"channel": channel, "event": "post", "data": PADDING}
    body = {"messages": [message] * BATCH}
    status, text = ask(f"{river.api_url}/publish/batch", body, key=API_KEY)
    assert status == 200
    return int(text.rpartition('"offset":')[2].partition("}")[0])


async def test_client_that_reads_again_goes_on_where_it_stood(river: River) -> None:
    async with (
        member(river.url, token("stalled"), "news", receive_bytes=4_096) as client,
        member(river.url, token("good"), "news") as other,
    ):
        stalled, good = Reader(client, "stalled"), Reader(other, "good")
        last = 0
        while last < HISTORY - BATCH:
            last = await asyncio.to_thread(flood, river, "news")
            await good.read_to(last)
        await stalled.read_to(last)
        assert stalled.gaps == good.gaps == 0
        last = await asyncio.to_thread(flood, river, "news")
        await asyncio.gather(stalled.read_to(last), good.read_to(last))


async def test_client_that_reads_nothing_costs_no_memory_and_delays_nobody(river: River) -> None:
    async with AsyncExitStack() as clients:
        good = [
            Reader(await clients.enter_async_context(member(river.url, token(name), "flood")), name)
            for name in (f"good-{number}" for number in range(20))
        ]
        silent = await clients.enter_async_context(
            member(river.url, token("stalled"), "flood", receive_bytes=4_096)
        )
        last = 0
        # First the window fills, which is memory well spent.
        while last < HISTORY:
            last = await asyncio.to_thread(flood, river, "flood")
            await asyncio.gather(*(one.read_to(last) for one in good))
        with river.growth() as grown:
            while last < 20_000:
                last = await asyncio.to_thread(flood, river, "flood")
                await asyncio.gather(*(one.read_to(last) for one in good))
            assert grown() < GROWTH_BYTES_MAX
        assert not any(one.gaps for one in good)
        stalled = Reader(silent, "stalled")
        last = await asyncio.to_thread(flood, river, "flood")
        await stalled.read_to(last)
        assert stalled.gaps == 1
        # It is one of the others again.
        last = await asyncio.to_thread(flood, river, "flood")
        await asyncio.gather(*(one.read_to(last) for one in (stalled, *good)))
        assert stalled.gaps == 1


async def test_client_that_asks_and_never_reads_the_answers_costs_no_memory(river: River) -> None:
    """Every request makes River say something: it stops listening to who does not listen."""
    async with (
        member(river.url, token("asker"), "news", receive_bytes=4_096) as client,
        member(river.url, token("other"), "dogs") as other,
    ):
        asking = asyncio.create_task(ask_for_ever(client))
        with river.growth() as grown:
            for _ in range(40):
                await other.send(type="ping")
                await other.expect("pong")
                await asyncio.sleep(0.02)
            assert grown() < GROWTH_BYTES_MAX
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def ask_for_ever(client: Client) -> None:
    while True:
        await client.send(type="history", id=1, channel="news", limit=1_000)
        await asyncio.sleep(0.001)


async def test_client_that_stays_stalled_is_closed_as_too_slow(start: Start) -> None:
    river = start(settings={"RIVER_PING_INTERVAL_S": "1", "RIVER_HISTORY_SIZE": "10"})
    async with member(river.url, token("stalled"), "news", receive_bytes=4_096) as client:
        for _ in range(20):
            await asyncio.to_thread(flood, river, "news")
        await condition(lambda: metric(river, "river_connections") == 0)
        assert await client.ends() == (4429, "too slow to read")
