"""A client that numbers what it publishes, for the receiver of webhooks to be judged by."""

import asyncio
import json
import random

import jwt
import websockets

from processes import SECRET
from witness import PAUSE_S_MAX

EVERY_S = 0.2
ANSWER_S_MAX = 5.0


class Speaker:
    """While it is not `pausing` it publishes 1, 2, 3, ...: each once, whatever became of it."""

    def __init__(self, url: str, channel: str) -> None:
        self.number = 0
        self.accepted: set[int] = set()
        """Of which River said so; others may have been accepted or not."""
        self.pausing = False
        self._url = url
        self._channel = channel

    async def run(self) -> None:
        """Connect again and again, until cancelled."""
        while True:
            try:
                await self._speak()
            except (OSError, websockets.WebSocketException, TimeoutError):
                await asyncio.sleep(random.uniform(0, PAUSE_S_MAX))

    async def _speak(self) -> None:
        async with websockets.connect(
            self._url, open_timeout=3, close_timeout=1, ping_interval=None, compression=None
        ) as connection:
            token = jwt.encode({"sub": "speaker", "river": {"publish": [self._channel]}}, SECRET)
            await connection.send(json.dumps({"type": "auth", "token": token}))
            while True:
                await asyncio.sleep(EVERY_S)
                if self.pausing:
                    continue
                self.number += 1
                message = {"type": "publish", "id": self.number, "channel": self._channel}
                await connection.send(json.dumps({**message, "event": "n", "data": self.number}))
                async with asyncio.timeout(ANSWER_S_MAX):
                    if await self._is_accepted(connection, self.number):
                        self.accepted.add(self.number)

    async def _is_accepted(self, connection: websockets.ClientConnection, number: int) -> bool:
        async for text in connection:
            answer = json.loads(text)
            if answer.get("id") == number:
                return bool(answer["type"] == "published")
            if answer["type"] == "bye":
                break
        raise TimeoutError("it is to move")
