"""The gateway's port over real sockets: plain HTTP, upgrades, and those that are neither."""

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from riverd.gateway.handshake import HttpAnswer, HttpRequest
from riverd.gateway.listener import Listener, Upgrade, serve
from riverd.websocket import frames
from riverd.websocket.connection import WebSocket
from riverd.websocket.interface import SocketLimits

UPGRADE = (
    b"GET /ws?room=1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
HELLO = b"\x81\x85\x00\x00\x00\x00Hello"
LARGE = bytes(range(256)) * 400
HUGE = bytes(30_000_000)
DEADLINE_S = 20

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Talk = Callable[[bytes], Awaitable[bytes]]

# What a test has opened: its fixture closes it, also when the test failed.
CLOSERS: list[Callable[[], None]] = []


class Echo(WebSocket):
    living: ClassVar[set["Echo"]] = set()

    def on_open(self) -> None:
        self.living.add(self)

    def on_closed(self, code: int) -> None:
        del code
        self.living.discard(self)

    def on_text(self, payload: bytes) -> None:
        self.write(frames.text(payload))


def decide(request: HttpRequest) -> Upgrade | HttpAnswer:
    if request.path == "/ws":
        headers = (("Sec-WebSocket-Protocol", "river.v1"),)
        return Upgrade(Echo(SocketLimits()), headers if "river.v1" in offered(request) else ())
    if request.path == "/large":
        return HttpAnswer(200, LARGE, (("Content-Type", "text/javascript"),))
    if request.path == "/huge":
        return HttpAnswer(200, HUGE)
    if request.path == "/seen":
        return HttpAnswer(200, f"{request.query} {request.headers}".encode())
    return HttpAnswer(404, b"nothing here\n")


def offered(request: HttpRequest) -> list[str]:
    return request.tokens("sec-websocket-protocol")


def port_of(listener: Listener) -> int:
    assert listener.server is not None
    port: int = listener.server.sockets[0].getsockname()[1]
    return port


async def listen(
    *,
    handshake_timeout_s: float = DEADLINE_S,
    handshakes_max: int = 100,
    ssl_context: ssl.SSLContext | None = None,
) -> Listener:
    listener = await serve(
        decide,
        socket.create_server(("127.0.0.1", 0)),
        ssl_context=ssl_context,
        handshake_timeout_s=handshake_timeout_s,
        handshakes_max=handshakes_max,
    )
    CLOSERS.append(listener.close)
    return listener


async def dial(listener: Listener, ssl_context: ssl.SSLContext | None = None) -> Connection:
    """A connection that takes no more into user space than the test asks for."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port_of(listener), ssl=ssl_context, limit=1_024
    )
    CLOSERS.append(lambda: None if writer.is_closing() else writer.transport.abort())
    return reader, writer


@pytest.fixture(autouse=True)
async def _tidy() -> AsyncIterator[None]:
    yield
    while CLOSERS:
        CLOSERS.pop()()
    await until(lambda: not Echo.living)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def listener() -> Listener:
    return await listen()


@pytest.fixture
async def talk(listener: Listener) -> Talk:
    async def talk(data: bytes) -> bytes:
        return await exchange(listener, data)

    return talk


async def exchange(listener: Listener, data: bytes) -> bytes:
    """Send all of it and read until the server ends."""
    reader, writer = await dial(listener)
    writer.write(data)
    async with asyncio.timeout(DEADLINE_S):
        return await reader.read()


async def test_a_large_answer_arrives_whole(talk: Talk) -> None:
    answer = await talk(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.splitlines() == [
        b"HTTP/1.1 200 OK",
        b"Content-Type: text/javascript",
        b"Content-Length: 102400",
        b"Connection: close",
    ]
    assert body == LARGE


async def test_head_is_told_the_length_and_nothing_more(talk: Talk) -> None:
    answer = await talk(b"HEAD /large HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"Content-Length: 102400\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_http_1_0_is_answered(talk: Talk) -> None:
    assert (await talk(b"GET /large HTTP/1.0\r\n\r\n")).endswith(LARGE)


async def test_the_factory_says_what_is_not_there(talk: Talk) -> None:
    answer = await talk(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert answer.endswith(b"\r\n\r\nnothing here\n")


async def test_the_factory_sees_query_and_joined_headers(talk: Talk) -> None:
    answer = await talk(b"GET /seen?a=%20b HTTP/1.1\r\nX-One: 1\r\nx-one:  2 \t\r\n\r\n")
    assert answer.endswith(b"a=%20b {'x-one': '1, 2'}")


async def test_other_methods_are_refused_and_their_body_does_no_harm(talk: Talk) -> None:
    head = b"POST /large HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    answer = await talk(head + bytes(1_000_000))
    assert answer.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert b"\r\nAllow: GET, HEAD\r\n" in answer


@pytest.mark.parametrize(
    "head",
    [
        b"nonsense",
        b"get / HTTP/1.1",
        b"GET / HTTP/2.0",
        b"GET  / HTTP/1.1",
        b"GET http://elsewhere/ HTTP/1.1",
        b"GET / HTTP/1.1\r\nno colon",
        b"GET / HTTP/1.1\r\nspace : before the colon",
        b"GET / HTTP/1.1\r\nX: folded\r\n over lines",
        b"GET / HTTP/1.1\r\nX: nul\x00",
        b"GET / HTTP/1.1\r\nX: bare\nnewline",
        b"GET / HTTP/1.1\r\nContent-Length: 5",
        b"GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_a_malformed_head_is_a_bad_request(talk: Talk, head: bytes) -> None:
    assert (await talk(head + b"\r\n\r\n")).startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
async def test_too_large_a_head_is_refused_politely(talk: Talk, end: bytes) -> None:
    answer = await talk(b"GET / HTTP/1.1\r\nCookie: " + b"x" * 17_000 + end)
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Upgrade: websocket", b"Upgrade: h2c"),
        (b"Connection: Upgrade", b"Connection: keep-alive"),
        (b"Version: 13", b"Version: 8"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"GET", b"HEAD"),
    ],
)
async def test_a_path_for_websockets_alone_asks_for_the_upgrade(
    talk: Talk, old: bytes, new: bytes
) -> None:
    answer = await talk(UPGRADE.replace(old, new) + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert b"\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" in answer
    assert b"\r\nConnection: Upgrade, close\r\n" in answer


@pytest.mark.parametrize("key", [b"", b"c2hvcnQ=", b"!!!!!!!!!!!!!!!!!!!!!!==", b"\xff"])
async def test_a_key_that_is_none_is_a_bad_request(talk: Talk, key: bytes) -> None:
    answer = await talk(UPGRADE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", key) + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def open_websocket(listener: Listener, request: bytes) -> tuple[bytes, Connection]:
    reader, writer = await dial(listener)
    writer.write(request)
    async with asyncio.timeout(DEADLINE_S):
        return await reader.readuntil(b"\r\n\r\n"), (reader, writer)


async def say_hello(connection: Connection) -> None:
    reader, writer = connection
    writer.write(HELLO)
    async with asyncio.timeout(DEADLINE_S):
        assert await reader.readexactly(7) == b"\x81\x05Hello"
        writer.write(b"\x88\x80\x00\x00\x00\x00")
        assert await reader.read() == b"\x88\x00"
    writer.close()


async def test_the_upgrade_is_accepted_as_in_the_rfc(listener: Listener) -> None:
    offer = b"Sec-WebSocket-Protocol: river.v1, bearer.abc\r\n\r\n"
    answer, connection = await open_websocket(listener, UPGRADE + offer)
    assert answer.splitlines()[:-1] == [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        b"Sec-WebSocket-Protocol: river.v1",
    ]
    assert not listener.handshakes
    await say_hello(connection)


async def test_the_connection_header_of_firefox_is_understood(listener: Listener) -> None:
    request = UPGRADE.replace(b"Connection: U", b"Connection: keep-alive, U") + b"\r\n"
    answer, connection = await open_websocket(listener, request)
    assert b" 101 " in answer
    await say_hello(connection)


async def test_frames_that_come_with_the_head_are_served(listener: Listener) -> None:
    _, connection = await open_websocket(listener, UPGRADE + b"\r\n" + HELLO)
    async with asyncio.timeout(DEADLINE_S):
        assert await connection[0].readexactly(7) == b"\x81\x05Hello"
    await say_hello(connection)


async def test_a_head_may_come_byte_by_byte(listener: Listener) -> None:
    reader, writer = await dial(listener)
    for byte in UPGRADE + b"\r\n":
        writer.write(bytes((byte,)))
        await asyncio.sleep(0)
    async with asyncio.timeout(DEADLINE_S):
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    await say_hello((reader, writer))


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: "])
async def test_a_head_that_does_not_come_is_not_waited_for(begun: bytes) -> None:
    listener = await listen(handshake_timeout_s=0.05)
    assert await exchange(listener, begun) == b""


async def test_a_websocket_is_not_bound_to_the_time_for_the_head() -> None:
    listener = await listen(handshake_timeout_s=0.05)
    _, connection = await open_websocket(listener, UPGRADE + b"\r\n")
    # When one that came later is dropped for its silence, the time of the first is over too.
    assert await exchange(listener, b"") == b""
    await say_hello(connection)


async def test_what_follows_an_answer_is_ignored(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await dial(listener)
    writer.write(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(DEADLINE_S):
        assert (await reader.read()).count(b"HTTP/1.1") == 1
    writer.write(b"GET /nowhere HTTP/1.1\r\n\r\n" * 1_000)
    writer.write_eof()
    await until(lambda: not listener.handshakes)
    assert not caplog.records


async def test_an_answer_that_is_not_read_is_dropped() -> None:
    listener = await listen(handshake_timeout_s=0.2)
    reader, writer = await dial(listener)
    writer.write(b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: bool(listener.handshakes))
    await until(lambda: not listener.handshakes)
    size = 0
    async with asyncio.timeout(DEADLINE_S):
        while data := await reader.read(65_536):
            size += len(data)
    assert size < len(HUGE)


async def test_too_many_at_the_door_keep_nobody_out() -> None:
    listener = await listen(handshakes_max=3)
    idle = []
    for _ in range(5):
        idle.append(await dial(listener))
        # One after another, so that it is known who came first.
        await asyncio.sleep(0)
    async with asyncio.timeout(DEADLINE_S):
        # Those that have waited longest are dropped, and no more of them than need be.
        assert [await reader.read() for reader, _ in idle[:2]] == [b"", b""]
    assert len(listener.handshakes) == 3
    _, connection = await open_websocket(listener, UPGRADE + b"\r\n")
    await say_hello(connection)
    assert len(listener.handshakes) == 2


async def test_closing_the_port_drops_who_is_at_the_door_and_leaves_websockets() -> None:
    listener = await listen()
    _, connection = await open_websocket(listener, UPGRADE + b"\r\n")
    reader, writer = await dial(listener)
    await until(lambda: bool(listener.handshakes))
    listener.close()
    async with asyncio.timeout(DEADLINE_S):
        assert await reader.read() == b""
    writer.close()
    await say_hello(connection)


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate of its own signing for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "river")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    signed = builder.sign(key, hashes.SHA256())
    file = folder / "river.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_all_of_it_works_over_tls(tmp_path: Path) -> None:
    listener = await listen(ssl_context=certificate(tmp_path))
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    plain, polite, rude = [await dial(listener, trusting) for _ in range(3)]
    plain[1].write(b"GET /large HTTP/1.1\r\n\r\n")
    polite[1].write(UPGRADE + b"\r\n")
    rude[1].write(UPGRADE + b"\r\n")
    async with asyncio.timeout(DEADLINE_S):
        assert (await plain[0].read()).endswith(LARGE)
        await polite[0].readuntil(b"\r\n\r\n")
        await say_hello(polite)
        await rude[0].readuntil(b"\r\n\r\n")
        # An unknown opcode: no more frames can be found, and the stream ends.
        rude[1].write(b"\x83\x80\x00\x00\x00\x00" * 10)
        assert (await rude[0].read())[2:4] == b"\x03\xea"
