"""One connection of the load: authenticates, subscribes, receives."""

import asyncio
from collections.abc import Callable

import msgspec
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

ABNORMAL = 1006
NO_STATUS = 1005

_TEXT = WSMsgType.TEXT
_CLOSE = WSMsgType.CLOSE
_encode = msgspec.json.Encoder().encode


class Received(msgspec.Struct, gc=False):
    """What is used of a server's message. `data` stays as it came."""

    type: str
    id: int | str | None = None
    channel: str = ""
    epoch: str = ""
    offset: int = 0
    recovered: bool = False
    reason: str = ""
    event: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    code: str = ""
    message: str = ""
    retry_after_ms: int = 0


_decode = msgspec.json.Decoder(Received).decode


class Wire(WSListener):
    """A connection from its handshake to its end.

    `received` is called with every message, None for what is no message. `over` is set to the close
    code when it has ended, `reason` says what the close frame said.
    """

    def __init__(self, received: Callable[[Received | None], None]) -> None:
        self._received = received
        self._transport: WSTransport | None = None
        self._code = ABNORMAL
        self.reason = ""
        self.over: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A message, or the last word."""
        kind = frame.msg_type
        if kind == _TEXT and frame.fin:
            try:
                received = _decode(frame.get_payload_as_memoryview())
            except (msgspec.DecodeError, RecursionError):
                received = None
            self._received(received)
        elif kind == _CLOSE:
            payload = frame.get_payload_as_bytes()
            self._code = int.from_bytes(payload[:2]) if payload else NO_STATUS
            self.reason = payload[2:].decode(errors="replace")
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif kind not in (WSMsgType.PING, WSMsgType.PONG):
            self._received(None)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """It is over."""
        del transport
        self._transport = None
        if not self.over.done():
            self.over.set_result(self._code)

    def say(self, message: dict[str, object]) -> None:
        """Send a message, if there is still somebody to hear it."""
        if self._transport is not None:
            self._transport.send(_TEXT, _encode(message))

    def end(self) -> None:
        """Close: the server answers, or is left."""
        if self._transport is not None:
            self._transport.send_close(WSCloseCode.OK)

    def drop(self) -> None:
        """Away with it, at once."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)
