"""One connection: answers in their order, bodies, streams, its deadlines and its end."""

import asyncio
import gc
import json
import weakref

import pytest
from http_site import HUGE, LARGE, Client, Site, connected, exchanged, listening, until

from riverd.http.limits import HttpLimits

# Long enough for a busy machine not to reach it by chance.
LONG_S = 300.0
PATIENT = HttpLimits(LONG_S, LONG_S, LONG_S, LONG_S, LONG_S, LONG_S)


def get(path: str, *fields: str, version: str = "1.1", method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "Host: x", *fields, "", ""]
    return "\r\n".join(lines).encode()


def post(path: str, body: bytes, *fields: str) -> bytes:
    return get(path, *fields, f"Content-Length: {len(body)}", method="POST") + body


async def paths(client: Client, count: int) -> list[str]:
    """The paths of the next requests that are answered."""
    return [json.loads((await client.answer())[2])[1] for _ in range(count)]


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
        await until(lambda: not listener.waiting)
        site.gate.set()
        assert await paths(client, 7) == ["/gate", "/two", "/gate", "/four", *["/five"] * 3]


async def test_reading_stops_while_an_answer_is_waited_for() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        client.send(get("/gate"))
        flood = asyncio.create_task(client.send_all(post("/", b"x" * 90_000) * 300))
        await until(lambda: not listener.waiting)
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
        await until(lambda: not listener.waiting)
        client.send(old[-2:])
        assert await paths(client, 1) == ["/"]


async def test_expectation_behind_another_request_is_met_in_its_turn() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        expecting = post("/", b"", "Expect: 100-continue").replace(b": 0", b": 3")
        client.send(get("/gate") + expecting)
        await until(lambda: not listener.waiting)
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
        await until(lambda: not listener.count_of_connections)


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

OFFER = ("Connection: keep-alive, Upgrade", "Upgrade: WebSocket")


async def test_connection_is_handed_over_with_what_came_behind_the_request() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener:
        answer = await exchanged(listener, get("/before") + get("/ws", *OFFER) + b"\x81\x00")
        assert listener.count_of_connections == 0
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


async def test_stream_goes_out_in_chunks_and_the_connection_is_kept() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        client.send(get("/stream") + get("/next"))
        assert b"\r\ncontent-type: text/event-stream\r\n" in await client.head()
        (writer,) = site.writers
        for data in (b"one", b"", b"two"):
            writer.write(data)
        writer.end()
        writer.write(b"late")
        writer.end()
        expected = b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
        assert await client.reader.readexactly(len(expected)) == expected
        assert await paths(client, 1) == ["/next"]


async def test_stream_to_an_old_client_ends_with_the_connection() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        client.send(get("/stream", version="1.0"))
        assert b"chunked" not in await client.head()
        site.writers[0].write(b"one")
        site.writers[0].end()
        assert await client.rest() == b"one"


async def test_stream_waits_for_a_client_that_does_not_read() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        client.send(get("/stream"))
        await client.head()
        (writer,) = site.writers
        changes: list[bool] = []
        writer.changed = lambda: changes.append(writer.is_blocked)
        while not writer.is_blocked:
            writer.write(bytes(100_000))
        drained = asyncio.create_task(writer.drain())
        await asyncio.sleep(0)
        assert not drained.done()
        reading = asyncio.create_task(client.rest())
        assert await drained
        assert changes == [True, False]
        writer.end()
        client.writer.write_eof()
        await reading


@pytest.mark.parametrize("politely", [True, False])
async def test_stream_is_notified_when_the_client_is_gone(*, politely: bool) -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        client.send(get("/stream"))
        await client.head()
        (writer,) = site.writers
        gone = asyncio.Event()
        writer.changed = gone.set
        while not writer.is_blocked:
            writer.write(bytes(100_000))
        gone.clear()
        drained = asyncio.create_task(writer.drain())
        if politely:
            client.writer.write_eof()
        else:
            client.close()
        assert not await drained
        assert gone.is_set()
        assert writer.is_gone
        writer.write(b"more")
        client.close()
        await until(lambda: not listener.count_of_connections)


