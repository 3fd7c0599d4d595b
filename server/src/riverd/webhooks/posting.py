"""Sends requests to the addresses of webhooks, and to no others than these may be sent to.

A name is resolved once for each connection, and what was looked at is what is connected to: a name
that answers with another address a moment later changes nothing. Redirects are not followed.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit

import httpcore
import msgspec

from riverd.auth.webhooks import is_allowed
from riverd.http.proxies import Network
from riverd.webhooks.forms import WebhookRequest

CONNECT_S_MAX = 5.0
REQUEST_S_MAX = 10.0
REST_S_MAX = 1.0
"""What follows the status is waited for so long: then the connection serves again."""
ANSWER_BYTES_MAX = 65_536
ANSWER_PARTS_MAX = 100
"""Chunks of a byte each are read without a pause."""
CONNECTIONS_MAX = 100
IDLE_S_MAX = 30.0

# Reading and writing have the limit of the whole request, which is around them.
_TIMEOUTS = {"connect": CONNECT_S_MAX, "pool": 5.0}
# Exactly this type: Pusher's library for Node compares it as it stands.
_HEADERS = ((b"content-type", b"application/json"), (b"user-agent", b"River webhooks"))
_SOCKET_OPTIONS = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
_TROUBLES = (httpcore.NetworkError, httpcore.ProtocolError, OSError)


Stream = httpcore.AsyncNetworkStream


class PostOutcome(msgspec.Struct, frozen=True):
    """Whether the receiver took a request; else why not, in words without anything secret."""

    error: str | None = None


class BoundedStream(httpcore.AsyncNetworkStream):
    """A connection on which only so much is read for each request: heads and bodies together."""

    def __init__(self, inner: Stream) -> None:
        self._inner = inner
        self._read_bytes = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Read some bytes.

        Raises:
            httpcore.ReadError: these were too many.
        """
        data = await self._inner.read(max_bytes, timeout)
        self._read_bytes += len(data)
        if self._read_bytes > ANSWER_BYTES_MAX:
            raise httpcore.ReadError(f"more than {ANSWER_BYTES_MAX} bytes in one answer")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Write some bytes of a request."""
        self._read_bytes = 0
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close it."""
        await self._inner.aclose()

    async def start_tls(self, *arguments: Any, **options: Any) -> Stream:
        """The same, encrypted; closed if that does not come about."""
        try:
            return BoundedStream(await self._inner.start_tls(*arguments, **options))
        except BaseException:
            # The library does not close it when the time for the whole request is over.
            await self.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        """What the connection says of itself."""
        return self._inner.get_extra_info(info)


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses, and to those that are allowed although they are not.

    `in_clear`: to these only, because what is sent there could be read on its way.
    """

    def __init__(self, allowed: Sequence[Network], *, in_clear: bool) -> None:
        self._allowed = allowed
        self._in_clear = in_clear
        # A type checker takes it for what stands there where anyio is not installed.
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(self, host: str, port: int, *more: Any, **options: Any) -> Stream:
        """Resolve, look, connect to what was looked at.

        Raises:
            httpcore.ConnectError: there is no such name, or it may not be called.
        """
        options["socket_options"] = _SOCKET_OPTIONS
        address = await self._resolved(host, port)
        return BoundedStream(await self._inner.connect_tcp(address, port, *more, **options))

    async def _resolved(self, host: str, port: int) -> str:
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                found = await asyncio.get_running_loop().getaddrinfo(
                    host, port, type=socket.SOCK_STREAM
                )
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {error}") from None
        addresses = [str(one[4][0]).partition("%")[0] for one in found]
        for address in addresses:
            if self._may_call(address):
                return address
        kind = "allowed to be called in clear" if self._in_clear else "a public address"
        raise httpcore.ConnectError(
            f"{host} ({addresses[0]}) is not {kind}: see RIVER_WEBHOOK_NETWORKS"
        )

    def _may_call(self, text: str) -> bool:
        address = ip_address(text)
        if self._in_clear:
            return any(address in one for one in self._allowed if one.version == address.version)
        return is_allowed(address, self._allowed)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Poster:
    """Sends POST requests; certificates are verified.

    Args:
        allowed: networks that are not public, and may be called.
        answer_s: how long one request may take, to its answer's status.
        rest_s: how long the rest of the answer may take.
    """

    def __init__(
        self,
        allowed: Sequence[Network],
        *,
        answer_s: float = REQUEST_S_MAX,
        rest_s: float = REST_S_MAX,
    ) -> None:
        self._answer_s = answer_s
        self._rest_s = rest_s
        tls = ssl.create_default_context()
        self._pools = {
            scheme: httpcore.AsyncConnectionPool(
                ssl_context=tls,
                max_connections=CONNECTIONS_MAX,
                keepalive_expiry=IDLE_S_MAX,
                network_backend=CheckedNetwork(allowed, in_clear=scheme == "http"),
            )
            for scheme in ("http", "https")
        }

    async def post(self, url: str, request: WebhookRequest) -> PostOutcome:
        """Send one request, and wait for its status; the rest of the answer is not used."""
        try:
            async with asyncio.timeout(self._answer_s) as limit:
                return await self._post(url, request, limit=limit)
        except TimeoutError:
            return PostOutcome(f"no answer within {self._answer_s:g} s")
        except httpcore.TimeoutException:
            return PostOutcome("no answer in time")
        except _TROUBLES as error:
            return PostOutcome(" ".join(str(error).split())[:200] or type(error).__name__)

    async def _post(
        self, url: str, request: WebhookRequest, *, limit: asyncio.Timeout
    ) -> PostOutcome:
        pool = self._pools[urlsplit(url).scheme]
        async with pool.stream(
            "POST",
            url,
            headers=[
                *_HEADERS,
                *((name.encode(), value.encode()) for name, value in request.headers.items()),
            ],
            content=request.body,
            extensions={"timeout": _TIMEOUTS},
        ) as response:
            # With the status it is decided: what the rest takes is no reason to send it again.
            limit.reschedule(None)
            # Read to its end the connection serves again; another one is cut off.
            with suppress(TimeoutError, httpcore.TimeoutException, *_TROUBLES):
                async with asyncio.timeout(self._rest_s):
                    parts = 0
                    async for _ in response.aiter_stream():
                        parts += 1
                        if parts > ANSWER_PARTS_MAX:
                            break
        status = response.status
        if 200 <= status < 300:  # noqa: PLR2004  taken
            return PostOutcome()
        moved = ": redirects are not followed" if 300 <= status < 400 else ""  # noqa: PLR2004
        return PostOutcome(f"status {status}{moved}")

    async def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()
