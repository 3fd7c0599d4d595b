"""Publishing and looking, from a back end, for code that waits."""

import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self, TypeVar, Unpack, overload

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
from river_realtime.tokens import TTL_S, Grants, sign_token
from river_realtime.values import ChannelState, History, Json, Position, Presence

T = TypeVar("T")

Several = list[str] | tuple[str, ...]
Published = Position | list[Position]


class River:
    """River's publish API, for code that waits.

    One object serves a whole program, all its threads, and its children after a fork: connections
    are kept and shared. A request that fails because River is away for a moment is sent again,
    with the same id, until `timeout_s` is over.

        river = River("http://localhost:8001", "the API key")
        river.publish("dogs", "post", {"text": "Hello"})

    Every method raises RiverError, with the server's code or the library's, and UnreachableError,
    which is one, if River did not answer. A proxy of the environment (HTTPS_PROXY and its like) is
    used, but never for this machine itself.

    `secret`, the first of RIVER_SECRETS, lets `token` sign without a request. `default` is a
    function for data that JSON does not have: it returns a value that JSON has, or raises TypeError
    for what it does not know.
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
        self._client, self._process = self._new_client(), os.getpid()

    @overload
    def publish(
        self, channel: str, event: str, data: object = None, **options: Unpack[PublishOptions]
    ) -> Position: ...

    @overload
    def publish(
        self, channel: Several, event: str, data: object = None, **options: Unpack[PublishOptions]
    ) -> list[Position]: ...

    def publish(
        self,
        channel: str | Several,
        event: str,
        data: object = None,
        **options: Unpack[PublishOptions],
    ) -> Published:
        """Publish one event to a channel, or to several. Returns once River has it.

        `id` makes it idempotent beyond this call: a second one with the same id, for example after
        a crash, publishes nothing and returns the first one's position. `keep=False` publishes to
        those who are connected now, and to no history; the position that is returned
        is the one that it follows. `exclude` is the session (from `welcome`) that does not get it.
        """
        return self._send(endpoints.publish(channel, event, data=data, **options))

    def publish_batch(self, messages: Sequence[Message]) -> list[Position | RiverError]:
        """Publish up to 1,000 messages, each with its own result.

        A message is a mapping with `channel`, `event` and `data`, and what `publish` takes by name.
        """
        return self._send(endpoints.publish_batch(messages))

    def publish_to_user(
        self, user: str, event: str, data: object = None, **options: Unpack[PublishOptions]
    ) -> Position:
        """Publish one event to every connection of a user, whatever it subscribes to.

        It arrives in the channel `#user`. The options are those of `publish`.
        """
        return self._send(endpoints.publish_to_user(user, event, data=data, **options))

    def user(self, name: str) -> Mapping[str, Json]:
        """A user's connections on all nodes, as the publish API answers it."""
        return self._send(endpoints.user(name))

    def channels(self, prefix: str = "") -> dict[str, int]:
        """How many subscribers each channel has, of those that have any."""
        return self._send(endpoints.channels(prefix))

    def channel(self, name: str) -> ChannelState:
        """Where a channel's log stands, and how many connections subscribe to it.

        Ask before you read your own state: a page that gets both can begin at this position, and
        misses nothing that happens meanwhile.
        """
        return self._send(endpoints.channel(name))

    def history(self, channel: str, *, after: Position | None = None, limit: int = 100) -> History:
        """The publications after a position, or the last ones."""
        return self._send(endpoints.history(channel, after=after, limit=limit))

    def presence(self, channel: str) -> Presence:
        """All members of a presence channel."""
        return self._send(endpoints.presence(channel))

    def disconnect(self, user: str) -> None:
        """Close all connections of a user, everywhere."""
        return self._send(endpoints.disconnect(user))

    def revoke(self, user: str) -> None:
        """Log a user out everywhere: no token that was issued so far is accepted any more.

        A new token is.
        """
        return self._send(endpoints.revoke(user))

    def block(self, user: str, *, until: datetime | float | None = None) -> None:
        """Refuse a user, with whatever token, until a time (unix seconds count too) or for good."""
        return self._send(endpoints.block(user, until))

    def unblock(self, user: str) -> None:
        """Accept a user again that was blocked."""
        return self._send(endpoints.unblock(user))

    def remove(self, user: str, channel: str) -> None:
        """End a user's subscriptions to a channel, on all connections.

        A token that still grants the channel can subscribe again.
        """
        return self._send(endpoints.remove(user, channel))

    def token(self, user: str, *, ttl_s: int = TTL_S, **grants: Unpack[Grants]) -> str:
        """A token for a client: signed here if there is a secret, otherwise by River.

        The grants are those of `sign_token`.
        """
        if self._settings.secret is not None:
            return sign_token(self._settings.secret, user, ttl_s=ttl_s, **grants)
        return self._send(endpoints.token(user, ttl_s=ttl_s, grants=grants))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, request: Request[T]) -> T:
        arguments = self._settings.arguments(request)
        retries = Retries(request, timeout_s=self._settings.timeout_s)
        while True:
            attempt = self._try(request, arguments, timeout_s=retries.attempt_s)
            wait_s = retries.wait_after(attempt)
            if wait_s is None:
                break
            time.sleep(wait_s)
        if attempt.may_be_wrong_port and self._is_gateway():
            raise self._settings.wrong_port()
        try:
            return retries.value(attempt)
        except QueryNotReadError:
            if request.fallback is None:
                raise
            return self._send(request.fallback)

    def _try(self, request: Request[T], arguments: Arguments, *, timeout_s: float) -> Attempt:
        try:
            response = self._connected().request(**arguments, timeout=timeout_s)
        except httpx.RequestError as error:
            return unanswered(request, error, url=self._settings.url)
        return answered(response)

    def _is_gateway(self) -> bool:
        try:
            response = self._connected().head(GATEWAY_FILE, timeout=ATTEMPT_S_MAX)
        except httpx.RequestError:
            return False
        return is_gateways(response)

    def _connected(self) -> httpx.Client:
        # The connections of a process that forked are the parent's: two would read one answer.
        if self._process != os.getpid():
            self._parents = self._client
            self._client, self._process = self._new_client(), os.getpid()
        return self._client

    def _new_client(self) -> httpx.Client:
        proxy = self._settings.proxy
        if proxy is not None:
            return httpx.Client(base_url=self._settings.url, proxy=proxy)
        # With a transport of its own it does not look for proxies.
        return httpx.Client(base_url=self._settings.url, transport=httpx.HTTPTransport())
