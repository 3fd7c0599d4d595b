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
from websocket_site import WebSocketSite

from riverd.http.limits import HttpLimits
from riverd.http.listener import HttpListener
from riverd.http.response import Response
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
LISTENERS: list[HttpListener] = []


class Echo(WebSocket):
    living: ClassVar[set["Echo"]] = set()

    def on_open(self) -> None:
        self.living.add(self)

    def on_closed(self, code: int) -> None:
        del code
        self.living.discard(self)

    def on_text(self, payload: bytes) -> None:
        self.write(frames.text(payload))


async def listen(
    *,
    handshake_timeout_s: float = DEADLINE_S,
    ssl_context: ssl.SSLContext | None = None,
) -> HttpListener:
    site = WebSocketSite(lambda: Echo(SocketLimits()), {"/large": Response(200, LARGE)})
    limits = HttpLimits(head_s=handshake_timeout_s, linger_s=DEADLINE_S)
    listener = HttpListener(site, limits, tick_s=0.02)
    await listener.start(socket.create_server(("127.0.0.1", 0)), ssl_context)
    LISTENERS.append(listener)
    return listener


async def dial(listener: HttpListener, ssl_context: ssl.SSLContext | None = None) -> Connection:
    """A connection that takes no more into user space than the test asks for."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", listener.port, ssl=ssl_context, limit=1_024
    )
    CLOSERS.append(lambda: None if writer.is_closing() else writer.transport.abort())
    return reader, writer


@pytest.fixture(autouse=True)
async def _tidy() -> AsyncIterator[None]:
    yield
    while CLOSERS:
        CLOSERS.pop()()
    while LISTENERS:
        await LISTENERS.pop().end()
    await until(lambda: not Echo.living)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def listener() -> HttpListener:
    return await listen()


@pytest.fixture
async def talk(listener: HttpListener) -> Talk:
    async def talk(data: bytes) -> bytes:
        return await exchange(listener, data)

    return talk


async def exchange(listener: HttpListener, data: bytes) -> bytes:
    """Send all of it and read until the server ends."""
    reader, writer = await dial(listener)
    writer.write(data)
    async with asyncio.timeout(DEADLINE_S):
        return await reader.read()


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
    answer = await talk(UPGRADE.replace(old, new) + b"\r\nno HTTP\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert b"\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" in answer
    assert b"\r\nConnection: Upgrade\r\n" in answer


@pytest.mark.parametrize("key", [b"", b"c2hvcnQ=", b"!!!!!!!!!!!!!!!!!!!!!!==", b"\xff"])
async def test_a_key_that_is_none_is_a_bad_request(talk: Talk, key: bytes) -> None:
    answer = await talk(UPGRADE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", key) + b"\r\nno HTTP\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def open_websocket(listener: HttpListener, request: bytes) -> tuple[bytes, Connection]:
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


async def test_the_upgrade_is_accepted_as_in_the_rfc(listener: HttpListener) -> None:
    offer = b"Sec-WebSocket-Protocol: river.v1, bearer.abc\r\n\r\n"
    answer, connection = await open_websocket(listener, UPGRADE + offer)
    assert answer.splitlines()[:-1] == [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        b"Sec-WebSocket-Protocol: river.v1",
    ]
    assert not len(listener.pool)
    await say_hello(connection)


async def test_the_connection_header_of_firefox_is_understood(listener: HttpListener) -> None:
    request = UPGRADE.replace(b"Connection: U", b"Connection: keep-alive, U") + b"\r\n"
    answer, connection = await open_websocket(listener, request)
    assert b" 101 " in answer
    await say_hello(connection)


async def test_frames_that_come_with_the_head_are_served(listener: HttpListener) -> None:
    _, connection = await open_websocket(listener, UPGRADE + b"\r\n" + HELLO)
    async with asyncio.timeout(DEADLINE_S):
        assert await connection[0].readexactly(7) == b"\x81\x05Hello"
    await say_hello(connection)


async def test_a_head_may_come_byte_by_byte(listener: HttpListener) -> None:
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


async def test_closing_the_port_drops_who_is_at_the_door_and_leaves_websockets() -> None:
    listener = await listen()
    _, connection = await open_websocket(listener, UPGRADE + b"\r\n")
    reader, writer = await dial(listener)
    await until(lambda: len(listener.pool) > 0)
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
    plain[1].write(b"GET /large HTTP/1.0\r\n\r\n")
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
