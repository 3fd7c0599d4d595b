"""One connection: requests, their bodies, answers in their order, upgrades."""

import asyncio
import json

import pytest
from http_site import (
    LARGE,
    LONG_S,
    OFFER,
    PATIENT,
    Site,
    connected,
    exchanged,
    get,
    listening,
    paths,
    post,
    until,
)

from riverd.http.limits import HttpLimits


async def test_connection_is_kept_and_the_client_is_told_for_how_long() -> None:
    async with listening(Site()) as listener, connected(listener) as client:
        for _ in range(3):
            client.send(get("/"))
            status, fields, _ = await client.answer()
            assert (status, fields["connection"]) == (200, "keep-alive")
            assert fields["keep-alive"] == "timeout=75"
            assert fields["date"].endswith(" gmt")


@pytest.mark.parametrize(
    ("fields", "version", "kept"),
    [
        ((), "1.1", True),
        (("Connection: close",), "1.1", False),
        (("Connection: Keep-Alive",), "1.1", True),
        (("Connection: close, keep-alive",), "1.1", False),
        (("Connection: keep-alive", "Connection: Close"), "1.1", False),
        (("Connection: te",), "1.1", True),
        ((), "1.0", False),
        (("Connection: Keep-Alive",), "1.0", True),
        (("Connection: keep-alive, close",), "1.0", False),
    ],
)
async def test_client_says_whether_the_connection_is_kept(
    fields: tuple[str, ...], version: str, *, kept: bool
) -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        client.send(get("/one", *fields, version=version) + get("/two"))
        assert await paths(client, 1) == ["/one"]
        if kept:
            assert await paths(client, 1) == ["/two"]
        else:
            assert await client.rest() == b""


async def test_hundreds_of_requests_at_once_are_answered_in_their_order() -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        names = [f"/{number}" for number in range(2_000)]
        client.send(b"".join(get(name) for name in names))
        assert await paths(client, len(names)) == names


async def test_requests_behind_one_that_waits_are_answered_after_it() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        client.send(get("/gate") + post("/two", b"2") + get("/gate") + get("/four"))
        await client.send_all(get("/five") * 3)
        await until(lambda: not listener.pool.waiting)
        site.gate.set()
        assert await paths(client, 7) == ["/gate", "/two", "/gate", "/four", *["/five"] * 3]


async def test_reading_stops_while_an_answer_is_waited_for() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        client.send(get("/gate"))
        flood = asyncio.create_task(client.send_all(post("/", b"x" * 90_000) * 300))
        await until(lambda: not listener.pool.waiting)
        done, _ = await asyncio.wait([flood], timeout=0.2)
        assert not done
        site.gate.set()
        assert await paths(client, 301) == ["/gate", *["/"] * 300]
        await flood


async def test_body_may_come_in_any_parts() -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        request = post("/", b"x" * 50_000)
        for at in range(0, len(request), 7_000):
            await client.send_all(request[at : at + 7_000])
            await asyncio.sleep(0)
        status, _, body = await client.answer()
        assert (status, json.loads(body)[3]) == (200, "x" * 50_000)


async def test_head_is_answered_without_the_body() -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        client.send(get("/large", method="HEAD"))
        assert b"\r\ncontent-length: 102400\r\n" in await client.head()
        client.send(get("/stream", method="HEAD"))
        assert b"\r\ntransfer-encoding: chunked\r\n" in await client.head()
        client.send(get("/large"))
        _, fields, body = await client.answer()
        assert (body, fields["x-one"], fields["content-type"]) == (LARGE, "1", "text/javascript")


async def test_answer_without_a_body_has_no_length() -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        client.send(get("/unchanged"))
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 304 Not Modified\r\netag: ")
        assert b"content-" not in head
        client.send(get("/"))
        assert await paths(client, 1) == ["/"]


# Expectations, and answers before the body is here.


async def test_client_that_expects_it_is_asked_for_its_body_once_it_is_admitted() -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        for _ in range(2):
            client.send(post("/", b"", "Expect: 100-Continue").replace(b": 0", b": 3"))
            assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.send(b"ab")
            client.send(b"c")
            _, _, body = await client.answer()
            assert json.loads(body)[3] == "abc"


async def test_client_whose_body_is_not_wanted_is_not_asked_for_it() -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        client.send(post("/early", b"", "Expect: 100-continue").replace(b": 0", b": 3"))
        status, fields, _ = await client.answer()
        assert (status, fields["connection"]) == (401, "close")
        assert await client.rest() == b""


