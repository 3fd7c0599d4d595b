"""Frames and messages that nobody sends who means well: what they cost, and whom."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from river_client import BINARY, CLOSE, CONTINUATION, PING, TEXT, frame, member, token
from river_process import API_KEY, MEBIBYTE, River, ask

# What must not grow would grow by much more.
GROWTH_BYTES_MAX = 8 * MEBIBYTE
MESSAGE_BYTES = 10 * MEBIBYTE
ATTACKERS = 20
PINGS = 40_000


async def still_serves(river: River) -> None:
    async with member(river.url, token("somebody-else"), "dogs") as client:
        await client.send(type="ping", id=1)
        assert (await client.expect("pong"))["id"] == 1


def announced() -> bytes:
    """The head of one frame of ten megabytes, and some of it."""
    return frame(TEXT, bytes(MESSAGE_BYTES))[: 2 * MEBIBYTE]


def fragments(size: int) -> bytes:
    """A message that never ends: of ten megabytes, or of so many fragments."""
    count = min(MESSAGE_BYTES // max(1, size), 20_000)
    first = frame(TEXT, b"x" * size, fin=False)
    return first + frame(CONTINUATION, b"x" * size, fin=False) * count


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(announced(), id="one frame"),
        pytest.param(fragments(60_000), id="fragments"),
        pytest.param(fragments(1), id="fragments of a byte"),
        pytest.param(fragments(0), id="fragments of nothing"),
    ],
)
async def test_message_that_never_ends_is_closed_and_costs_no_memory(
    river: River, attack: bytes
) -> None:
    async with AsyncExitStack() as clients:
        many = [
            await clients.enter_async_context(member(river.url, token(f"user-{number}")))
            for number in range(ATTACKERS)
        ]
        with river.growth() as grown:
            await asyncio.gather(*(one.attack(attack) for one in many))
            codes = {(await one.ends())[0] for one in many}
            assert grown() < GROWTH_BYTES_MAX
    assert codes == {4413}
    await still_serves(river)


async def test_flood_of_pings_is_closed_and_costs_no_memory_whether_the_pongs_are_read_or_not(
    river: River,
) -> None:
    flood = frame(PING, b"x" * 125) * PINGS
    async with (
        member(river.url, token("reader")) as reader,
        member(river.url, token("deaf"), receive_bytes=4_096) as deaf,
    ):
        with river.growth() as grown:
            flooding = asyncio.create_task(deaf.attack(flood * 4))
            await asyncio.gather(reader.attack(flood), still_serves(river))
            assert (await reader.ends())[0] == 4429
            assert grown() < GROWTH_BYTES_MAX
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"\xff\xfe{}"), 1007),
        (frame(TEXT, b'{"type":"ping","id":"\xed\xa0\x80"}'), 1007),
        (b"\xc1" + frame(TEXT, b"{}")[1:], 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, b"", fin=False), 1002),
        (frame(CONTINUATION, b"x"), 1002),
        (frame(3, b"x"), 1002),
        (b"\x81\x02{}", 1002),
        (frame(CLOSE, b"x"), 1002),
        (frame(BINARY, b"{}"), 4400),
        (frame(TEXT, b"nonsense"), 4400),
        (frame(TEXT, b"["), 4400),
    ],
    ids=lambda one: ascii(one[:24]) if isinstance(one, bytes) else "",
)
async def test_client_that_breaks_the_rules_is_closed_and_others_are_not(
    river: River, data: bytes, code: int
) -> None:
    async with member(river.url, token("breaker"), "dogs") as client:
        await client.send_raw(data)
        assert (await client.ends())[0] == code
    await still_serves(river)


@pytest.mark.parametrize(
    "fields",
    [
        '"data":' + "[" * 30_000 + "]" * 30_000,
        '"data":' + '{"a":' * 10_000 + "1" + "}" * 10_000,
        '"id":' + "[" * 30_000 + "]" * 30_000,
        '"id":' + "9" * 4_000,
        '"data":' + "9" * 60_000,
        '"data":-0.0e-999999999',
        '"data":"\\ud800"',
        '"event":"\\udfff\\ud800"',
        '"channel":"\\ud83d"',
        '"channel":"' + "x" * 60_000 + '"',
        '"type":"subscribe","history":1e999',
        '"type":"subscribe","epoch":"x","offset":18446744073709551616',
        '"type":"history","limit":-1',
        '"type":"auth","token":7',
        '"type":["ping"]',
        '"type":null',
    ],
    ids=lambda one: one[:40],
)
async def test_odd_message_is_answered_and_the_connection_goes_on(
    river: River, fields: str
) -> None:
    usual = '"type":"publish","channel":"dogs","event":"e","data":1'
    async with member(river.url, token("odd")) as client:
        await client.send_raw(frame(TEXT, f"{{{usual},{fields}}}".encode()))
        assert (await client.next())["type"] in {"error", "published"}
        await client.send(type="ping", id="still-there")
        assert (await client.expect("pong"))["id"] == "still-there"


@pytest.mark.parametrize("text", ["[" * 60_000, '{"a":' * 12_000, '"' + "\\" * 60_000])
async def test_nonsense_that_is_nested_deeply_ends_no_process(river: River, text: str) -> None:
    async with member(river.url, token("deep")) as client:
        await client.send_raw(frame(TEXT, text.encode()))
        assert (await client.expect("error"))["code"] in {"not_json", "too_deep"}
    await still_serves(river)


async def test_clients_that_ask_for_long_histories_and_read_nothing_cost_little(
    river: River,
) -> None:
    data = "x" * 60_000
    for _ in range(100):
        body = {"channel": "long-tail", "event": "e", "data": data}
        assert ask(f"{river.api_url}/publish", body, key=API_KEY)[0] == 200
    async with AsyncExitStack() as clients:
        many = [
            await clients.enter_async_context(
                member(river.url, token(f"user-{number}"), receive_bytes=4_096)
            )
            for number in range(ATTACKERS)
        ]
        with river.growth() as grown:
            for one in many:
                await one.send(type="history", id=1, channel="long-tail")
            await still_serves(river)
            # Each of them was given 65 KiB and what its socket takes, not 1 MB.
            assert grown() < GROWTH_BYTES_MAX
        async with member(river.url, token("reader"), "dogs") as reader:
            await reader.send(type="history", id=1, channel="long-tail")
            await reader.send(type="ping", id=2)
            told = await reader.until("history")
            # The window's mebibyte, with the quotes and the name of the event.
            assert [one["data"] for one in told["publications"]] == [data] * (2**20 // 60_003)
            assert (await reader.until("pong"))["id"] == 2
