"""Reads streams of Server-Sent Events as they come, over a socket of its own."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

DEADLINE_S = 20.0


class EventReader:
    """One request, and what is answered."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.status = 0
        self.headers: dict[str, str] = {}
        self._body = b""
        self.last_id = ""
        self.retry_ms = 0
        self.comments = 0

    async def read_head(self) -> None:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        self.status = int(head[0].split(" ")[1])
        self.headers = {
            name.lower(): value for line in head[1:-2] for name, _, value in [line.partition(": ")]
        }

    async def body(self) -> Any:
        """The whole body of an answer that is JSON."""
        async with asyncio.timeout(DEADLINE_S):
            return json.loads(await self._reader.readexactly(int(self.headers["content-length"])))

    async def next(self) -> dict[str, str] | None:
        """The fields of the next event; None at the end. Its id and the retry time are kept."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                while b"\n\n" not in self._body:
                    if not await self._more():
                        return None
                text, _, self._body = self._body.partition(b"\n\n")
                fields = self._fields(text.decode())
                if "data" in fields:
                    return fields

    async def message(self, *kinds: str) -> dict[str, Any]:
        """The next message of one of these types."""
        while (event := await self.next()) is not None:
            told: dict[str, Any] = json.loads(event["data"])
            if told["type"] in kinds:
                return told
        raise AssertionError(f"the stream ended without {kinds}")

    async def ended(self) -> bool:
        """Whether nothing more comes."""
        return await self.next() is None

    def _fields(self, text: str) -> dict[str, str]:
        fields: dict[str, str] = {}
        for line in text.split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            self.comments += not name
            fields[name] = f"{fields[name]}\n{value}" if name in fields else value
        self.last_id = fields.get("id", self.last_id)
        self.retry_ms = int(fields.get("retry", self.retry_ms))
        return fields

    async def _more(self) -> bool:
        if "transfer-encoding" not in self.headers:
            data = await self._reader.read(65_536)
            self._body += data
            return bool(data)
        size = int((await self._reader.readline() or b"0").strip() or b"0", 16)
        if not size:
            return False
        self._body += (await self._reader.readexactly(size + 2))[:-2]
        return True


@asynccontextmanager
async def requested(
    url: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    body: bytes = b"",
    receive_bytes: int | None = None,
) -> AsyncIterator[EventReader]:
    """An answer whose head is read; the connection ends with the block.

    With `receive_bytes` its window is small, and no more than that is read ahead.
    """
    place = urlsplit(url)
    sock = socket.socket()
    if receive_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (place.hostname, place.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=receive_bytes or 1 << 20)
    sent = {"host": place.netloc, **(headers or {})}
    if body:
        sent["content-length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *[f"{name}: {value}" for name, value in sent.items()]]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    answer = EventReader(reader, writer)
    try:
        async with asyncio.timeout(DEADLINE_S):
            await answer.read_head()
        yield answer
    finally:
        writer.transport.abort()


def path_of(*channels: str, **fields: object) -> str:
    """The target of a request for a stream."""
    return f"/events?{urlencode([*[('channel', name) for name in channels], *fields.items()])}"
