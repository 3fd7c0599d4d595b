"""Publishing and looking, from a back end: one shape, with and without await."""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from itertools import count
from types import TracebackType
from typing import Self, TypeVar, overload

import httpx

from river_realtime import calls
from river_realtime.addresses import api_url
from river_realtime.attempts import Attempt, answered, time_for_one_s, unanswered
from river_realtime.calls import Call
from river_realtime.errors import RiverError
from river_realtime.tokens import TTL_S, sign_token
from river_realtime.values import History, Json, Position, Presence

T = TypeVar("T")

TIMEOUT_S = 10.0

Message = Mapping[str, Json]
Several = list[str] | tuple[str, ...]
Published = Position | list[Position]


class River:
    """River's publish API, for code that waits.

    One object serves a whole program, all its threads, and its children after a fork: connections
    are kept and shared. What fails because River is away for a moment is repeated, under one key,
    until `timeout_s` is over.

        river = River("http://localhost:8001", "the API key")
        river.publish("dogs", "post", {"text": "Hello"})

    Every method raises RiverError (with the server's code) and UnreachableError.
    """

    def __init__(
        self, url: str, key: str, *, secret: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._url, self._key = api_url(url), key
        self._client, self._process = self._new_client(), os.getpid()
        self._secret = secret
        self._timeout_s = timeout_s

    @overload
    def publish(
        self, channel: str, event: str, data: Json = None, *, key: str | None = None
    ) -> Position: ...

    @overload
    def publish(
        self, channel: Several, event: str, data: Json = None, *, key: str | None = None
    ) -> list[Position]: ...

    def publish(
        self, channel: str | Several, event: str, data: Json = None, *, key: str | None = None
    ) -> Published:
        """Publish one event to a channel, or to several. Returns once River has it.

        `key` makes it idempotent beyond this call: a second one with the same key, for example
        after a crash, publishes nothing and gives the first one's position.
        """
        return self._do(calls.publish(channel, event, data, key))

    def publish_batch(self, messages: Sequence[Message]) -> list[Position | RiverError]:
        """Publish up to 1,000 messages (`channel`, `event`, `data`), each with its own result."""
        return self._do(calls.publish_batch(messages))

    def channels(self, prefix: str = "") -> dict[str, int]:
        """How many connections hear each channel that somebody hears."""
        return self._do(calls.channels(prefix))

    def history(self, channel: str, *, after: Position | None = None, limit: int = 100) -> History:
        """The publications after a position, or the last ones."""
        return self._do(calls.history(channel, after, limit))

    def presence(self, channel: str) -> Presence:
        """All members of a presence channel."""
        return self._do(calls.presence(channel))

    def disconnect(self, user: str) -> None:
        """Close all connections of a user, everywhere."""
        return self._do(calls.disconnect(user))

    def token(
        self,
        user: str,
        *,
        ttl_s: int = TTL_S,
        subscribe: Sequence[str] | None = None,
        publish: Sequence[str] = (),
        info: Mapping[str, Json] | None = None,
    ) -> str:
        """A token for a client: signed here if there is a secret, otherwise by River."""
        wanted = {"ttl_s": ttl_s, "subscribe": subscribe, "publish": publish, "info": info}
        if self._secret is None:
            return self._do(calls.token(user, wanted))
        return sign_token(
            self._secret, user, ttl_s=ttl_s, subscribe=subscribe, publish=publish, info=info
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _do(self, call: Call[T]) -> T:
        deadline = time.monotonic() + self._timeout_s
        attempt = self._try(call, deadline)
        for number in count():
            wait_s = attempt.pause_s(call, number)
            if wait_s is None or time.monotonic() + wait_s >= deadline:
                break
            time.sleep(wait_s)
            attempt = self._try(call, deadline)
        return attempt.value(call)

    def _try(self, call: Call[T], deadline: float) -> Attempt:
        try:
            answer = self._connected().request(
                call.method,
                call.path,
                json=call.body,
                params=call.query,
                timeout=time_for_one_s(deadline),
            )
        except httpx.RequestError as error:
            return unanswered(error)
        return answered(answer)

    def _connected(self) -> httpx.Client:
        # The connections of a process that forked are the parent's: two would read one answer.
        if self._process != os.getpid():
            self._parents = self._client
            self._client, self._process = self._new_client(), os.getpid()
        return self._client

    def _new_client(self) -> httpx.Client:
        return httpx.Client(base_url=self._url, headers={"x-api-key": self._key})


class AsyncRiver:
    """River's publish API, for code that awaits: the methods of `River`, awaited.

    One object serves a whole event loop.
    """

    def __init__(
        self, url: str, key: str, *, secret: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._client = httpx.AsyncClient(base_url=api_url(url), headers={"x-api-key": key})
        self._secret = secret
        self._timeout_s = timeout_s

    @overload
    async def publish(
        self, channel: str, event: str, data: Json = None, *, key: str | None = None
    ) -> Position: ...

    @overload
    async def publish(
        self, channel: Several, event: str, data: Json = None, *, key: str | None = None
    ) -> list[Position]: ...

    async def publish(
        self, channel: str | Several, event: str, data: Json = None, *, key: str | None = None
    ) -> Published:
        """See `River.publish`."""
        return await self._do(calls.publish(channel, event, data, key))

    async def publish_batch(self, messages: Sequence[Message]) -> list[Position | RiverError]:
        """See `River.publish_batch`."""
        return await self._do(calls.publish_batch(messages))

    async def channels(self, prefix: str = "") -> dict[str, int]:
        """See `River.channels`."""
        return await self._do(calls.channels(prefix))

    async def history(
        self, channel: str, *, after: Position | None = None, limit: int = 100
    ) -> History:
        """See `River.history`."""
        return await self._do(calls.history(channel, after, limit))

    async def presence(self, channel: str) -> Presence:
        """See `River.presence`."""
        return await self._do(calls.presence(channel))

    async def disconnect(self, user: str) -> None:
        """See `River.disconnect`."""
        return await self._do(calls.disconnect(user))

    async def token(
        self,
        user: str,
        *,
        ttl_s: int = TTL_S,
        subscribe: Sequence[str] | None = None,
        publish: Sequence[str] = (),
        info: Mapping[str, Json] | None = None,
    ) -> str:
        """See `River.token`."""
        wanted = {"ttl_s": ttl_s, "subscribe": subscribe, "publish": publish, "info": info}
        if self._secret is None:
            return await self._do(calls.token(user, wanted))
        return sign_token(
            self._secret, user, ttl_s=ttl_s, subscribe=subscribe, publish=publish, info=info
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _do(self, call: Call[T]) -> T:
        deadline = time.monotonic() + self._timeout_s
        attempt = await self._try(call, deadline)
        for number in count():
            wait_s = attempt.pause_s(call, number)
            if wait_s is None or time.monotonic() + wait_s >= deadline:
                break
            await asyncio.sleep(wait_s)
            attempt = await self._try(call, deadline)
        return attempt.value(call)

    async def _try(self, call: Call[T], deadline: float) -> Attempt:
        try:
            answer = await self._client.request(
                call.method,
                call.path,
                json=call.body,
                params=call.query,
                timeout=time_for_one_s(deadline),
            )
        except httpx.RequestError as error:
            return unanswered(error)
        return answered(answer)
