"""A site that tests of HTTP connections talk to, and a client that sends bytes as they are."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from riverd.http.body_writer import BodyWriter
from riverd.http.handler import Pending
from riverd.http.limits import HttpLimits
from riverd.http.listener import HttpListener
from riverd.http.refusal import HttpRefusal
from riverd.http.request import Request
from riverd.http.response import Answer, HttpUpgrade, Response, StreamedResponse

DEADLINE_S = 30
BODY_BYTES_MAX = 100_000
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
LARGE = bytes(range(256)) * 400
HUGE = bytes(30_000_000)
OFFER = ("Connection: keep-alive, Upgrade", "Upgrade: WebSocket")
# Long enough for a busy machine not to reach it by chance.
LONG_S = 300.0
PATIENT = HttpLimits(LONG_S, LONG_S, LONG_S, LONG_S, LONG_S, LONG_S)


class Echoed:
    """A request that is answered with what it was."""

    body_bytes_max = BODY_BYTES_MAX
    answer_s_max = None

    def __init__(self, site: "Site", request: Request) -> None:
        self._site = site
        self._request = request
        self.is_limited = request.path != "/unlimited"

    async def answer(self, body: bytes) -> Answer:
        """The request as JSON, at once or when the site's gate is open."""
        request = self._request
        if request.path == "/gate":
            await self._site.gate.wait()
        if request.path == "/fails":
            raise ValueError
        if request.path == "/fails-late":
            await asyncio.sleep(0)
            raise ValueError
        seen = [request.method, request.path, request.query, body.decode("latin-1")]
        return Response(200, json.dumps([*seen, dict(request.headers)]).encode())

    def refuse(self, refusal: HttpRefusal) -> Response:
        """Say which request it was."""
        return Response(refusal.status, f"{self._request.path}: {refusal.reason}".encode())


class Site:
    """What is at which path."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.writers: list[BodyWriter] = []
        self.failures: list[BaseException] = []
        self.taken_over: list[tuple[bytes, bytes]] = []

    def admit(self, request: Request) -> Answer | Pending:
        """Find the path."""
        if request.path == "/early":
            return Response(401, b"no key")
        if request.path == "/fails-at-once":
            raise ValueError
        if request.path == "/large":
            return Response(200, LARGE, "text/javascript", (("x-one", "1"),))
        if request.path == "/huge":
            return Response(200, HUGE)
        if request.path == "/unchanged":
            return Response(304, headers=(("etag", '"1"'),))
        if request.path == "/stream":
            return StreamedResponse(200, self.writers.append, "text/event-stream")
        if request.path == "/ws":
            asks = "upgrade" in request.headers
            return HttpUpgrade(SWITCHING, self._take_over) if asks else Response(426)
        if request.path == "/always-upgrade":
            return HttpUpgrade(SWITCHING, self._take_over)
        return Echoed(self, request)

    def refuse(self, refusal: HttpRefusal) -> Response:
        """Say why."""
        return Response(refusal.status, refusal.reason.encode())

    def failed(self, error: BaseException) -> None:
        """Remember it."""
        self.failures.append(error)

    def _take_over(self, transport: asyncio.Transport, *, head: bytes, rest: bytes) -> None:
        self.taken_over.append((head, rest))
        transport.set_protocol(asyncio.Protocol())
        transport.write(head + b"taken over")
        transport.close()


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Send these bytes."""
        self.writer.write(data)

    async def send_all(self, data: bytes) -> None:
        """Send these bytes, and wait until the kernel has them."""
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> bytes:
        """The next head, with its empty line."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next whole answer: status, fields, body."""
        lines = (await self.head()).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:-2])
        async with asyncio.timeout(DEADLINE_S):
            body = await self.reader.readexactly(int(fields.get("content-length", "0")))
        return int(lines[0].split(" ")[1]), fields, body

    async def rest(self) -> bytes:
        """What comes until the server ends its side."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.reader.read()

    def close(self) -> None:
        """Away."""
        self.writer.transport.abort()


@asynccontextmanager
async def listening(
    site: Site,
    limits: HttpLimits | None = None,
    *,
    tick_s: float = 0.02,
    room: Callable[[], int] = int,
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncIterator[HttpListener]:
    """The site on a free port of this machine."""
    listener = HttpListener(site, limits or HttpLimits(), tick_s=tick_s, room=room)
    sock = socket.create_server(("127.0.0.1", 0))
    await listener.start(sock, ssl_context)
    try:
        yield listener
    finally:
        site.gate.set()
        await listener.end()


@asynccontextmanager
async def connected(
    listener: HttpListener, ssl_context: ssl.SSLContext | None = None
) -> AsyncIterator[Client]:
    """A connection to it."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", listener.port, ssl=ssl_context, limit=65_536
    )
    client = Client(reader, writer)
    try:
        yield client
    finally:
        client.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def exchanged(listener: HttpListener, data: bytes) -> bytes:
    """Send all of it and read until the server ends."""
    async with connected(listener) as client:
        client.send(data)
        return await client.rest()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what shows on no connection."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


def get(path: str, *fields: str, version: str = "1.1", method: str = "GET") -> bytes:
    """A request without a body."""
    lines = [f"{method} {path} HTTP/{version}", "Host: x", *fields, "", ""]
    return "\r\n".join(lines).encode()


def post(path: str, body: bytes, *fields: str) -> bytes:
    """A request with one."""
    return get(path, *fields, f"Content-Length: {len(body)}", method="POST") + body


async def paths(client: Client, count: int) -> list[str]:
    """The paths of the next requests that are answered."""
    return [json.loads((await client.answer())[2])[1] for _ in range(count)]
