"""A WebSocket client that follows the rules only when asked to."""

import asyncio
import base64
import errno
import json
import os
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import jwt
from river_process import SECRET, River, address, ask

DEADLINE_S = 60.0
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN = 0x80

Json = dict[str, Any]


def token(user: str = "ann", *, secret: str = SECRET, **claims: object) -> str:
    """A token that opens everything for an hour, if its claims do not say otherwise."""
    grants = {"subscribe": ["*"], "publish": ["*"]}
    usual = {"sub": user, "exp": int(time.time()) + 3600, "river": grants}
    return jwt.encode({**usual, **claims}, secret, algorithm="HS256")


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A client's frame; its mask is all zeros, which is a mask too."""
    first = opcode | (FIN if fin else 0)
    size = len(payload)
    if size < 126:
        length = bytes((0x80 | size,))
    elif size < 65_536:
        length = b"\xfe" + size.to_bytes(2)
    else:
        length = b"\xff" + size.to_bytes(8)
    return bytes((first,)) + length + bytes(4) + payload


def request(path: str = "/ws", **headers: str) -> bytes:
    """The head of an upgrade request."""
    fields = {
        "Host": "x",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


class Answer:
    """What a server says to a request: its status, its headers (names in lower case), its body."""

    def __init__(self, head: bytes, body: bytes = b"") -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        pairs = (line.partition(": ") for line in lines if line)
        self.headers = {name.lower(): value for name, _, value in pairs}
        self.body = body


class Refused(Exception):  # noqa: N818  it is what happened
    """The upgrade was answered with something else than 101."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.body!r}")
        self.answer = answer


async def connection(
    url: str, *, receive_bytes: int | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the host of a URL; with a small window, if one is given."""
    sock = socket.socket()
    if receive_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.setblocking(False)
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.get_running_loop().sock_connect(sock, address(url))
        return await asyncio.open_connection(sock=sock, limit=receive_bytes or 65_536)


def is_refused(url: str) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as sock:
        return sock.connect_ex(address(url)) == errno.ECONNREFUSED


async def exchange(url: str, data: bytes) -> Answer:
    """Send bytes and the end of the stream, read to the end of the connection."""
    reader, writer = await connection(url)
    writer.write(data)
    writer.write_eof()
    try:
        async with asyncio.timeout(DEADLINE_S):
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return Answer(head, body)


class Client:
    """One WebSocket. Text messages are JSON objects; `told` has those that were not asked for yet.

    It answers pings by itself unless `mute`.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.answer: Answer
        self.mute = False
        self.pings = 0
        self.received_bytes = 0
        self.close_frame: tuple[int, str] | None = None
        self._reader = reader
        self._writer = writer
        self._buffer = bytearray()
        self._texts: deque[bytes] = deque()
        self._parts: list[bytes] = []

    async def upgrade(self, head: bytes) -> None:
        """Shake hands. Raises Refused for every answer but 101."""
        self._writer.write(head)
        async with asyncio.timeout(DEADLINE_S):
            self.answer = Answer((await self._reader.readuntil(b"\r\n\r\n"))[:-4])
            if self.answer.status != 101:
                length = int(self.answer.headers["content-length"])
                self.answer.body = await self._reader.readexactly(length)
                raise Refused(self.answer)

    async def send(self, **message: object) -> None:
        """A message as a text frame."""
        await self.send_raw(frame(TEXT, json.dumps(message).encode()))

    async def send_raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._writer.write(data)
        async with asyncio.timeout(DEADLINE_S):
            await self._writer.drain()

    async def attack(self, data: bytes) -> None:
        """Send bytes, as far as the server takes them."""
        with suppress(ConnectionError):
            await self.send_raw(data)

    async def next(self) -> Json:
        """The next message."""
        async with asyncio.timeout(DEADLINE_S):
            told: Json = json.loads(await self.next_text())
        return told

    async def next_text(self) -> bytes:
        """The next message's bytes."""
        await self.peek()
        return self._texts.popleft()

    async def peek(self) -> bytes:
        """The next message's bytes, which remain the next."""
        while not self._texts:
            if self.close_frame is not None or not await self._read():
                raise EOFError(f"closed: {self.close_frame}")
        return self._texts[0]

    async def hear(self) -> None:
        """Wait until anything comes, a ping or the end, too."""
        async with asyncio.timeout(DEADLINE_S):
            await self._read()

    def texts(self) -> Iterator[bytes]:
        """Messages that are here already."""
        while self._texts:
            yield self._texts.popleft()

    async def expect(self, kind: str) -> Json:
        """The next message, which is of this type."""
        told = await self.next()
        assert told["type"] == kind, told
        return told

    async def until(self, kind: str) -> Json:
        """The next message of this type, whatever comes before it."""
        while (told := await self.next())["type"] != kind:
            pass
        return told

    async def until_end(self) -> tuple[int, str]:
        """Read whatever comes, until the close frame: its code and reason."""
        while self.close_frame is None:
            await self.hear()
        return self.close_frame

    async def ends(self) -> tuple[int, str]:
        """Read to the connection's end: code and reason of its close frame, 1006 without one."""
        async with asyncio.timeout(DEADLINE_S):
            while await self._read():
                pass
        return self.close_frame or (1006, "")

    async def close(self) -> None:
        """Go, without a word: what is not sent yet never will be."""
        self._writer.transport.abort()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _read(self) -> bool:
        """Take what has arrived, or wait for it. False at the end."""
        try:
            data = await self._reader.read(262_144)
        except ConnectionError:
            return False
        self.received_bytes += len(data)
        self._buffer += data
        self._take_frames()
        return bool(data)

    def _take_frames(self) -> None:
        buffer, at = self._buffer, 0
        while len(buffer) - at >= 2:
            start, size = at + 2, buffer[at + 1]
            if size >= 126:
                width = 2 if size == 126 else 8
                start += width
                size = int.from_bytes(buffer[at + 2 : start])
            if len(buffer) < start + size:
                break
            payload = bytes(buffer[start : start + size])
            if buffer[at] in {TEXT, CONTINUATION, 0x80 | CONTINUATION}:
                self._take_part(payload, is_last=buffer[at] != TEXT and buffer[at] != CONTINUATION)
            else:
                self._take(buffer[at] & 0x0F, payload)
            at = start + size
        del buffer[:at]

    def _take_part(self, payload: bytes, *, is_last: bool) -> None:
        """A frame of a long message."""
        self._parts.append(payload)
        if is_last:
            self._take(TEXT, b"".join(self._parts))
            self._parts.clear()

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._texts.append(payload)
        elif opcode == PING:
            self.pings += 1
            if not self.mute:
                self._writer.write(frame(PONG, payload))
        elif opcode == CLOSE and self.close_frame is None:
            self.close_frame = int.from_bytes(payload[:2]), payload[2:].decode()
            if not self.mute:
                self._writer.write(frame(CLOSE, payload[:2]))


async def opened(
    url: str, *, receive_bytes: int | None = None, path: str = "/ws", **headers: str
) -> Client:
    """A client whose upgrade was accepted; the server's first word waits for it."""
    client = Client(*await connection(url, receive_bytes=receive_bytes))
    try:
        await client.upgrade(request(path, **headers))
        await client.peek()
    except BaseException:
        await client.close()
        raise
    return client


async def let_in(url: str, *, receive_bytes: int | None = None, **headers: str) -> Client:
    """The same, for one that comes again when it is asked to: the machine may be very busy."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            client = await opened(url, receive_bytes=receive_bytes, **headers)
            if b'"welcome"' in await client.peek():
                return client
            await client.close()
            await asyncio.sleep(0.3)


@asynccontextmanager
async def visitor(
    url: str, *, receive_bytes: int | None = None, **headers: str
) -> AsyncIterator[Client]:
    """An open client that goes at the end."""
    client = await let_in(url, receive_bytes=receive_bytes, **headers)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def member(
    url: str, proof: str, *channels: str, receive_bytes: int | None = None
) -> AsyncIterator[Client]:
    """An open client that is authenticated, and live in these channels."""
    async with visitor(url, receive_bytes=receive_bytes) as client:
        await enter(client, proof, *channels)
        yield client


def metric(river: River, name: str) -> float:
    """One number of a gateway's metrics."""
    _, text = ask(f"{river.url}/metrics")
    line = next(line for line in text.splitlines() if line.startswith(f"{name} "))
    return float(line.split()[1])


async def condition(holds: Callable[[], bool]) -> None:
    """Wait until something is so that nobody tells of."""
    async with asyncio.timeout(DEADLINE_S):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(0.02)


async def enter(client: Client, proof: str, *channels: str) -> None:
    """Authenticate, and subscribe to these channels."""
    await client.send(type="auth", id="auth", token=proof)
    await client.expect("welcome")
    await client.expect("authenticated")
    for channel in channels:
        await client.send(type="subscribe", id=channel, channel=channel)
        await client.until("subscribed")
