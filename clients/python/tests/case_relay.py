"""One connection of a conversation: a subscriber, what goes over its wire, and what it tells."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Self

from protocol_runner import STEP_S_MAX, Json
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from river_realtime import (
    Event,
    Gap,
    Joined,
    Left,
    Member,
    Position,
    Presence,
    RiverError,
    Subscriber,
)
from river_realtime.addresses import websocket_url

_QUIET = {"type": "ping", "id": "quiet"}


class Relay:
    """Works a subscriber as a program would, and reads along between it and the server.

    Only its first connection reaches the server: what a case says of one is of that one.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = websocket_url(url)
        self._token = token
        self._open = AsyncExitStack()
        self._server: ClientConnection | None = None
        self._changed = asyncio.Event()
        self.sent = deque[Json]()
        self.received = deque[Json]()
        self.told = deque[object]()
        self.closed_with: int | None = None
        self.last_error = ""
        self.subscriber: Subscriber

    async def __aenter__(self) -> Self:
        server = await self._open.enter_async_context(
            serve(self._relay, "127.0.0.1", 0, compression=None, close_timeout=1)
        )
        address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.subscriber = Subscriber(address, self._token, "#user")
        await self._open.enter_async_context(self.subscriber)
        listening = asyncio.create_task(self._listen())
        self._open.callback(listening.cancel)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def next_of(self, queue: deque[Json]) -> Json:
        """The oldest that no step has looked at."""
        async with asyncio.timeout(STEP_S_MAX):
            await self.until(lambda: bool(queue))
        return queue.popleft()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(STEP_S_MAX):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def say(self, message: Json) -> None:
        """Have the subscriber say what a case says."""
        channel = str(message["channel"])
        if message["type"] == "unsubscribe":
            return await self.subscriber.unsubscribe(channel)
        epoch, offset, history = (message.get(name) for name in ("epoch", "offset", "history"))
        after = Position(str(epoch), offset) if isinstance(offset, int) else None
        past = history if isinstance(history, int) else None
        return await self.subscriber.subscribe(channel, after=after, history=past)

    async def quiet(self) -> None:
        """See that nothing is on its way."""
        assert self._server is not None
        await self._server.send(json.dumps(_QUIET))
        assert await self.next_of(self.received) == {"type": "pong", "id": "quiet"}
        assert not self.told

    async def close(self) -> None:
        """End in order, and wait until the other side agrees."""
        await self.subscriber.close()
        await self.until(lambda: self.closed_with is not None)

    async def _relay(self, client: ServerConnection) -> None:
        if self._server is not None:
            return
        async with connect(self._url, compression=None, proxy=None) as self._server:
            pumping = asyncio.create_task(self._pump(client, self._server))
            await self._pump_back(self._server, client)
            await pumping

    async def _pump(self, client: ServerConnection, server: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in client:
                self.sent.append(json.loads(text))
                self._changed.set()
                await server.send(text)
        await server.close()

    async def _pump_back(self, server: ClientConnection, client: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in server:
                message = json.loads(text)
                self.received.append(message)
                if message["type"] == "error":
                    self.last_error = str(message["code"])
                self._changed.set()
                await client.send(text)
        # The subscriber may have gone first, while the server still had a word for it.
        await server.wait_closed()
        self.closed_with = server.close_code
        self._changed.set()
        code = 1000 if server.close_code in (None, 1005, 1006) else server.close_code
        await client.close(code or 1000, server.close_reason or "")

    async def _listen(self) -> None:
        while True:
            try:
                async for heard in self.subscriber:
                    self.told.append(news_of(heard))
                    self._changed.set()
                return
            except RiverError as error:
                self.told.append({"error": error.code})
                self._changed.set()
                if self.subscriber.state == "closed":
                    return


def news_of(heard: object) -> object:
    """What a subscriber told, in the words of the protocol."""
    match heard:
        case Event():
            where = "offset" if heard.is_kept else "after"
            fields = {"event": heard.event, "data": heard.data, where: heard.position.offset}
            user = {} if heard.user is None else {"user": heard.user}
            return {"type": "event", "channel": heard.channel, **fields, **user}
        case Gap():
            epoch, offset = heard.position.epoch, heard.position.offset
            return {"type": "gap", "channel": heard.channel, "epoch": epoch, "offset": offset}
        case Joined():
            return {"type": "joined", "channel": heard.channel, **_member(heard.member)}
        case Left():
            return {"type": "left", "channel": heard.channel, "user": heard.user}
        case Presence():
            members = [_member(one) for one in heard.members]
            return {"presence": {"count": heard.count, "members": members}}
        case _:
            raise AssertionError(heard)


def _member(member: Member) -> Json:
    return {"user": member.user} | ({} if member.info is None else {"info": member.info})
