"""Load that never repeats itself: clients, users, channel names and tokens that come and go."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import websockets

from processes import KEY, SECRET

SHARED = 20
STAY_S = 4.0
TOKEN_S = 60
PUBLICATIONS = 3
ABRUPT = 0.2
STREAMED = 0.2
TIMEOUT_S = 10.0


@dataclass
class Churn:
    """Visitors at a rate: each has a user, a token and channels that nobody had before it."""

    gateways: list[int]
    api: int
    per_s: float
    visits: int = 0
    failed: int = 0
    """Visits that did not get as far as they wanted, as in a hiccup of the broker."""
    received: int = 0
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Send one visitor after the other, until cancelled."""
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.api}", headers={"x-api-key": KEY}, timeout=TIMEOUT_S
        ) as api:
            try:
                while True:
                    self._begun(self._visit(self.visits, api))
                    self.visits += 1
                    await asyncio.sleep(random.expovariate(self.per_s))
            finally:
                for task in self._under_way:
                    task.cancel()
                await asyncio.gather(*self._under_way, return_exceptions=True)

    def _begun(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        # Who waits for a publication that failed fails too; nobody waits after a lost connection.
        if not task.cancelled():
            task.exception()

    async def _visit(self, number: int, api: httpx.AsyncClient) -> None:
        way = self._stream if random.random() < STREAMED else self._socket
        try:
            await way(number, api)
        except (OSError, EOFError, TimeoutError, websockets.WebSocketException, httpx.HTTPError):
            self.failed += 1

    async def _socket(self, number: int, api: httpx.AsyncClient) -> None:
        own = f"soak-{number}"
        channels = [own, f"soak-shared-{number % SHARED}", f"presence-soak-{number // SHARED}"]
        async with websockets.connect(
            f"ws://127.0.0.1:{random.choice(self.gateways)}/ws",
            open_timeout=TIMEOUT_S,
            close_timeout=1,
            compression=None,
        ) as connection:
            await connection.send(json.dumps({"type": "auth", "token": token(number)}))
            for name in channels:
                await connection.send(json.dumps({"type": "subscribe", "channel": name}))
            publishing = self._begun(_publish(api, channels[:2]))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(random.expovariate(1 / STAY_S)):
                    async for text in connection:
                        self.received += '"type":"event"' in str(text)
            # A token that is renewed before the end.
            await connection.send(json.dumps({"type": "auth", "token": token(number)}))
            await publishing
            if random.random() < ABRUPT:
                connection.transport.abort()

    async def _stream(self, number: int, api: httpx.AsyncClient) -> None:
        own = f"soak-{number}"
        port = random.choice(self.gateways)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(
                f"GET /events?channel={own}&channel=soak-shared-{number % SHARED} HTTP/1.1\r\n"
                f"Host: 127.0.0.1\r\nAuthorization: Bearer {token(number)}\r\n\r\n".encode()
            )
            publishing = self._begun(_publish(api, [own]))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(random.expovariate(1 / STAY_S)):
                    while line := await reader.readline():
                        self.received += line.startswith(b"data:")
            await publishing
        finally:
            writer.transport.abort()


def token(number: int) -> str:
    """A token for a user that comes only once."""
    claims = {"sub": f"soak-{number}", "exp": time.time() + TOKEN_S, "jti": random.random()}
    return jwt.encode(claims, SECRET)


async def _publish(api: httpx.AsyncClient, channels: list[str]) -> None:
    for number in range(PUBLICATIONS):
        await asyncio.sleep(random.random())
        message = {"channels": channels, "event": "soak", "data": {"n": number, "pad": "x" * 200}}
        await api.post("/publish", json=message)