async def test_expectation_is_nothing_to_a_body_that_is_here_or_to_old_clients() -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        client.send(post("/", b"abc", "Expect: 100-continue"))
        assert await paths(client, 1) == ["/"]
        old = post("/", b"abc", "Expect: 100-continue").replace(b"HTTP/1.1", b"HTTP/1.0")
        await client.send_all(old[:-2])
        await until(lambda: not listener.pool.waiting)
        client.send(old[-2:])
        assert await paths(client, 1) == ["/"]


async def test_expectation_behind_another_request_is_met_in_its_turn() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        expecting = post("/", b"", "Expect: 100-continue").replace(b": 0", b": 3")
        client.send(get("/gate") + expecting)
        await until(lambda: not listener.pool.waiting)
        site.gate.set()
        assert await paths(client, 1) == ["/gate"]
        assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"


async def test_small_body_that_nobody_wants_does_not_cost_the_connection() -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        request = post("/early", b"x" * 60_000)
        await client.send_all(request[:100])
        assert (await client.answer())[0] == 401
        client.send(request[100:] + get("/next"))
        assert await paths(client, 1) == ["/next"]


@pytest.mark.parametrize("size", [5_000_000, 10**12])
async def test_large_body_that_nobody_wants_ends_the_connection_without_a_reset(
    size: int,
) -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        head = get("/early", f"Content-Length: {size}", method="POST")
        await client.send_all(head)
        await client.send_all(bytes(min(size, 5_000_000)))
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"\r\nconnection: close\r\n" in answer


async def test_what_comes_after_the_last_answer_is_thrown_away_up_to_a_limit() -> None:
    limits = HttpLimits(discarded_bytes_max=1_000_000, linger_s=LONG_S)
    async with listening(Site(), limits) as listener, connected(listener) as client:
        client.send(get("/", "Connection: close"))
        await client.rest()
        with pytest.raises(ConnectionError):
            await client.send_all(bytes(100_000_000))
        await until(lambda: not len(listener.pool))


# Faults.


@pytest.mark.parametrize("path", ["/fails", "/fails-late", "/fails-at-once"])
async def test_fault_of_a_handler_is_one_answer(path: str) -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        client.send(get(path) + get("/next"))
        assert (await client.answer())[0] == 500
        assert await paths(client, 1) == ["/next"]
    assert [type(failure) for failure in site.failures] == [ValueError]


async def test_upgrade_that_nobody_asked_for_is_a_fault() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        client.send(get("/always-upgrade"))
        assert (await client.answer())[0] == 500
    assert [type(failure) for failure in site.failures] == [TypeError]


async def test_handler_that_takes_too_long_is_stopped() -> None:
    limits = HttpLimits(answer_s=0.05)
    async with listening(Site(), limits) as listener, connected(listener) as client:
        client.send(get("/gate") + get("/next"))
        status, _, body = await client.answer()
        assert (status, body) == (504, b"/gate: there was no answer in time")
        assert await paths(client, 1) == ["/next"]


# Other protocols.


async def test_connection_is_handed_over_with_what_came_behind_the_request() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener:
        answer = await exchanged(listener, get("/before") + get("/ws", *OFFER) + b"\x81\x00")
        assert not len(listener.pool)
    assert answer.endswith(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        b"taken over"
    )
    assert [rest for _, rest in site.taken_over] == [b"\x81\x00"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        get("/ws", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEA"),
        get("/ws", *OFFER, method="HEAD"),
        post("/ws", b"abc", *OFFER),
        get("/ws", *OFFER, "Content-Length: 3") + b"abc",
        get("/ws", *OFFER, "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        get("/ws", "Upgrade: websocket").replace(b"Upgrade", b"X-Upgrade"),
    ],
)
async def test_offer_that_cannot_be_taken_is_as_if_it_were_not_there(
    request_bytes: bytes,
) -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        client.send(request_bytes + get("/next"))
        assert (await client.head()).startswith(b"HTTP/1.1 426 ")
        assert await paths(client, 1) == ["/next"]


async def test_offer_may_be_answered_otherwise() -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        client.send(get("/early", *OFFER) + get("/other", *OFFER) + get("/next"))
        assert (await client.answer())[0] == 401
        assert await paths(client, 2) == ["/other", "/next"]


# Streams.
