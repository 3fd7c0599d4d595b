"""Streams of clients that read slowly, leave half, or ask twice."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from http_site import until
from river_time import in_no_time
from stream_client import EventReader, path_of, requested
from stream_site import Site, bearer
from turn_tally import TurnTally

from riverd.core.session import Session
from riverd.errors import Reason
from riverd.gateway.draining import AT_ONCE
from riverd.gateway.streams.event_stream import EventStream

COUNT = 280
EVENT_BYTES = 60_000
BUFFER_BYTES_MAX = 65_536
PARTS_MAX = 3
READ_BYTES = 1_024


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Return a gateway that serves streams."""
    site = Site(("*",), query_token=False)
    await site.start()
    yield site
    await site.close()


def asking(url: str, path: str, *, version: str = "1.1") -> socket.socket:
    """A client that has asked for a stream, and reads when it is told to."""
    client = socket.socket()
    place = urlsplit(url)
    client.connect((place.hostname, place.port))
    token = bearer("slow")["authorization"]
    head = f"GET {path} HTTP/{version}\r\nhost: {place.netloc}\r\nauthorization: {token}\r\n\r\n"
    client.sendall(head.encode())
    client.setblocking(False)
    return client


async def read(client: socket.socket, size: int) -> bytes:
    async with asyncio.timeout(20):
        data = await asyncio.get_running_loop().sock_recv(client, size)
    assert data, "the stream has ended"
    return data


def events_in(body: bytearray) -> list[dict[str, object]]:
    """The messages of an answer without chunks, as far as they came."""
    lines = body.partition(b"\r\n\r\n")[2].rpartition(b"\n\n")[0].split(b"\n")
    return [json.loads(line[6:]) for line in lines if line.startswith(b"data: ")]


def unsent(session: Session) -> int:
    """What waits in the process to be sent to a stream."""
    writer = cast("EventStream", session.sink)._writer
    assert writer is not None
    return writer._transport.get_write_buffer_size()


async def test_client_that_reads_a_kilobyte_at_a_time_holds_up_nobody_and_gets_all_or_a_gap(
    site: Site,
) -> None:
    with asking(site.url, path_of("dogs"), version="1.0") as client:
        body = bytearray(await read(client, READ_BYTES))
        async with requested(site.url, path_of("dogs"), headers=bearer()) as other:
            await other.message("subscribed")
            for number in range(COUNT):
                await site.publish("dogs", [number, "x" * 60_000])
                assert (await other.message("event"))["offset"] == number + 1
                body += await read(client, READ_BYTES)
        while b'"gap"' not in body[-200:]:
            body += await read(client, 1 << 20)
        await site.publish("dogs", "last")
        while b'"last"' not in body[-200:]:
            body += await read(client, 1 << 20)
    offset, gaps = 0, 0
    for message in events_in(body):
        if message["type"] == "event":
            assert message["offset"] == offset + 1
        gaps += message["type"] == "gap"
        position = message["offset"]
        assert isinstance(position, int)
        offset = position
    assert (offset, gaps) == (COUNT + 1, 1)


async def test_client_that_ends_its_own_half_has_left(site: Site) -> None:
    path = path_of("presence-x")
    async with requested(site.url, path, headers=bearer("ada")) as witness:
        await witness.message("subscribed")
        async with requested(site.url, path, headers=bearer("grace")) as stream:
            await stream.message("subscribed")
            assert (await witness.message("joined"))["user"] == "grace"
            stream.writer.write_eof()
            assert (await witness.message("left"))["user"] == "grace"
            await until(lambda: len(site.gateway.connections) == 1)


async def test_two_requests_with_one_cursor_both_get_what_was_missed(site: Site) -> None:
    async with requested(site.url, path_of("dogs"), headers=bearer()) as stream:
        await stream.message("subscribed")
        headers = {**bearer(), "last-event-id": stream.last_id}
    await site.publish("dogs", 1)

    async def offsets(stream: EventReader) -> list[int]:
        return [(await stream.message("event"))["offset"] for _ in range(2)]

    async with (
        requested(site.url, path_of("dogs"), headers=headers) as one,
        requested(site.url, path_of("dogs"), headers=headers) as other,
    ):
        await site.publish("dogs", 2)
        assert await offsets(one) == await offsets(other) == [1, 2]


async def test_streams_that_nobody_reads_hold_a_bounded_part_of_what_is_published(
    site: Site,
) -> None:
    crowd = 20
    async with AsyncExitStack() as stack:
        for number in range(crowd):
            headers = bearer(f"user-{number}")
            opened = requested(site.url, path_of("dogs"), headers=headers)
            stream = await stack.enter_async_context(opened)
            await stream.message("subscribed")
            cast("asyncio.Transport", stream.writer.transport).pause_reading()
        sessions = site.node.sessions
        for _ in range(COUNT):
            await site.publish("dogs", "x" * EVENT_BYTES)
            await asyncio.sleep(0)
        assert all(session.blocked for session in sessions)
        held = {session: unsent(session) for session in sessions}
        assert len(held) == crowd
        assert max(held.values()) <= BUFFER_BYTES_MAX + PARTS_MAX * EVENT_BYTES
        for _ in range(COUNT):
            await site.publish("dogs", "x" * EVENT_BYTES)
            await asyncio.sleep(0)
        assert {session: unsent(session) for session in sessions} == held


async def test_a_client_that_asks_too_often_is_sent_when_to_ask_again(site: Site) -> None:
    sent = {"content-type": "application/json", **bearer()}
    body = b'{"channel":"dogs"}'
    for _ in range(1_000):
        async with requested(
            site.url, "/client/history", headers=sent, method="POST", body=body
        ) as answer:
            if answer.status != 200:
                break
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")


async def test_who_has_no_token_is_sent_how_to_present_one(site: Site) -> None:
    async with requested(site.url, "/events?channel=dogs") as answer:
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_who_has_its_token_in_the_url_is_sent_what_allows_that(site: Site) -> None:
    async with requested(site.url, "/events?channel=dogs&token=abc") as answer:
        assert answer.status == 401
        error = (await answer.body())["error"]
    assert error["code"] == "unauthenticated"
    assert "RIVER_EVENTS_QUERY_TOKEN" in error["message"]


class Open:
    """A stream, and its session."""

    def __init__(self, tally: TurnTally) -> None:
        self._tally = tally
        self.session = self

    def close(self, reason: Reason, text: str) -> None:
        del reason, text
        self._tally.count()


@in_no_time
async def test_streams_that_are_left_at_a_stop_are_closed_some_at_a_time() -> None:
    left, tally = 4 * AT_ONCE + 10, TurnTally()
    streams: Any = Site(("*",), query_token=False).gateway.streams
    streams.open |= {Open(tally) for _ in range(left)}
    await streams.close()
    assert tally.done.total() == left
    assert tally.end() <= AT_ONCE
