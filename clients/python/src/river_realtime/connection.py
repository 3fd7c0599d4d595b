"""One connection to a gateway: opened, authenticated, read until its end."""

import json
import ssl
from contextlib import suppress
from http import HTTPStatus
from importlib.metadata import version
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from river_realtime.connection_state import ConnectionState
from river_realtime.errors import ConnectionLostError
from river_realtime.parsing import Object
from river_realtime.protocol import NotRiverError, read
from river_realtime.proxies import through
from river_realtime.values import Position

CLOSE_S_MAX = 2.0
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
_NAME = f"river-realtime-python/{version('river-realtime')}"
API_ANSWERS = (
    "River's publish API answers there; give the address of a gateway, which has a port of"
    " its own (RIVER_PORT, 8000 by default)"
)
PASSING_STATUSES = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class Connection(ConnectionState):
    """A connection on which the server has accepted the token."""

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__()
        self._connection = connection

    @classmethod
    async def open(
        cls,
        url: str,
        token: str,
        *,
        proxy: str | None,
        timeout_s: float,
        session_secret: str | None = None,
        user_position: Position | None = None,
    ) -> Self:
        """Connect, and wait until the token is accepted.

        Args:
            url: the WebSocket's address.
            token: the first one.
            proxy: what to connect through.
            timeout_s: how long either may take, how often the server is pinged, and how long its
                pong may take.
            session_secret: of the session that it continues.
            user_position: where the program stands in the channel of its user.

        Raises:
            ConnectionLostError: another attempt may succeed.
        """
        connection = cls(await _connected(url, proxy=proxy, timeout_s=timeout_s))
        await connection.until_accepted(
            timeout_s,
            silent=f"{url} accepts connections but sends nothing",
            sending=connection.authenticate(
                token, session_secret=session_secret, user_position=user_position
            ),
        )
        return connection

    async def authenticate(
        self,
        token: str,
        *,
        session_secret: str | None = None,
        user_position: Position | None = None,
    ) -> None:
        """Send a token; `expires_at` changes when the server has accepted it."""
        message: dict[str, object] = {"type": "auth", "id": 0, "token": token}
        if user_position is not None:
            epoch, offset = user_position.epoch, user_position.offset
            message["user_position"] = {"epoch": epoch, "offset": offset}
        if session_secret is not None:
            message["resume_session"] = session_secret
        await self.send(json.dumps(message))

    async def send(self, text: str) -> None:
        """Send one message. If the connection is closed, `receive` says why."""
        with suppress(ConnectionClosed):
            await self._connection.send(text)

    async def receive(self) -> Object:
        """The next message.

        Raises:
            ConnectionLostError: it is closed, or the message is not one of River's.
        """
        try:
            message = read(await self._connection.recv())
            self.note(message)
        except ConnectionClosed as closed:
            raise self._lost(closed) from None
        except (NotRiverError, KeyError, TypeError, ValueError) as error:
            raise ConnectionLostError(
                f"what answers does not speak River: {error}", is_wrong_address=True
            ) from None
        return message

    async def close(self) -> None:
        """Disconnect."""
        await self._connection.close()

    def _lost(self, closed: ConnectionClosed) -> ConnectionLostError:
        last, close = self.last_error, closed.rcvd
        if close is None:
            return last
        return ConnectionLostError(
            close.reason or last.reason,
            code=close.code,
            error_code=last.error_code,
            retry_after_s=last.retry_after_s,
        )


async def _connected(url: str, *, proxy: str | None, timeout_s: float) -> ClientConnection:
    try:
        return await connect(
            url,
            compression=None,
            open_timeout=timeout_s,
            close_timeout=CLOSE_S_MAX,
            ping_interval=timeout_s,
            ping_timeout=timeout_s,
            max_size=MESSAGE_BYTES_MAX,
            proxy=proxy,
            user_agent_header=_NAME,
        )
    except (OSError, WebSocketException) as error:
        reason = f"cannot connect to {url}{through(url)}: {_reason(error)}"
        raise ConnectionLostError(reason, is_wrong_address=_is_address_wrong(error)) from None


def _reason(error: OSError | WebSocketException) -> str:
    if isinstance(error, InvalidStatus) and b'"not_found"' in (error.response.body or b""):
        return API_ANSWERS
    return str(error) or type(error).__name__


def _is_address_wrong(error: OSError | WebSocketException) -> bool:
    """Whether it is the address that is wrong, rather than a server that is away for a moment."""
    if not isinstance(error, InvalidStatus):
        return isinstance(error, ssl.SSLCertVerificationError)
    status = error.response.status_code
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in PASSING_STATUSES
