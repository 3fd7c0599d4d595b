"""The hot paths of both planes, put together as the processes put them together."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Awaitable, Callable
from functools import cache, partial
from http import HTTPStatus
from itertools import cycle, islice
from typing import cast

import uvloop

from guard.core import COMMANDS, DATA, SECRETS, token
from guard.path import Path, Work
from riverd.gateway.gateway import Gateway
from riverd.http.connection import HttpConnection
from riverd.http.handler import Handler
from riverd.http.limits import HttpLimits
from riverd.http.pool import ConnectionPool
from riverd.http.request import Request
from riverd.http.response import HttpUpgrade, Response, StreamedResponse
from riverd.node.node import Node
from riverd.service import composition as app
from riverd.service.settings import Settings

API_KEY = "the-api-key-of-the-guard"
BATCH = 100
MASK = bytes(4)
SHORT_MAX = 125
ANSWERS = (Response, StreamedResponse, HttpUpgrade)
TURNS = 4
"""Of the loop, until a subscription is live and flushed."""

HEAD = (
    b"GET /ws HTTP/1.1\r\nHost: river.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Origin: https://app.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\r\n"
)


class NullTransport(asyncio.Transport):
    """A transport that leads nowhere."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})

        self.last = b""

    def write(self, data: bytes) -> None:
        """Nothing is sent; the last is kept."""
        self.last = data

    def is_closing(self) -> bool:
        """Never."""
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Whoever made this knows the protocol."""
        self.protocol = protocol

    def resume_reading(self) -> None:
        """Nothing is read."""

    def abort(self) -> None:
        """Nothing is open."""


USERS = 500
"""More than come during one count."""


def _run(work: Callable[[int], Awaitable[None]]) -> Work:
    """Work that a loop of its own does: timers that a path leaves behind are no part of others."""
    loop = uvloop.new_event_loop()

    async def done(times: int) -> None:
        await work(times)

    return lambda times: loop.run_until_complete(done(times))


def _settings(*, user_channels: bool = False) -> Settings:
    return Settings(
        secrets=SECRETS,
        api_keys=(API_KEY,),
        client_rate=1e6,
        max_connections=100_000,
        user_channels=user_channels,
    )


def _frame(payload: bytes) -> bytes:
    """A client's text frame, masked with zeros."""
    size = len(payload)
    head = (
        bytes((0x81, 0x80 | size)) if size <= SHORT_MAX else struct.pack("!BBH", 0x81, 0xFE, size)
    )
    return head + MASK + payload


async def _gateway(*, user_channels: bool = False) -> Gateway:
    """A gateway with its node, without a port and without timers of its own."""
    process = app.Process(_settings(user_channels=user_channels))
    gateway, node = app.build_gateway(process)
    # Not the node's `start`, whose clockwork would turn at times of its own in what is counted.
    await cast("Node", node)._broker.attach(node)  # noqa: SLF001
    cast("Node", node).control.confirmed_until = math.inf
    # Nor are channels detached while others connect, which depends on how busy the machine is.
    cast("Node", node).attachments._idle._idle_s = 3_600  # noqa: SLF001
    return gateway


@cache
def _pool(gateway: Gateway) -> ConnectionPool:
    return ConnectionPool(gateway, HttpLimits())


def _arrive(gateway: Gateway) -> tuple[NullTransport, HttpConnection]:
    connection, transport = HttpConnection(_pool(gateway)), NullTransport()
    connection.connection_made(transport)
    return transport, connection


