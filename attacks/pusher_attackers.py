"""Attacks of those who have no token: Pusher's clients, and guests."""

import asyncio
import json
import uuid
from itertools import count

from attackers import ADDRESS, Attack, gather
from river_client import TEXT, Client, frame, opened

APP_KEY = "key-of-the-attacked-app"
APPS = json.dumps([{"id": "1", "key": APP_KEY, "secret": "secret-of-the-attacked-app"}])
RULES = json.dumps([{"match": "guest-*", "access": "guest"}])
NUMBERS = count(1)


async def take_channels_as_guests(url: str, size: int) -> None:
    """Guests of one address subscribe to channels that are new, as fast as they may."""

    async def one() -> Client:
        client = await opened(url, X_Forwarded_For=ADDRESS)
        for number in range(100):
            await client.send(type="subscribe", id=number, channel=f"guest-{next(NUMBERS)}")
        return client

    held: list[object] = []
    while True:
        held += await gather(size // 10, one)
        del held[:-size]


async def take_channels_as_pusher_clients(url: str, size: int) -> None:
    """Pusher's clients, each a page of its own, take public channels and send what is refused."""

    async def one() -> Client:
        page = f"/t/l8k2j0zz-{uuid.uuid4()}/app/{APP_KEY}?protocol=7"
        client = await opened(url, path=page, X_Forwarded_For=ADDRESS)
        for _ in range(50):
            await client.send(event="pusher:subscribe", data={"channel": f"q{next(NUMBERS)}"})
            await client.send(event="client-x", channel="private-x", data="x" * 1_000)
        await client.attack(frame(TEXT, b"[" * 10_000))
        return client

    held: list[object] = []
    while True:
        held += await gather(size // 10, one)
        del held[:-size]


async def sign_in_wrongly(url: str, size: int) -> None:
    """Pusher's clients send signatures that are wrong, with long texts that were signed."""
    text = json.dumps({"id": "u", "user_info": {"x": "y" * 6_000}})

    async def one() -> None:
        client = await opened(url, path=f"/app/{APP_KEY}?protocol=7", X_Forwarded_For=ADDRESS)
        for _ in range(100):
            signed = {"auth": f"{APP_KEY}:00", "user_data": text}
            await client.send(event="pusher:signin", data=signed)
        await asyncio.sleep(0.5)
        await client.close()

    while True:
        await gather(size, one)


ATTACKS: dict[str, tuple[Attack, int]] = {
    "guests take channels that are new": (take_channels_as_guests, 500),
    "pages of Pusher's clients take channels": (take_channels_as_pusher_clients, 500),
    "Pusher's clients sign in wrongly": (sign_in_wrongly, 100),
}
