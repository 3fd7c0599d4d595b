"""Receivers of webhooks that mean harm: each costs one request so much time and so many bytes."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from doctor_certificates import Certificates

from riverd.auth.webhooks import PRIVATE_NETWORKS
from riverd.webhooks.forms import WebhookRequest
from riverd.webhooks.posting import ANSWER_BYTES_MAX, Poster, PostOutcome

ANSWER_S = 1.0
BUFFERS_BYTES = 8_000_000
"""What the kernel and the two ends hold of what was written and is not read."""
OK = b"HTTP/1.1 200 OK\r\n"

Behaviour = Callable[["HostileReceiver", asyncio.StreamWriter], Awaitable[None]]


class HostileReceiver:
    """A server on this machine. `sent` counts bytes, `came` the connections, `left` their ends."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self.sent = self.came = self.left = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            await self._behaviour(self, writer)
            while await reader.read(65_536):
                pass
        except OSError:
            pass
        finally:
            self.left += 1
            writer.close()

    async def send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        self.sent += len(data)
        await writer.drain()

    async def send_forever(
        self, writer: asyncio.StreamWriter, data: bytes, *, every_s: float = 0
    ) -> None:
        while True:
            await self.send(writer, data)
            await asyncio.sleep(every_s)


@asynccontextmanager
async def hostile(
    behaviour: Behaviour, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[HostileReceiver, str]]:
    receiver = HostileReceiver(behaviour)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield receiver, f"{'http' if tls is None else 'https'}://localhost:{port}/hook"
    finally:
        server.close()


async def posted(url: str) -> tuple[PostOutcome, float]:
    """The outcome, and how long it took."""
    poster, clock = Poster(PRIVATE_NETWORKS, answer_s=ANSWER_S), asyncio.get_running_loop().time
    began_at = clock()
    outcome = await poster.post(url, WebhookRequest({}, b'{"events":[]}'))
    took_s = clock() - began_at
    await poster.close()
    return outcome, took_s


async def says_nothing(_receiver: HostileReceiver, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def has_a_slow_head(receiver: HostileReceiver, writer: asyncio.StreamWriter) -> None:
    await receiver.send(writer, OK + b"x-slow: ")
    await receiver.send_forever(writer, b"a", every_s=0.05)


async def has_an_endless_field(receiver: HostileReceiver, writer: asyncio.StreamWriter) -> None:
    await receiver.send(writer, OK + b"x-long: ")
    await receiver.send_forever(writer, b"a" * 65_536)


async def has_endless_fields(receiver: HostileReceiver, writer: asyncio.StreamWriter) -> None:
    await receiver.send(writer, OK)
    await receiver.send_forever(writer, b"x-field: a\r\n" * 1_000)


async def goes_on_for_ever(receiver: HostileReceiver, writer: asyncio.StreamWriter) -> None:
    await receiver.send_forever(writer, b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)


async def is_no_http(receiver: HostileReceiver, writer: asyncio.StreamWriter) -> None:
    await receiver.send_forever(writer, b"\x00\xff" * 4_096)


async def hangs_up(_receiver: HostileReceiver, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def promises_too_much(receiver: HostileReceiver, writer: asyncio.StreamWriter) -> None:
    await receiver.send(writer, OK + b"content-length: 1000000000000000000\r\n\r\n{")


async def has_an_endless_body(receiver: HostileReceiver, writer: asyncio.StreamWriter) -> None:
    await receiver.send(writer, OK + b"content-length: 1000000000000000000\r\n\r\n")
    await receiver.send_forever(writer, b"a" * 65_536)


async def has_endless_chunks(receiver: HostileReceiver, writer: asyncio.StreamWriter) -> None:
    await receiver.send(writer, OK + b"transfer-encoding: chunked\r\n\r\n")
    await receiver.send_forever(writer, b"1\r\na\r\n" * 10_000)


async def has_a_slow_body(receiver: HostileReceiver, writer: asyncio.StreamWriter) -> None:
    await receiver.send(writer, OK + b"content-length: 1000\r\n\r\n")
    await receiver.send_forever(writer, b"a", every_s=0.05)


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (says_nothing, "no answer within 1 s"),
        (has_a_slow_head, "no answer within 1 s"),
        (has_an_endless_field, f"more than {ANSWER_BYTES_MAX} bytes"),
        (has_endless_fields, f"more than {ANSWER_BYTES_MAX} bytes"),
        (goes_on_for_ever, f"more than {ANSWER_BYTES_MAX} bytes"),
        (is_no_http, "illegal"),
        (hangs_up, ""),
        # They have taken it: it is not sent again for what follows the status.
        (promises_too_much, None),
        (has_an_endless_body, None),
        (has_endless_chunks, None),
        (has_a_slow_body, None),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
async def test_an_answer_takes_so_much_time_and_so_many_bytes_and_no_more(
    behaviour: Behaviour, says: str | None
) -> None:
    async with hostile(behaviour) as (receiver, url):
        outcome, took_s = await posted(url)
        if says is None:
            assert outcome.error is None
        else:
            assert outcome.error is not None
            assert says in outcome.error
        assert took_s < ANSWER_S + 5
        assert receiver.sent <= BUFFERS_BYTES
        assert receiver.came == 1


async def test_a_status_counts_although_the_rest_comes_after_the_time_for_the_answer() -> None:
    async with hostile(promises_too_much) as (_, url):
        poster = Poster(PRIVATE_NETWORKS, answer_s=5.0, rest_s=6.0)
        outcome = await poster.post(url, WebhookRequest({}, b"{}"))
        await poster.close()
    assert outcome.error is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with hostile(says_nothing) as (other, elsewhere):

        async def redirects(receiver: HostileReceiver, writer: asyncio.StreamWriter) -> None:
            head = f"HTTP/1.1 {status} Moved\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n"
            await receiver.send(writer, head.encode())

        async with hostile(redirects) as (_, url):
            outcome, _ = await posted(url)
        assert outcome.error == f"status {status}: redirects are not followed"
        assert other.came == 0


def certified(folder: Path, **days: int) -> ssl.SSLContext:
    line = Certificates(folder).nginx(**days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(line.rpartition(" ")[2].rstrip(";"))
    return context


@pytest.mark.parametrize("days", [{}, {"first_day": -90, "last_day": -1}])
async def test_who_cannot_prove_its_name_is_sent_nothing(
    tmp_path: Path, days: dict[str, int]
) -> None:
    async with hostile(says_nothing, certified(tmp_path, **days)) as (receiver, url):
        outcome, _ = await posted(url)
        assert outcome.error is not None
        assert "certificate" in outcome.error.lower()
        assert receiver.came == 0


async def test_a_handshake_that_goes_nowhere_is_given_up() -> None:
    async with hostile(says_nothing) as (receiver, url):
        outcome, took_s = await posted(url.replace("http:", "https:"))
        assert outcome.error is not None
        assert "no answer" in outcome.error
        assert took_s < ANSWER_S + 5
        assert receiver.sent == 0
