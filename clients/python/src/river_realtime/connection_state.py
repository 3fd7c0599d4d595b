"""What a server has said of one connection, over whatever transport."""

import asyncio
import time
from abc import abstractmethod
from collections.abc import Awaitable
from typing import cast

from river_realtime.errors import ConnectionLostError
from river_realtime.parsing import Object

RETRY_AFTER_S_MAX = 60.0


class ConnectionState:
    """What both kinds of connection know.

    Attributes:
        user: the user of the token.
        expires_at: when the token ends (unix time), or None.
        accepted: set at each token that the server accepts.
        leaving: set when the server has asked to leave; `leave_after_s` says after which time.
        opened_at: by the monotonic clock.
        session: what the server calls this connection; `session_secret` proves it to others.
        continued: the session that the server takes it for, if it was asked to continue one.
        greeting: the answer to the first token.
        last_error: why it has ended, if it ends now.
    """

    def __init__(self) -> None:
        self.last_error = ConnectionLostError("the connection was lost")
        self.user = ""
        self.expires_at: float | None = None
        self.accepted = asyncio.Event()
        self.leaving = asyncio.Event()
        self.leave_after_s = 0.0
        self.opened_at = time.monotonic()
        self.session = ""
        self.session_secret: str | None = None
        self.continued: str | None = None
        self.greeting: Object = {}

    @abstractmethod
    async def receive(self) -> Object:
        """The next message."""

    @abstractmethod
    async def close(self) -> None:
        """End it."""

    async def until_accepted(
        self, timeout_s: float, *, silent: str, sending: Awaitable[None] | None = None
    ) -> None:
        """Wait until the server has accepted the first token; close the connection if it does not.

        Args:
            timeout_s: how long that may take, with what is `sending` the token.
            silent: the reason if nothing came in time.
            sending: awaited first.

        Raises:
            ConnectionLostError: another attempt may succeed.
        """
        try:
            async with asyncio.timeout(timeout_s):
                if sending is not None:
                    await sending
                while not self.user:
                    await self.receive()
        except TimeoutError:
            await self.close()
            raise ConnectionLostError(silent) from None
        except BaseException:
            await self.close()
            raise

    def note(self, message: Object) -> None:
        """Keep what a message says of the connection itself."""
        match message["type"]:
            case "welcome":
                self.session = str(message["session"])
                secret = message.get("resume_session")
                self.session_secret = secret if isinstance(secret, str) else None
            case "authenticated":
                self.greeting = self.greeting or message
                if "session" in message:
                    self.continued = str(message["session"])
                self.user = str(message["user"])
                expires_at = message["expires_at"]
                self.expires_at = None if expires_at is None else float(cast("float", expires_at))
                self.accepted.set()
            case "bye":
                self.leave_after_s = retry_after_s(message)
                self.last_error.retry_after_s = self.leave_after_s
                self.last_error.reason = f"the server is {message['reason']}"
                self.leaving.set()
            case "error" if "id" not in message or message["id"] == 0:
                self.last_error.error_code = str(message["code"])
                self.last_error.reason = str(message["message"])
                if "retry_after_ms" in message:
                    self.last_error.retry_after_s = retry_after_s(message)
            case _:
                return


def retry_after_s(message: Object) -> float:
    """How long the server asks to wait."""
    asked_s = float(cast("float", message["retry_after_ms"])) / 1000
    return min(max(asked_s, 0.0), RETRY_AFTER_S_MAX)
