"""Publishing and looking, from a back end: one shape, with and without await."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar, cast, overload

import httpx

from river_realtime import calls
from river_realtime.calls import Call
from river_realtime.errors import RiverError, UnreachableError
from river_realtime.tokens import TTL_S, sign_token
from river_realtime.values import History, Json, Position, Presence

T = TypeVar("T")

TIMEOUT_S = 10.0
ATTEMPT_S_MAX = 3.0

Message = Mapping[str, Json]
Several = list[str] | tuple[str, ...]
Published = Position | list[Position]


class River:
    """River's publish API, for code that waits.

    One object serves a whole program and all its threads: connections are kept and shared. What
    fails because River is away for a moment is repeated, under one key, until `timeout_s` is over.

        river = River("http://localhost:8001", "the API key")
        river.publish("dogs", "post", {"text": "Hello"})

    Every method raises RiverError (with the server's code) and UnreachableError.
    """

    def __init__(
        self, url: str, key: str, *, secret: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._client = httpx.Client(base_url=url.rstrip("/"), headers={"x-api-key": key})
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
        attempt = 0
        while True:
            answer, reason = self._try(call, deadline)
            wait_s = _pause_after(answer, attempt)
            if wait_s is None or time.monotonic() + wait_s >= deadline:
                return _value(call, answer, reason)
            time.sleep(wait_s)
            attempt += 1

    def _try(self, call: Call[T], deadline: float) -> tuple[httpx.Response | None, str]:
        try:
            return self._client.request(
                call.method,
                call.path,
                json=call.body,
                params=call.query,
                timeout=_attempt_s(deadline),
            ), ""
        except httpx.TransportError as error:
            return None, str(error) or type(error).__name__


class AsyncRiver:
    """River's publish API, for code that awaits: the methods of `River`, awaited.

    One object serves a whole event loop.
    """

    def __init__(
        self, url: str, key: str, *, secret: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._client = httpx.AsyncClient(base_url=url.rstrip("/"), headers={"x-api-key": key})
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
        attempt = 0
        while True:
            answer, reason = await self._try(call, deadline)
            wait_s = _pause_after(answer, attempt)
            if wait_s is None or time.monotonic() + wait_s >= deadline:
                return _value(call, answer, reason)
            await asyncio.sleep(wait_s)
            attempt += 1

    async def _try(self, call: Call[T], deadline: float) -> tuple[httpx.Response | None, str]:
        try:
            return await self._client.request(
                call.method,
                call.path,
                json=call.body,
                params=call.query,
                timeout=_attempt_s(deadline),
            ), ""
        except httpx.TransportError as error:
            return None, str(error) or type(error).__name__


def _attempt_s(deadline: float) -> float:
    """One attempt does not take the time of all: an answer may be lost that would never come."""
    return max(0.05, min(ATTEMPT_S_MAX, deadline - time.monotonic()))


def _pause_after(answer: httpx.Response | None, attempt: int) -> float | None:
    if answer is None:
        return calls.pause_s(attempt, None, None)
    return calls.pause_s(attempt, answer.status_code, answer.headers.get("retry-after"))


def _value(call: Call[T], answer: httpx.Response | None, reason: str) -> T:
    if answer is None:
        raise UnreachableError(f"{call.method} {call.path}: {reason}")
    try:
        content = cast("Json", answer.json())
    except ValueError:
        # Something else than River answered, a proxy perhaps.
        content = None
    return call.answer(answer.status_code, content)