# Half-closed clients.


async def test_client_that_ended_its_side_is_answered() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        client.send(get("/one") + get("/gate") + get("/three"))
        client.writer.write_eof()
        assert await paths(client, 1) == ["/one"]
        await until(lambda: not listener.waiting)
        site.gate.set()
        assert await paths(client, 2) == ["/gate", "/three"]
        assert await client.rest() == b""
        await until(lambda: not listener.count_of_connections)


@pytest.mark.parametrize("sent", [b"", b"GET /", post("/", b"abc")[:-1]])
async def test_client_that_ends_within_a_request_is_closed(sent: bytes) -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        client.send(sent)
        client.writer.write_eof()
        assert await client.rest() == b""
        await until(lambda: not listener.count_of_connections)


# Deadlines.


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /", get("/")[:-2]])
@pytest.mark.parametrize("before", [b"", get("/first")])
async def test_head_that_does_not_come_is_not_waited_for(sent: bytes, before: bytes) -> None:
    limits = HttpLimits(head_s=0.1, idle_s=0.1 if not sent else LONG_S)
    async with listening(Site(), limits) as listener, connected(listener) as client:
        client.send(before)
        if before:
            assert await paths(client, 1) == ["/first"]
        client.send(sent)
        assert await client.rest() == b""


async def test_body_that_does_not_come_is_late_and_the_rest_of_it_may_still_come() -> None:
    limits = HttpLimits(body_s=0.1, linger_s=LONG_S)
    async with listening(Site(), limits) as listener, connected(listener) as client:
        client.send(post("/", b"abc")[:-1])
        status, fields, body = await client.answer()
        assert (status, body) == (408, b"/: the body did not arrive in time")
        assert fields["connection"] == "close"
        client.send(b"c" + get("/next"))
        assert await client.rest() == b""


async def test_idle_connection_is_ended_politely() -> None:
    limits = HttpLimits(idle_s=0.1, linger_s=LONG_S)
    async with listening(Site(), limits) as listener, connected(listener) as client:
        client.send(get("/"))
        await client.answer()
        assert await client.rest() == b""
        # A request that crosses the end is no reset: the client knows that nobody read it.
        await client.send_all(get("/crossing") * 10)
        assert listener.count_of_connections == 1


async def test_answer_that_is_not_read_is_dropped_and_one_that_is_read_slowly_is_not() -> None:
    limits = HttpLimits(stalled_s=0.2, idle_s=0.1, linger_s=0.1)
    async with listening(Site(), limits) as listener:
        async with connected(listener) as slow:
            slow.send(get("/huge", "Connection: close"))
            await slow.head()
            size = 0
            while data := await slow.reader.read(65_536):
                size += len(data)
                await asyncio.sleep(0.001)
            assert size == len(HUGE)
        async with connected(listener) as deaf:
            deaf.send(get("/huge"))
            await until(lambda: listener.count_of_connections == 1)
            await until(lambda: not listener.count_of_connections)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await deaf.reader.readexactly(len(HUGE))


async def test_who_does_not_read_answers_gets_no_more_of_them() -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        client.send(get("/huge") + get("/one") + get("/two"))
        await until(lambda: all(not one.reads_on for one in listener.waiting))
        assert len((await client.answer())[2]) == len(HUGE)
        assert await paths(client, 2) == ["/one", "/two"]


# Memory.


async def test_connection_leaves_no_cycle_behind() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener:
        gc.collect()
        gc.disable()
        try:
            for sent in (get("/"), get("/ws", *OFFER), b"nonsense", post("/", b"a")[:-1]):
                async with connected(listener) as client:
                    client.send(sent)
                    await until(lambda: listener.count_of_connections == 1 or site.taken_over)
                    readers = [weakref.ref(one._reader) for one in listener.waiting]
                    client.close()
                await until(lambda: not listener.count_of_connections)
                await asyncio.sleep(0)
                assert [one() for one in readers] == [None] * len(readers)
        finally:
            gc.enable()
