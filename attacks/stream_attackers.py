"""Attacks over plain HTTP: unread streams, polls, requests of clients without a socket."""

import asyncio
import json
from contextlib import suppress
from itertools import count
from urllib.parse import urlencode

from attackers import ADDRESS, REFUSALS, Attack, gather, member
from river_client import connection, token

NUMBERS = count(1)
CHANNELS = 50


async def poll_new_channels(url: str, size: int) -> None:
    """One user polls 50 channels that nobody has named before, again and again."""

    async def one() -> None:
        reader, writer = await connection(url)
        for _ in range(100):
            names = [("channel", f"p{next(NUMBERS)}") for _ in range(CHANNELS)]
            await _asked(reader, writer, f"/events?{urlencode([*names, *POLL])}")
        writer.close()

    while True:
        await gather(size, one)


async def leave_streams_unread(url: str, size: int) -> None:
    """Streams that nobody reads, while one client publishes."""

    async def one() -> asyncio.StreamWriter:
        _, writer = await connection(url, receive_bytes=4_096)
        writer.write(_request("GET", "/events?channel=crowd"))
        return writer

    crowd = await gather(size, one)
    while True:
        with suppress(*REFUSALS):
            client = await member(url, "publisher")
            while True:
                await client.send(
                    type="publish", id=1, channel="crowd", event="e", data="x" * 30_000
                )
                await asyncio.sleep(0.02)
    del crowd


async def post_for_histories(url: str, size: int) -> None:
    """Many users ask for full histories by POST, and read nothing of them."""

    async def one() -> None:
        _, writer = await connection(url, receive_bytes=4_096)
        body = json.dumps({"channel": "full"}).encode()
        user = token(f"poster-{next(NUMBERS)}")
        for _ in range(20):
            writer.write(_request("POST", "/client/history", body, user=user))
        await asyncio.sleep(1)
        writer.close()

    while True:
        await gather(size, one)


POLL = (("mode", "poll"), ("wait_s", "0"))


def _request(method: str, target: str, body: bytes = b"", *, user: str | None = None) -> bytes:
    fields = {
        "Host": "x",
        "Authorization": f"Bearer {user or token('streamer')}",
        "X-Forwarded-For": ADDRESS,
    }
    if body:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
    writer.write(_request("GET", target))
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    await reader.readexactly(length)


ATTACKS: dict[str, tuple[Attack, int]] = {
    "one user polls channels that are new": (poll_new_channels, 20),
    "streams that read nothing": (leave_streams_unread, 300),
    "full histories asked for by POST": (post_for_histories, 100),
}
