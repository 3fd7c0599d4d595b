"""Publishing and looking, from a back end, for code that awaits."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Self, TypeVar, Unpack, overload
from weakref import WeakKeyDictionary

import httpx

from river_realtime import endpoints
from river_realtime.client_settings import (
    GATEWAY_FILE,
    TIMEOUT_S,
    Arguments,
    ClientSettings,
    is_gateways,
)
from river_realtime.encoding import Default
from river_realtime.endpoints import Message, PublishOptions
from river_realtime.errors import RiverError
from river_realtime.request import QueryNotReadError, Request
from river_realtime.retry import ATTEMPT_S_MAX, Attempt, Retries, answered, unanswered
from river_realtime.river import Published, Several
from river_realtime.tokens import TTL_S, Grants, sign_token
from river_realtime.values import ChannelState, History, Json, Position, Presence

T = TypeVar("T")

Keeper = AsyncGenerator[httpx.AsyncClient, None]


class AsyncRiver:
    """River's publish API, for code that awaits: the methods of `River`, awaited.

    One object serves a whole program, also several event loops, one after the other or each in its
    thread. Each loop has connections of its own; they are closed with it, if not before.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        secret: str | None = None,
        timeout_s: float = TIMEOUT_S,
        default: Default | None = None,
    ) -> None:
        self._settings = ClientSettings(url, key, secret, timeout_s, default)
        self._proxy = self._settings.proxy
        self._clients = WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopClient]()

    @overload
    async def publish(
        self, channel: str, event: str, data: object = None, **options: Unpack[PublishOptions]
    ) -> Position: ...

    @overload
    async def publish(
        self, channel: Several, event: str, data: object = None, **options: Unpack[PublishOptions]
    ) -> list[Position]: ...

    async def publish(
        self,
        channel: str | Several,
        event: str,
        data: object = None,
        **options: Unpack[PublishOptions],
    ) -> Published:
        """See `River.publish`."""
        return await self._send(endpoints.publish(channel, event, data=data, **options))

    async def publish_batch(self, messages: Sequence[Message]) -> list[Position | RiverError]:
        """See `River.publish_batch`."""
        return await self._send(endpoints.publish_batch(messages))

    async def publish_to_user(
        self, user: str, event: str, data: object = None, **options: Unpack[PublishOptions]
    ) -> Position:
        """See `River.publish_to_user`."""
        return await self._send(endpoints.publish_to_user(user, event, data=data, **options))

    async def user(self, name: str) -> Mapping[str, Json]:
        """See `River.user`."""
        return await self._send(endpoints.user(name))

    async def channels(self, prefix: str = "") -> dict[str, int]:
        """See `River.channels`."""
        return await self._send(endpoints.channels(prefix))

    async def channel(self, name: str) -> ChannelState:
        """See `River.channel`."""
        return await self._send(endpoints.channel(name))

    async def history(
        self, channel: str, *, after: Position | None = None, limit: int = 100
    ) -> History:
        """See `River.history`."""
        return await self._send(endpoints.history(channel, after=after, limit=limit))

    async def presence(self, channel: str) -> Presence:
        """See `River.presence`."""
        return await self._send(endpoints.presence(channel))

    async def disconnect(self, user: str) -> None:
        """See `River.disconnect`."""
        return await self._send(endpoints.disconnect(user))

    async def revoke(self, user: str) -> None:
        """See `River.revoke`."""
        return await self._send(endpoints.revoke(user))

    async def block(self, user: str, *, until: datetime | float | None = None) -> None:
        """See `River.block`."""
        return await self._send(endpoints.block(user, until))

    async def unblock(self, user: str) -> None:
        """See `River.unblock`."""
        return await self._send(endpoints.unblock(user))

    async def remove(self, user: str, channel: str) -> None:
        """See `River.remove`."""
        return await self._send(endpoints.remove(user, channel))

    async def token(self, user: str, *, ttl_s: int = TTL_S, **grants: Unpack[Grants]) -> str:
        """See `River.token`."""
        if self._settings.secret is not None:
            return sign_token(self._settings.secret, user, ttl_s=ttl_s, **grants)
        return await self._send(endpoints.token(user, ttl_s=ttl_s, grants=grants))

    async def close(self) -> None:
        """Close the connections of this event loop."""
        connected = self._clients.pop(asyncio.get_running_loop(), None)
        if connected is not None:
            await connected.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _send(self, request: Request[T]) -> T:
        arguments = self._settings.arguments(request)
        client = await self._connected()
        retries = Retries(request, timeout_s=self._settings.timeout_s)
        while True:
            attempt = await _try(client, request, arguments=arguments, timeout_s=retries.attempt_s)
            wait_s = retries.wait_after(attempt)
            if wait_s is None:
                break
            await asyncio.sleep(wait_s)
        if attempt.may_be_wrong_port and await _is_gateway(client):
            raise self._settings.wrong_port()
        try:
            return retries.value(attempt)
        except QueryNotReadError:
            if request.fallback is None:
                raise
            return await self._send(request.fallback)

    async def _connected(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = _LoopClient(self._settings.url, self._proxy)
        return await self._clients[loop].opened()


class _LoopClient:
    """The connections of one event loop.

    A suspended asynchronous generator has them: what ends a loop in order (`asyncio.run`, a test
    runner) first closes all such generators, so that no connection outlives its loop.
    """

    def __init__(self, url: str, proxy: str | None) -> None:
        transport = None if proxy else httpx.AsyncHTTPTransport()
        self._client = httpx.AsyncClient(base_url=url, proxy=proxy, transport=transport)
        self._keeper: Keeper = self._keep()
        self._is_open = False

    async def opened(self) -> httpx.AsyncClient:
        """The client, from now on closed with the loop."""
        if not self._is_open:
            self._is_open = True
            await anext(self._keeper)
        return self._client

    async def close(self) -> None:
        """Close the connections now."""
        await self._keeper.aclose()

    async def _keep(self) -> Keeper:
        try:
            yield self._client
        finally:
            await self._client.aclose()


async def _try(
    client: httpx.AsyncClient, request: Request[T], *, arguments: Arguments, timeout_s: float
) -> Attempt:
    try:
        response = await client.request(**arguments, timeout=timeout_s)
    except httpx.RequestError as error:
        return unanswered(request, error, url=str(client.base_url).rstrip("/"))
    return answered(response)


async def _is_gateway(client: httpx.AsyncClient) -> bool:
    try:
        response = await client.head(GATEWAY_FILE, timeout=ATTEMPT_S_MAX)
    except httpx.RequestError:
        return False
    return is_gateways(response)
