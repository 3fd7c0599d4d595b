"""How a connection ends: by either side, at a deadline, or for a client that does not read."""

import asyncio
import gc
import weakref

import pytest
from http_site import (
    HUGE,
    LONG_S,
    OFFER,
    PATIENT,
    Site,
    connected,
    get,
    listening,
    paths,
    post,
    until,
)

from riverd.http.limits import HttpLimits


async def test_client_that_ended_its_side_is_answered() -> None:
    site = Site()
    async with listening(site, PATIENT) as listener, connected(listener) as client:
        client.send(get("/one") + get("/gate") + get("/three"))
        client.writer.write_eof()
        assert await paths(client, 1) == ["/one"]
        await until(lambda: not listener.pool.waiting)
        site.gate.set()
        assert await paths(client, 2) == ["/gate", "/three"]
        assert await client.rest() == b""
        await until(lambda: not len(listener.pool))


@pytest.mark.parametrize("sent", [b"", b"GET /", post("/", b"abc")[:-1]])
async def test_client_that_ends_within_a_request_is_closed(sent: bytes) -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        client.send(sent)
        client.writer.write_eof()
        assert await client.rest() == b""
        await until(lambda: not len(listener.pool))


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
        assert len(listener.pool) == 1


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
            await until(lambda: len(listener.pool) == 1)
            await until(lambda: not len(listener.pool))
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await deaf.reader.readexactly(len(HUGE))


async def test_who_does_not_read_answers_gets_no_more_of_them() -> None:
    async with listening(Site(), PATIENT) as listener, connected(listener) as client:
        client.send(get("/huge") + get("/one") + get("/two"))
        await until(lambda: all(not one.reads_on for one in listener.pool.waiting))
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
                    await until(lambda: len(listener.pool) == 1 or site.taken_over)
                    readers = [weakref.ref(one._reader) for one in listener.pool.waiting]
                    client.close()
                await until(lambda: not len(listener.pool))
                await asyncio.sleep(0)
                assert [one() for one in readers] == [None] * len(readers)
        finally:
            gc.enable()
