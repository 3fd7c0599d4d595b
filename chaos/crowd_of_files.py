"""Clients of one gateway that take up its open files, and others that only connect."""

import asyncio
import json
import socket
from contextlib import AsyncExitStack
from typing import Self

import jwt
import websockets

from processes import SECRET

AT_ONCE = 200
ANSWER_S_MAX = 20.0
TRY_LATER = 4503
UNAVAILABLE = 503


class FileCrowd:
    """They stay for the length of a block."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stack = AsyncExitStack()
        self.held: list[websockets.ClientConnection] = []
        """Those that were let in."""
        self.refused = 0
        """Those that were told to come again."""
        self.cut: list[str] = []
        """What else the others ran into."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await asyncio.gather(*[one.close() for one in self.held])
        await self._stack.aclose()

    async def come(self, clients: int, *, silent: int) -> None:
        """So many clients, and so many that say nothing."""
        for _ in range(silent):
            self._stack.enter_context(socket.create_connection(("127.0.0.1", self._port)))
        room = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*[self._come(f"one-{number}", room) for number in range(clients)])

    async def check_served(self) -> None:
        """Each that was let in is answered.

        Raises:
            TimeoutError: one was not, in time.
        """
        async with asyncio.timeout(ANSWER_S_MAX):
            await asyncio.gather(*[self._ping(one) for one in self.held])

    async def _come(self, user: str, room: asyncio.Semaphore) -> None:
        async with room:
            try:
                connection = await websockets.connect(
                    f"ws://127.0.0.1:{self._port}/ws",
                    open_timeout=ANSWER_S_MAX,
                    close_timeout=1,
                    ping_interval=None,
                    compression=None,
                )
                token = jwt.encode({"sub": user}, SECRET)
                await connection.send(json.dumps({"type": "auth", "token": token}))
                await self._until(connection, "authenticated")
            except websockets.InvalidStatus as error:
                self._count_end(error.response.status_code)
            except websockets.ConnectionClosed as error:
                self._count_end(error.rcvd.code if error.rcvd is not None else 0)
            except (OSError, TimeoutError, websockets.WebSocketException) as error:
                self.cut.append(repr(error))
            else:
                self.held.append(connection)

    def _count_end(self, code: int) -> None:
        if code in {TRY_LATER, UNAVAILABLE}:
            self.refused += 1
        else:
            self.cut.append(f"ended by {code}")

    async def _ping(self, connection: websockets.ClientConnection) -> None:
        await connection.send(json.dumps({"type": "ping"}))
        await self._until(connection, "pong")

    @staticmethod
    async def _until(connection: websockets.ClientConnection, kind: str) -> None:
        async with asyncio.timeout(ANSWER_S_MAX):
            async for text in connection:
                if json.loads(text)["type"] == kind:
                    return
        raise websockets.InvalidMessage(f"no {kind}")
