"""Hears channels, through lost connections, without missing anything in silence."""

import asyncio
import inspect
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from river_realtime.conversation import Conversation, Heard
from river_realtime.errors import RiverError, UnreachableError

RETRY_S_FIRST = 0.25
RETRY_S_MAX = 20.0
OPEN_S_MAX = 10.0
WAITING_MAX = 1_000
_FINAL = (4400, 4403)
_NOT_AUTHENTICATED = 4401
_NOT_JSON = (ValueError, KeyError, TypeError)

Token = str | Callable[[], str] | Callable[[], Awaitable[str]]


class Subscriber:
    """An async iterator over what happens in some channels.

        async with Subscriber("http://localhost:8000", token, "dogs", "cats") as subscriber:
            async for heard in subscriber:
                ...

    It gives `Event`s once and in order, a `Gap` where something cannot be had any more, and on
    `presence-` channels `Presence` (the members), `Joined` and `Left`. A lost connection is made
    again, with full jitter, and goes on where it was. A program that does not take what comes is
    not buried: no more than a thousand wait here, the rest at the server.

    `token` is a text or a function, with or without await, which is asked for each connection.
    Iterating raises RiverError when River refuses for good: a token that is not accepted twice,
    a channel without a grant, a user disconnected by the back end.
    """

    def __init__(self, url: str, token: Token, *channels: str, history: int = 0) -> None:
        self._url = websocket_url(url)
        self._token = token
        self._talk = Conversation(history, dict.fromkeys(channels))
        self._heard: asyncio.Queue[Heard | RiverError] = asyncio.Queue(WAITING_MAX)
        self._following: asyncio.Task[None] | None = None
        self._connection: ClientConnection | None = None
        self._failures = 0
        self._refused_tokens = 0

    async def subscribe(self, channel: str) -> None:
        """Hear one more channel from now on."""
        if channel not in self._talk.positions:
            self._talk.positions[channel] = None
            await self._say(self._talk.subscription(channel))

    async def unsubscribe(self, channel: str) -> None:
        """Hear a channel no more."""
        if channel in self._talk.positions:
            del self._talk.positions[channel]
            await self._say(json.dumps({"type": "unsubscribe", "channel": channel}))

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    def __aiter__(self) -> AsyncIterator[Heard]:
        return self

    async def __anext__(self) -> Heard:
        heard = await self._heard.get()
        if isinstance(heard, RiverError):
            raise heard
        return heard

    async def _follow(self) -> None:
        try:
            while True:
                await self._connect_once()
                limit = min(RETRY_S_MAX, RETRY_S_FIRST * 2**self._failures)
                self._failures += 1
                await asyncio.sleep(random.uniform(0, limit))  # noqa: S311  jitter
        except RiverError as error:
            await self._heard.put(error)

    async def _connect_once(self) -> None:
        """One connection to its end. Raises RiverError when there should be no other."""
        try:
            async with connect(self._url, open_timeout=OPEN_S_MAX, max_size=None) as connection:
                for words in self._talk.opening(await self._fresh_token()):
                    await connection.send(words)
                self._connection = connection
                async for text in connection:
                    await self._take(str(text))
        except ConnectionClosed as closed:
            self._judge(closed)
        except (OSError, TimeoutError, InvalidHandshake):
            return
        finally:
            self._connection = None

    async def _take(self, text: str) -> None:
        try:
            heard = list(self._talk.hear(text))
        except RiverError as error:
            # Of the token the close code speaks, and it may be a matter of a new one.
            if not error.code.startswith("token_"):
                raise
            return
        except _NOT_JSON as error:
            raise UnreachableError(
                f"{self._url} does not speak River's protocol: {error}"
            ) from None
        for one in heard:
            self._failures = self._refused_tokens = 0
            await self._heard.put(one)

    def _judge(self, closed: ConnectionClosed) -> None:
        code = closed.rcvd.code if closed.rcvd is not None else 1006
        reason = closed.rcvd.reason if closed.rcvd is not None else "connection lost"
        self._refused_tokens += code == _NOT_AUTHENTICATED
        hopeless = isinstance(self._token, str) or self._refused_tokens > 1
        if code in _FINAL or (code == _NOT_AUTHENTICATED and hopeless):
            raise RiverError("closed", reason, status=code)

    async def _fresh_token(self) -> str:
        if isinstance(self._token, str):
            return self._token
        token = self._token()
        return await token if inspect.isawaitable(token) else token

    async def _say(self, text: str) -> None:
        # Without a connection, or when it breaks now, the next one begins with all that is wanted.
        if self._connection is not None:
            with suppress(ConnectionClosed):
                await self._connection.send(text)


def websocket_url(url: str) -> str:
    """The WebSocket's address for a gateway's, as people write it."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "ws", url
    scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}/{path or 'ws'}"
