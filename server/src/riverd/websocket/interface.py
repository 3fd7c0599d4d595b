"""What a WebSocket asks of its owner: limits, and what to do when something happens."""

import msgspec

from riverd.errors import Reason
from riverd.websocket.close_codes import code_for
from riverd.websocket.early_input import EarlyInputs


class SocketLimits(msgspec.Struct, frozen=True):
    """What one connection may cost; one value serves all of them."""

    message_bytes_max: int = 65_536
    fragments_max: int = 1_024
    control_frames_max: int = 1_000
    """Pings and pongs of the peer: not faster than so many in `control_frames_s`, after as many at
    once."""
    control_frames_s: float = 25.0
    write_buffer_bytes_max: int = 65_536
    close_timeout_s: float = 5.0
    early: EarlyInputs | None = None
    """What bounds clients until `trust` is called; None trusts them from the start."""


class Callbacks:
    """For subclasses of `WebSocket` to override."""

    __slots__ = ()

    def greeting(self) -> bytes:
        """Frames that go out with the 101. Nothing is to be written yet."""
        return b""

    def on_open(self) -> None:
        """The connection is up: write at will."""

    def on_text(self, payload: bytes) -> None:
        """A text message, valid UTF-8."""

    def on_binary(self, payload: bytes) -> None:
        """A binary message."""

    def on_pong(self) -> None:
        """A pong came: what was written before the ping has arrived, if it answers one."""

    def on_closing(self) -> None:
        """A close frame was sent, first or as the answer: `write` does nothing any more.

        Not called when the socket is lost before that.
        """

    def on_closed(self, code: int) -> None:
        """The socket is gone. Called once, after `on_open`.

        `code` is that of the first close frame, ours or the peer's: 1005 when it carried none, 1006
        when there was no close frame.
        """

    def on_blocked(self) -> None:
        """More than the limit waits to be sent. Called from within `write`.

        What is written nevertheless is kept: the caller must stop. Nothing is read meanwhile.
        """

    def on_drained(self) -> None:
        """What waited is sent, for the greater part."""

    def close_code(self, reason: Reason) -> int:
        """The close code that the client's protocol has for a reason."""
        return code_for(reason)
