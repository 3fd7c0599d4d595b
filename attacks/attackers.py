"""What clients do to River that mean no good: each an attack that goes on until it is ended."""

import asyncio
import os
import random
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

# The client of the system's tests keeps no rule that it is not asked to keep.
sys.path.append(str(Path(__file__).resolve().parents[1] / "server" / "tests" / "support"))

from river_client import TEXT, Client, Refused, connection, frame, opened, request, token

Attack = Callable[[str, int], Awaitable[None]]

AT_ONCE = 50
"""So many connections are opened at the same time."""
ADDRESS = "198.51.100.66"
"""The attacker's, as the proxy in front of River names it."""
NUMBERS = count(1)
REFUSALS = (OSError, EOFError, TimeoutError, AssertionError, Refused)
"""What an attacker meets that is not let in, or is closed."""


async def gather(number: int, one: Callable[[], Awaitable[object]]) -> list[object]:
    """Do something so many times, some at once; what failed is left out."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def limited() -> object:
        async with slots:
            with suppress(*REFUSALS):
                return await one()
        return None

    return await asyncio.gather(*(limited() for _ in range(number)))


async def member(url: str, user: str | None = None, *, receive_bytes: int | None = None) -> Client:
    """A client with a token; of a user of its own if none is named."""
    client = await opened(url, receive_bytes=receive_bytes, X_Forwarded_For=ADDRESS)
    await client.send(type="auth", token=token(user or f"user-{os.getpid()}-{next(NUMBERS)}"))
    await client.until("authenticated")
    return client


async def begin_messages(url: str, size: int) -> None:
    """Strangers begin a message of 64 KiB each, and go on a little."""
    head = frame(TEXT, bytes(16_000))[:12_000]

    async def one() -> Client:
        client = await opened(url)
        await client.send_raw(head)
        return client

    while True:
        held = await gather(size, one)
        await asyncio.sleep(1)
        del held


async def stay_silent(url: str, size: int) -> None:
    """One address opens connections and sends no token."""
    held: list[object] = []
    while True:
        held += await gather(size // 10, lambda: opened(url, X_Forwarded_For=ADDRESS))
        del held[:-size]


async def stay_silent_without_upgrade(url: str, size: int) -> None:
    """Sockets that send nothing at all."""
    held: list[object] = []
    while True:
        held += await gather(size // 10, lambda: connection(url))
        del held[:-size]


async def come_and_go(url: str, size: int) -> None:
    """Clients connect, send a token, subscribe, and are gone."""

    async def one() -> None:
        client = await member(url)
        await client.send(type="subscribe", id=1, channel=f"presence-{random.randrange(size)}")
        await client.until("subscribed")
        await client.close()

    while True:
        await gather(size, one)


async def leave_histories_unread(url: str, size: int) -> None:
    """Clients ask for full histories, again and again, and read nothing."""

    async def one() -> Client:
        client = await member(url, receive_bytes=4_096)
        for number in range(20):
            await client.send(type="history", id=number, channel="full")
        return client

    while True:
        held = await gather(size, one)
        await asyncio.sleep(1)
        del held


async def send_nonsense(url: str, size: int) -> None:
    """Strangers send what is refused: deep, long, almost JSON."""
    texts = [b"[" * 16_000, b'{"type":"auth","token":' + b"9" * 16_000 + b"}", b'{"a":"\\' * 2_000]

    async def one() -> None:
        client = await opened(url)
        for text in random.sample(texts, len(texts)):
            await client.attack(frame(TEXT, text))
        await client.ends()
        await client.close()

    while True:
        await gather(size, one)


async def send_long_origins(url: str, size: int) -> None:
    """Origins of 8 KB that nearly match a setting with stars."""
    head = request(Origin="https://" + "a." * 4_000 + "example.org")

    async def one() -> None:
        reader, writer = await connection(url)
        writer.write(head)
        await reader.read(-1)
        writer.close()

    while True:
        await gather(size, one)


async def take_channels(url: str, size: int) -> None:
    """One user has connections with 100 channels each."""

    async def one() -> Client:
        client = await member(url, "collector")
        for number in range(100):
            await client.send(type="subscribe", id=number, channel=f"c{next(NUMBERS)}")
        return client

    held: list[object] = []
    while True:
        held += await gather(size // 10, one)
        del held[:-size]


async def join_and_leave(url: str, size: int) -> None:
    """One client joins and leaves a crowd as fast as it may."""
    crowd = await gather(size, lambda: _subscribed(url, "presence-crowd"))
    while True:
        with suppress(*REFUSALS):
            client = await member(url, "churner")
            for number in range(10_000):
                kind = "subscribe" if number % 2 else "unsubscribe"
                await client.send(type=kind, id=number, channel="presence-crowd")
                await asyncio.sleep(0.02)
    del crowd


async def publish_to_a_crowd(url: str, size: int) -> None:
    """One client publishes large messages to a crowd, as fast as it may."""
    crowd = await gather(size, lambda: _subscribed(url, "crowd"))
    while True:
        with suppress(*REFUSALS):
            client = await member(url, "publisher")
            for number in range(10_000):
                await client.send(
                    type="publish", id=number, channel="crowd", event="e", data="x" * 60_000
                )
                await asyncio.sleep(0.02)
    del crowd


async def begin_channels(url: str, size: int) -> None:
    """One user publishes to channels that are new, as fast as it may, and comes back."""

    async def one() -> None:
        client = await member(url, "beginner")
        for number in range(150):
            channel = f"begun-{next(NUMBERS)}"
            await client.send(type="publish", id=number, channel=channel, event="e", data="x" * 500)
        await client.until("published")
        await client.close()

    while True:
        await gather(size, one)


async def read_nothing(url: str, size: int) -> None:
    """Subscribers read nothing, while one of them publishes."""
    crowd = await gather(size, lambda: _subscribed(url, "crowd", receive_bytes=4_096))
    while True:
        with suppress(*REFUSALS):
            client = await member(url, "publisher")
            while True:
                await client.send(
                    type="publish", id=1, channel="crowd", event="e", data="x" * 30_000
                )
                await asyncio.sleep(0.02)
    del crowd


async def _subscribed(url: str, channel: str, *, receive_bytes: int | None = None) -> Client:
    client = await member(url, receive_bytes=receive_bytes)
    await client.send(type="subscribe", id=1, channel=channel)
    return client


ATTACKS: dict[str, tuple[Attack, int]] = {
    "strangers begin a message of 16 KB each": (begin_messages, 3_000),
    "one address opens silent WebSockets": (stay_silent, 3_000),
    "sockets that send nothing": (stay_silent_without_upgrade, 3_000),
    "clients come and go": (come_and_go, 500),
    "full histories that nobody reads": (leave_histories_unread, 100),
    "nonsense without a token": (send_nonsense, 100),
    "origins of 8 KB": (send_long_origins, 100),
    "one user collects channels": (take_channels, 745),
    "one client joins and leaves a crowd": (join_and_leave, 1_000),
    "one client publishes to a crowd": (publish_to_a_crowd, 300),
    "one user publishes to channels that are new": (begin_channels, 20),
    "subscribers that read nothing": (read_nothing, 300),
}
"""Each with the number of connections that it takes."""
