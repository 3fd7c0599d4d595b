"""What one WebSocket sends: frames as they come, and long messages as the socket takes them.

    state of the output   `write`             left by
    -------------------   -----------------   ---------------------------------------------------
    free                  the transport's     `write_parts`: sending parts
    sending parts         keeps for later     the last part was taken: what was kept, then free
    ended                 does nothing        (a close frame was sent, or the socket is gone)

A socket that takes no more pauses every state. Nothing is read meanwhile: what a client is answered
that reads nothing would wait here.
"""

import asyncio
from collections.abc import Callable, Iterator
from enum import Enum

from picows import WSListener

from riverd.websocket.interface import Callbacks, SocketLimits


class SocketState(Enum):
    """How far a connection has come; see the table of `connection.py`."""

    OPEN = 0
    CLOSING = 1
    IGNORING = 2


# An enumeration's members are slow to look up.
_OPEN = SocketState.OPEN


class SocketOutput(Callbacks, WSListener, asyncio.BufferedProtocol):
    """The writing half of a WebSocket.

    `write` takes ready frames. It is the transport's own method while the output is free, so a
    shared bytes object is sent without a copy.
    """

    __slots__ = ("_blocked", "_full", "_kept", "_limits", "_parts", "_state", "_transport", "write")

    _transport: asyncio.Transport

    def __init__(self, limits: SocketLimits) -> None:
        self._limits = limits
        self._state = _OPEN
        self._full = False
        self._blocked = False
        self._parts: Iterator[bytes] | None = None
        self._kept: list[bytes] | None = None
        self.write: Callable[[bytes], None] = _discard

    def write_parts(self, parts: Iterator[bytes]) -> None:
        """Send the frames of one message, each made when the socket can take it.

        What is written meanwhile follows the message. The caller makes sure that the output is not
        blocked: so there is one such message at a time.
        """
        if self._state is _OPEN:
            self._parts, self._kept = parts, []
            self.write = self._kept.append
            self._send_parts()

    def pause_writing(self) -> None:
        """The socket takes no more."""
        self._full = True
        if self._state is _OPEN and not self._blocked:
            self._blocked = True
            self._transport.pause_reading()
            self.on_blocked()

    def resume_writing(self) -> None:
        """The socket takes more again."""
        self._full = False
        if self._state is _OPEN:
            self._send_parts()
            if not self._full:
                self._blocked = False
                self._transport.resume_reading()
                self.on_drained()

    def _send_parts(self) -> None:
        for part in self._parts or ():
            self._transport.write(part)
            if self._full:
                return
        kept, self._parts, self._kept = self._kept, None, None
        self.write = self._transport.write
        if kept:
            self.write(b"".join(kept))

    def _end_writing(self) -> None:
        """From now on `write` does nothing."""
        self.write = _discard
        self._parts = self._kept = None


def _discard(frames: bytes) -> None:
    """What is written after a close frame goes nowhere."""
