"""One client's WebSocket, bound to its session."""

import math
from collections.abc import Callable
from typing import Protocol

from riverd.core.session import Session
from riverd.errors import CloseCode, ErrorCode, RiverError
from riverd.model import Bye
from riverd.websocket.connection import Limits, WebSocket


class Door(Protocol):
    """What a connection needs of the gateway that it came through."""

    def session_for(self, connection: "Connection") -> Session:
        """A session for a connection that is open now."""
        ...

    def arrived(self, connection: "Connection", token: str | None) -> None:
        """It is open and was welcomed: take the token that it brought."""
        ...

    def received(self, connection: "Connection", payload: bytes) -> None:
        """A text message came."""
        ...

    def blocked(self, connection: "Connection") -> None:
        """Its socket takes no more."""
        ...

    def drained(self, connection: "Connection") -> None:
        """Its socket takes more again."""
        ...

    def left(self, connection: "Connection") -> None:
        """It hears nothing any more. May be told twice."""
        ...

    def gone(self, connection: "Connection", code: int) -> None:
        """Its socket is gone."""
        ...


class Connection(WebSocket):
    """A WebSocket with a session.

    `auth_by` and `ping_at` are the gateway's deadlines for it, `wake_at` the next one it looks at.
    """

    __slots__ = ("_door", "_token", "auth_by", "ping_at", "session", "wake_at")

    session: Session

    def __init__(self, door: Door, limits: Limits, token: str | None) -> None:
        super().__init__(limits)
        self._door = door
        self._token = token
        self.auth_by = 0.0
        self.ping_at = 0.0
        self.wake_at = math.inf

    def greeting(self) -> bytes:
        """Begin the session: its welcome."""
        self.session = self._door.session_for(self)
        return self.session.welcome()

    def on_open(self) -> None:
        """Take the token that the upgrade brought."""
        token, self._token = self._token, None
        self._door.arrived(self, token)

    def on_text(self, payload: bytes) -> None:
        """Hand a message to the session."""
        self._door.received(self, payload)

    def on_binary(self, payload: bytes) -> None:
        """Native dialect: text only."""
        del payload
        error = RiverError(ErrorCode.BINARY_UNSUPPORTED, "messages are text frames")
        self.session.fail(None, error)
        self.session.close(CloseCode.NOT_THE_PROTOCOL, error.message)

    def on_blocked(self) -> None:
        """The cursors stand still."""
        self._door.blocked(self)

    def on_drained(self) -> None:
        """The cursors go on."""
        self._door.drained(self)

    def ask_to_move(self, retry_after_ms: int) -> None:
        """Say that this connection will be closed, and when to open another."""
        self.session.reply(Bye("draining", retry_after_ms))

    def on_closing(self) -> None:
        """Nothing more is sent: the session hears nothing from now on."""
        self.session.closed = True
        self._door.left(self)

    def on_closed(self, code: int) -> None:
        """The socket is gone, with or without a closing handshake."""
        self.on_closing()
        self._door.gone(self, code)


class Refusal(WebSocket):
    """A WebSocket that is told at once to come again: cheaper than serving it badly."""

    __slots__ = ("_bye", "_opened")

    def __init__(self, limits: Limits, bye: bytes, opened: Callable[[], None]) -> None:
        super().__init__(limits)
        self._bye = bye
        self._opened = opened

    def on_open(self) -> None:
        """Say when to come again, and end."""
        self._opened()
        self.write(self._bye)
        self.close(CloseCode.UNAVAILABLE, "come again later")