def _connect(*, users: int = 0) -> Work:
    """Clients come and go: always the same one, or of so many users with channels of their own."""
    names = [f"u{number}" for number in range(users)] or ["ada"]
    head = b'{"type":"auth","id":1,"token":"%b"}'
    auths = cycle([_frame(head % token(user=name).encode()) for name in names])
    subscribe = _frame(COMMANDS["subscribe"])
    gateways: list[Gateway] = []

    async def work(times: int) -> None:
        if not gateways:
            gateways.append(await _gateway(user_channels=users > 0))
        for auth in islice(auths, times):
            transport, handshake = _arrive(gateways[0])
            handshake.data_received(HEAD)
            (connection,) = gateways[0].connections
            connection.receive(memoryview(auth))
            connection.receive(memoryview(subscribe))
            for _ in range(TURNS):
                await asyncio.sleep(0)
            assert connection.session.subscriptions["news"].is_live
            connection.connection_lost(None)
            del transport, connection

    return _run(work)


def _keep() -> Work:
    pong = memoryview(b"\x8a\x80" + MASK)
    gateways: list[Gateway] = []

    async def work(times: int) -> None:
        if not gateways:
            gateways.append(await _gateway())
            _, handshake = _arrive(gateways[0])
            handshake.data_received(HEAD)
            (arrived,) = gateways[0].connections
            arrived.receive(memoryview(_frame(b'{"type":"auth","token":"%b"}' % token().encode())))
        (connection,) = gateways[0].connections
        for _ in range(times):
            connection.ping_at = connection.wake_at = 0.0
            gateways[0]._deadlines.wake(connection)  # noqa: SLF001
            connection.receive(pong)
            assert connection.active

    return _run(work)


def _publish(path: str, body: bytes) -> Callable[[], Work]:
    """Requests to the API as its HTTP connection hands them over, one after the other."""
    headers = {
        "host": "127.0.0.1:8001",
        "x-api-key": API_KEY,
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    request = Request("POST", path, "", headers)

    def make() -> Work:
        handlers: list[Handler] = []

        async def work(times: int) -> None:
            if not handlers:
                handlers.append(app.build_api(app.Process(_settings())).pool.handler)
            for _ in range(times):
                admitted = handlers[0].admit(request)
                assert not isinstance(admitted, ANSWERS), "the key is right"
                answer = await admitted.answer(body)
                assert isinstance(answer, Response)
                assert answer.status == HTTPStatus.OK

        return _run(work)

    return make


def _publish_over_http() -> Work:
    """The same with the HTTP server: from a request's bytes to those of its answer."""
    head = b"POST /publish HTTP/1.1\r\nHost: river:8001\r\nx-api-key: %b\r\n" % API_KEY.encode()
    content = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(MESSAGE)
    request = head + content + MESSAGE
    opened: list[tuple[HttpConnection, NullTransport]] = []

    async def work(times: int) -> None:
        if not opened:
            listener, transport = app.build_api(app.Process(_settings())), NullTransport()
            connection = HttpConnection(listener.pool)
            connection.connection_made(transport)
            opened.append((connection, transport))
        connection, transport = opened[0]
        for _ in range(times):
            connection.data_received(request)
        assert b'"offset":' in transport.last

    return _run(work)


MESSAGE = b'{"channel":"news","event":"post","data":%b}' % DATA
MESSAGES = b'{"messages":[%b]}' % b",".join([MESSAGE] * BATCH)

GATEWAY = ("msgspec", "picows", "uvloop", "PyJWT", "cryptography")
API = ("msgspec", "uvloop")
SERVER = (*API, "httptools")

PATHS = (
    Path("connect", "handshake, token, subscription, end", _connect, 40, GATEWAY),
    Path(
        "connect-user",
        "the same, of another user each time, with a channel of its own",
        partial(_connect, users=USERS),
        40,
        GATEWAY,
    ),
    Path("keep", "a ping and its pong", _keep, 100, GATEWAY),
    Path("publish", "a request to publish", _publish("/publish", MESSAGE), 60, API),
    Path("publish-http", "the same, with the HTTP server", _publish_over_http, 60, SERVER),
    Path(
        "publish-batch",
        f"a request to publish {BATCH}",
        _publish("/publish/batch", MESSAGES),
        10,
        API,
    ),
)
