"""Clients of a rolling restart: what the browser client does, and what each of them saw of it.

A client that is asked to move (`bye`) opens the new connection before it closes the old one. After
a failed attempt it waits any time up to the age of the outage, between half a second and 20 s.
"""

import asyncio
import contextlib
import json
import random
import ssl
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from listener import token
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

CHANNEL = "restart"
OPEN_S_MAX = 15.0
BASE_S, CAP_S = 0.5, 20.0
COME_AGAIN = 4503


class RefusedError(Exception):
    """An attempt that failed; its text is the kind."""


@dataclass
class Seen:
    """What one client saw."""

    heard_at: dict[int, float] = field(default_factory=dict[int, float])
    """When it had each publication, by offset."""
    refusals: Counter[str] = field(default_factory=Counter[str])
    gaps: int = 0
    lost: int = 0
    moves: int = 0


class Client:
    """One client, connected for as long as `run` runs."""

    def __init__(self, url: str, user: str, *, secret: str, context: ssl.SSLContext | None) -> None:
        self.seen = Seen()
        self.position: tuple[str, int] | None = None
        self._url = url
        self._context = context
        self._token = token(secret, user)
        self._move = asyncio.Event()
        self._move_after_s = 0.0

    async def run(self) -> None:
        """Stay connected until cancelled."""
        old: tuple[ClientConnection, asyncio.Task[None]] | None = None
        try:
            while True:
                connection = await self._connected()
                self.seen.moves += 1
                self._move.clear()
                reading = asyncio.create_task(self._read(connection))
                if old is not None:
                    await _ended(*old)
                old = connection, reading
                moved = asyncio.create_task(self._move.wait())
                await asyncio.wait({reading, moved}, return_when=asyncio.FIRST_COMPLETED)
                moved.cancel()
                if not reading.done():
                    await asyncio.sleep(self._move_after_s)
        finally:
            if old is not None:
                await _ended(*old)

    async def _connected(self) -> ClientConnection:
        """Try until somebody lets it in and it is subscribed."""
        began = time.monotonic()
        while True:
            try:
                return await self._attempt()
            except RefusedError as refusal:
                self.seen.refusals[str(refusal)] += 1
                outage_s = time.monotonic() - began
                ceiling_s = min(CAP_S, max(BASE_S, outage_s))
                await asyncio.sleep(random.uniform(0, ceiling_s))  # noqa: S311  jitter

    async def _attempt(self) -> ClientConnection:
        try:
            connection = await connect(
                f"{self._url}/ws",
                ssl=self._context,
                proxy=None,
                open_timeout=OPEN_S_MAX,
                ping_interval=None,
                compression=None,
                close_timeout=1,
            )
        except InvalidStatus as error:
            raise RefusedError(f"HTTP {error.response.status_code}") from None
        except (OSError, WebSocketException) as error:
            raise RefusedError("no connection") from error
        try:
            await self._subscribe(connection)
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd else 1006
            raise RefusedError(f"101, then {code}") from None
        return connection

    async def _subscribe(self, connection: ClientConnection) -> None:
        await connection.send(json.dumps({"type": "auth", "id": 1, "token": self._token}))
        asked: dict[str, object] = {"type": "subscribe", "id": 2, "channel": CHANNEL}
        if self.position is not None:
            asked["epoch"], asked["offset"] = self.position
        await connection.send(json.dumps(asked))
        while True:
            told = json.loads(await connection.recv())
            if told["type"] == "subscribed":
                self._subscribed(told)
                return
            if told["type"] == "bye":
                raise ConnectionClosed(None, None)
            assert told["type"] in {"welcome", "authenticated"}, told

    def _subscribed(self, told: dict[str, Any]) -> None:
        if self.position is None or not told["recovered"]:
            self.seen.gaps += self.position is not None
            self.position = told["epoch"], told["offset"]

    async def _read(self, connection: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in connection:
                told = json.loads(text)
                if told["type"] == "event":
                    self._hear(told["offset"])
                elif told["type"] == "gap":
                    self.seen.gaps += 1
                    self.position = told["epoch"], told["offset"]
                elif told["type"] == "bye":
                    self._move_after_s = told.get("retry_after_ms", 0) / 1000
                    self._move.set()

    def _hear(self, offset: int) -> None:
        assert self.position is not None
        epoch, known = self.position
        if offset <= known:
            return  # both connections of a move deliver
        self.seen.heard_at[offset] = time.monotonic()
        self.seen.lost += offset - known - 1
        self.position = epoch, offset


async def _ended(connection: ClientConnection, reading: asyncio.Task[None]) -> None:
    await connection.close()
    await reading
