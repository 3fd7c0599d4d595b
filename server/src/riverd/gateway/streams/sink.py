"""The client's side of a session whose messages go out over HTTP."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

from riverd.channels.names import USER
from riverd.gateway.streams.stream_request import EventShape
from riverd.model.commands import Subscribe
from riverd.model.log import Position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from riverd.core.session import Session
    from riverd.gateway.streams.stream_request import StreamRequest
    from riverd.node.node import Node
    from riverd.protocols.sse.protocol import Sse


class StreamOwner(Protocol):
    """What streams and polls report to, and ask: all streams of the gateway."""

    @property
    def node(self) -> Node:
        """Carries out what clients ask."""
        ...

    def opened(self, stream: StreamSink, token: str) -> None:
        """Begin its session, and subscribe to what it named."""
        ...

    def take_guest(self, stream: StreamSink) -> bool:
        """It listens without a token. False if it is closed: there is no room for one more."""
        ...

    def closed(self, stream: StreamSink, code: int | None) -> None:
        """A stream is sent nothing any more. `code` is why River has ended it."""
        ...

    def polled(self, poll: StreamSink) -> None:
        """A poll was answered: its client stays present for a while."""
        ...


class StreamSink:
    """A `Sink` with a cursor.

    Attributes:
        cursor_suffix: What names the session in an `id`, behind the positions.
        address: Whom the client is counted for, if for anybody.
        client: What the client calls itself.
    """

    __slots__ = (
        "_streams",
        "address",
        "auth_by",
        "client",
        "cursor_suffix",
        "protocol",
        "session",
        "wanted",
    )

    session: Session

    def __init__(self, streams: StreamOwner, wanted: StreamRequest, *, protocol: Sse) -> None:
        self._streams = streams
        self.wanted = wanted
        self.protocol = protocol
        self.cursor_suffix = b""
        self.auth_by = math.inf
        self.address: str | None = None
        self.client = ""

    @abstractmethod
    def write(self, records: bytes) -> None:
        """See `Sink`."""

    @abstractmethod
    def close(self, code: int, reason: str) -> None:
        """See `Sink`."""

    @abstractmethod
    def ask_to_move(self, retry_after_ms: int) -> None:
        """Have the client come again elsewhere, after this time."""

    def drop(self) -> None:
        """Let it end, at once."""
        self.ask_to_move(0)

    def write_parts(self, parts: Iterator[bytes]) -> None:
        """See `Sink`. Nobody can ask for a history here."""
        for part in parts:
            self.write(part)

    def on_authenticated(self, *, renewed: bool) -> None:
        """Subscribe."""
        if not renewed:
            self.subscribe()

    def subscribe(self) -> None:
        """Subscribe to what the request named.

        Answers in the native shape carry the number of the channel in the request.
        """
        wanted, node = self.wanted, self._streams.node
        for number, (name, start) in enumerate(zip(wanted.names, wanted.starts, strict=True)):
            is_numbered = wanted.shape is EventShape.NATIVE and number < wanted.asked
            position, history = (start, 0) if isinstance(start, Position) else (None, start)
            request = Subscribe(number if is_numbered else None, name, position, history)
            if name.startswith(USER):
                node.authentication.subscribe_own(self.session, at=position)
            else:
                node.carry_out(self.session, request)

    def greet(self) -> None:
        """Send the welcome, where the shape has one; from now on the cursors name the session."""
        if self.wanted.shape is EventShape.NATIVE:
            secret = self.wanted.resume_session
            if secret is None or self.protocol.session_of(secret) is None:
                secret = self.protocol.session_secret(self.session.id)
            self.cursor_suffix = b".%b" % secret.encode()
            self.write(self.session.welcome())

    def take_guest(self) -> bool:
        """See `Sink`."""
        return self._streams.take_guest(self)
