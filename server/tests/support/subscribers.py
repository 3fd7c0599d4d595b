"""Somebody subscribed to one channel, over each of the three protocols, and what it is sent."""

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Protocol

from pusher_runner import APPS, QUERY, signature
from river_client import Client, enter, opened, token
from stream_client import EventReader, path_of, requested

Json = dict[str, Any]
KINDS = ("native", "pusher", "stream")
PUSHER_SETTINGS = {"RIVER_APPS": json.dumps(APPS[:2])}
WRONG = "native-key:0000000000000000000000000000000000000000000000000000000000000000"


class Subscriber(Protocol):
    """One connection. `session` is what River calls it."""

    session: str

    async def event(self) -> None:
        """Wait for the next publication."""

    async def gap(self) -> None:
        """Wait for a gap."""

    async def ends(self) -> None:
        """Wait until River has ended it."""

    async def close(self) -> None:
        """Go without a word."""


class NativeSubscriber:
    """Over a WebSocket of River's own protocol."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.session = ""

    async def event(self) -> None:
        await self.client.until("event")

    async def gap(self) -> None:
        await self.client.until("gap")

    async def ends(self) -> None:
        await self.client.ends()

    async def close(self) -> None:
        await self.client.close()


class PusherSubscriber:
    """Over Pusher's protocol. It signs in as a user, if it is given one."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.session = ""

    async def until(self, event: str) -> Json:
        while (got := await self.client.next())["event"] != event:
            pass
        return got

    async def say(self, event: str, **data: object) -> None:
        await self.client.send(event=event, data=data)

    async def enter(self, user: str) -> None:
        data = json.loads((await self.until("pusher:connection_established"))["data"])
        self.session = data["socket_id"]
        if user:
            user_data = json.dumps({"id": user})
            auth = signature("native-key", f"{self.session}::user::{user_data}")
            await self.say("pusher:signin", user_data=user_data, auth=auth)
            await self.until("pusher:signin_success")

    async def subscribe(self, channel: str, *, auth: str = "", **fields: str) -> None:
        text = ":".join([self.session, channel, *fields.values()])
        auth = auth or signature("native-key", text)
        await self.say("pusher:subscribe", channel=channel, auth=auth, **fields)
        wrong = "pusher:subscription_error"
        await self.until(wrong if auth == WRONG else "pusher_internal:subscription_succeeded")

    async def event(self) -> None:
        await self.until("post")

    async def gap(self) -> None:
        await self.until("river:gap")

    async def ends(self) -> None:
        await self.client.ends()

    async def close(self) -> None:
        await self.client.close()


class StreamSubscriber:
    """Over Server-Sent Events."""

    def __init__(self, reader: EventReader, opened: AsyncExitStack) -> None:
        self.reader = reader
        self.session = ""
        self._opened = opened

    async def event(self) -> None:
        await self.reader.message("event")

    async def gap(self) -> None:
        await self.reader.message("gap")

    async def ends(self) -> None:
        while await self.reader.next() is not None:
            pass

    async def close(self) -> None:
        await self._opened.aclose()


async def native(
    url: str, *, user: str, channel: str, receive_bytes: int | None, claims: Mapping[str, object]
) -> Subscriber:
    found = NativeSubscriber(await opened(url, receive_bytes=receive_bytes))
    found.session = json.loads(await found.client.peek())["session"]
    await enter(found.client, token(user, **claims), channel)
    return found


async def pusher(
    url: str, *, user: str = "", channel: str = "", receive_bytes: int | None = None
) -> PusherSubscriber:
    """Without a channel it subscribes to nothing."""
    path = f"/app/native-key?{QUERY}"
    found = PusherSubscriber(await opened(url, path=path, receive_bytes=receive_bytes))
    await found.enter(user)
    if channel:
        await found.subscribe(channel)
    return found


async def stream(
    url: str, *, user: str, channel: str, receive_bytes: int | None, claims: Mapping[str, object]
) -> Subscriber:
    async with AsyncExitStack() as stack:
        headers = {"authorization": f"Bearer {token(user, **claims)}"}
        answer = requested(
            url,
            path_of(channel, shape="native"),
            headers=headers,
            receive_bytes=receive_bytes,
        )
        found = StreamSubscriber(await stack.enter_async_context(answer), stack.pop_all())
    found.session = (await found.reader.message("welcome"))["session"]
    await found.reader.message("subscribed")
    return found


async def subscriber(
    kind: str,
    url: str,
    *,
    user: str,
    channel: str,
    receive_bytes: int | None = None,
    **claims: object,
) -> Subscriber:
    """One that is live. `claims` are its token's, where it has one."""
    if kind == "pusher":
        return await pusher(url, user=user, channel=channel, receive_bytes=receive_bytes)
    make = native if kind == "native" else stream
    return await make(url, user=user, channel=channel, receive_bytes=receive_bytes, claims=claims)
