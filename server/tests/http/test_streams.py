"""Answers whose length nobody knows when they begin."""

import asyncio

import pytest
from http_site import (
    PATIENT,
    Site,
    connected,
    get,
    listening,
    paths,
    until,
)


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
        await until(lambda: not len(listener.pool))


# Half-closed clients.
