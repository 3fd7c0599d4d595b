"""One connection to a gateway: opened, introduced by a token, heard until its end."""

import asyncio
import json
import ssl
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Self, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from river_realtime.calls import Object
from river_realtime.conversation import NotRiverError, read
from river_realtime.errors import LostError

CLOSE_S_MAX = 2.0
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
RETRY_AFTER_S_MAX = 60.0


class Line:
    """A connection on which the server has accepted the token.

    `expires_at` is when it ends (unix time) or None; `move_at` is when the server wants us to have
    another connection, by the event loop's clock, or None; `accepted` is set at each token that is.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._told = LostError("the connection was lost")
        self.user = ""
        self.expires_at: float | None = None
        self.move_at: float | None = None
        self.accepted = asyncio.Event()
        self.opened_at = time.monotonic()

    @classmethod
    async def open(cls, url: str, token: str, *, timeout_s: float) -> Self:
        """Connect, and wait until the token is accepted. Raises LostError.

        `timeout_s` is how long either may take, and how often the server is asked whether it is
        there, and how long it may take to say so.
        """
        line = cls(await _connected(url, timeout_s))
        try:
            async with asyncio.timeout(timeout_s):
                await line.renew(token)
                while not line.user:
                    await line.hear()
        except TimeoutError:
            await line.close()
            raise LostError(f"{url} accepts connections but says nothing") from None
        except BaseException:
            await line.close()
            raise
        return line

    async def renew(self, token: str) -> None:
        """Show a token; `expires_at` changes when the server has accepted it."""
        await self.say(json.dumps({"type": "auth", "id": 0, "token": token}))

    async def say(self, text: str) -> None:
        """Send one message. If there is nobody to hear it any more, `hear` tells why."""
        with suppress(ConnectionClosed):
            await self._connection.send(text)

    async def hear(self) -> Object:
        """The next message. Raises LostError at the end, or if it is none of River's."""
        try:
            told = read(await self._connection.recv())
            self._note(told)
        except ConnectionClosed as closed:
            raise self._lost(closed) from None
        except (NotRiverError, KeyError, TypeError, ValueError) as error:
            raise LostError(
                f"what answers does not speak River: {error}", wrong_place=True
            ) from None
        return told

    async def close(self) -> None:
        """Disconnect."""
        await self._connection.close()

    def _note(self, told: Object) -> None:
        match told["type"]:
            case "authenticated":
                self.user = str(told["user"])
                expires_at = told["expires_at"]
                self.expires_at = None if expires_at is None else float(cast("float", expires_at))
                self.accepted.set()
            case "bye":
                asked_s = float(cast("float", told["retry_after_ms"])) / 1000
                self._told.retry_after_s = min(max(asked_s, 0.0), RETRY_AFTER_S_MAX)
                self._told.reason = f"the server is {told['reason']}"
                self.move_at = asyncio.get_running_loop().time() + self._told.retry_after_s
            case "error" if "id" not in told or told["id"] == 0:
                self._told.told, self._told.reason = str(told["code"]), str(told["message"])
            case _:
                return

    def _lost(self, closed: ConnectionClosed) -> LostError:
        told, close = self._told, closed.rcvd
        if close is None:
            return told
        return LostError(
            close.reason or told.reason,
            code=close.code,
            told=told.told,
            retry_after_s=told.retry_after_s,
        )


async def _connected(url: str, timeout_s: float) -> ClientConnection:
    try:
        return await connect(
            url,
            compression=None,
            open_timeout=timeout_s,
            close_timeout=CLOSE_S_MAX,
            ping_interval=timeout_s,
            ping_timeout=timeout_s,
            max_size=MESSAGE_BYTES_MAX,
        )
    except (OSError, WebSocketException) as error:
        reason = str(error) or type(error).__name__
        raise LostError(
            f"cannot connect to {url}: {reason}", wrong_place=_is_wrong(error)
        ) from None


def _is_wrong(error: OSError | WebSocketException) -> bool:
    """Whether it is the address that is wrong, rather than a server that is away for a moment."""
    if not isinstance(error, InvalidStatus):
        return isinstance(error, ssl.SSLCertVerificationError)
    status = error.response.status_code
    passing = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in passing
