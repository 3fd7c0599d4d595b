"""One WebSocket over picows: whole messages in, ready frames out (RFC 6455).

picows takes the bytes apart into frames and unmasks them, unless they are a whole small message or
a pong, as nearly always: a client that sends nothing else never has a parser. What the RFC asks
beyond that is here: joined fragments, UTF-8, reserved bits, close codes, the closing handshake; and
a bound for everything that a client can make the server hold.
"""

import asyncio
import logging
import math
from collections.abc import Callable

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from riverd.errors import Reason
from riverd.http.half_close import end_output
from riverd.websocket import frames
from riverd.websocket.close_codes import RECEIVABLE, CloseCode, code_for
from riverd.websocket.picows_parser import Parser, new_parser
from riverd.websocket.small_frames import PONG_WHOLE, TEXT_WHOLE, whole_frame

# An enumeration's members are slow to look up, and every frame needs several.
_BINARY = WSMsgType.BINARY
_CONTINUATION = WSMsgType.CONTINUATION
_CLOSE = WSMsgType.CLOSE
_PING = WSMsgType.PING
_PONG = WSMsgType.PONG
_TEXT = WSMsgType.TEXT

# How far a connection has come.
_OPEN = 0
_CLOSING = 1  # A close frame was sent: frames are read only for the sake of the peer's.
_DEAF = 2  # Nothing more is read.

# What may stand in picows' buffer on top of a message: its header and an interleaved control frame.
_OVERHEAD_BYTES = 14 + 131
# A parser whose buffer has grown larger is replaced once it is empty: connections are many, large
# messages are rare.
_PARSER_BYTES_KEPT = 16_384
# How much is looked at for the sake of the peer's close frame, once ours is sent.
_LATE_BYTES_MAX = 65_536
_INBOX = memoryview(bytearray(16_384))

_log = logging.getLogger(__name__)


class Limits(msgspec.Struct, frozen=True):
    """What one connection may cost; one value serves all of them."""

    message_bytes_max: int = 65_536
    fragments_max: int = 1_024
    signs_max: int = 1_000
    """Pings and pongs of the peer: not faster than so many in `signs_s`, after as many at once."""
    signs_s: float = 25.0
    write_buffer_bytes_max: int = 65_536
    close_timeout_s: float = 5.0


class WebSocket(WSListener, asyncio.BufferedProtocol):
    """A server's end of one WebSocket, made for its transport by `attach`.

    It measures what it hands to the parser: a frame's header does not show outside picows, but a
    frame that grows too large does.

    `write` takes ready frames. It is the transport's own method while the connection is open, so
    a shared bytes object is sent without a copy, and does nothing once a close frame was sent.
    `heard` is set whenever bytes arrive; whoever watches for silence clears it.
    """

    __slots__ = (
        "_allowed",
        "_code",
        "_deadline",
        "_joined",
        "_late_bytes",
        "_limits",
        "_parser",
        "_pending",
        "_signs",
        "_signs_since",
        "_state",
        "_transport",
        "heard",
        "write",
    )

    heard: bool
    _transport: asyncio.Transport

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._state = _OPEN
        self._code: int = CloseCode.ABNORMAL
        self._deadline: asyncio.TimerHandle | None = None
        self._joined: _Joined | None = None
        self._late_bytes = 0
        self._parser: Parser | None = None
        self._allowed = limits.message_bytes_max + _OVERHEAD_BYTES
        self._pending = 0
        self._signs = 0
        self._signs_since = -math.inf
        self.heard = True
        self.write: Callable[[bytes], None] = _discard

    # For subclasses to override.

    def greeting(self) -> bytes:
        """Frames that go out with the 101. Nothing is to be written yet."""
        return b""

    def on_open(self) -> None:
        """The connection is up: write at will."""

    def on_text(self, payload: bytes) -> None:
        """A whole text message, valid UTF-8."""

    def on_binary(self, payload: bytes) -> None:
        """A whole binary message."""

    def on_closing(self) -> None:
        """A close frame was sent, as a first word or as an answer: `write` does nothing any more.

        Not called when the socket is lost before that.
        """

    def on_closed(self, code: int) -> None:
        """The socket is gone. Called once, after `on_open`.

        `code` is that of the first close frame, whoever sent it: 1005 when it carried none, 1006
        when there was no close frame.
        """

    def on_blocked(self) -> None:
        """More than the limit waits to be sent. Called from within `write`.

        What is written nevertheless is kept: the caller is to stop. Nothing is read meanwhile.
        """

    def on_drained(self) -> None:
        """What waited is sent, for the greater part."""

    def close_code(self, reason: Reason) -> int:
        """The close code that the client's protocol has for a reason."""
        return code_for(reason)

    # For subclasses and their owners to call.

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame, wait for the peer's, then drop the socket, at a deadline at last.

        Messages that still arrive are not delivered. Does nothing when called again.
        """
        if self._state == _OPEN:
            self.write(frames.close(code, reason))
            self._state = _CLOSING
            self._code = code
            self.write = _discard
            self._joined = None
            self._set_deadline()
            # It was paused if the close frame cannot be sent yet.
            self._transport.resume_reading()
            self.on_closing()

    def ping(self) -> None:
        """Ask whether the peer is there: any answer sets `heard`."""
        self.write(frames.ping())

    # For the listener.

    def attach(self, transport: asyncio.Transport, *, head: bytes) -> None:
        """Take a transport over, and write the 101 (`head`) to it together with the greeting."""
        self._transport = transport
        self.write = transport.write
        transport.set_protocol(self)
        transport.set_write_buffer_limits(high=self._limits.write_buffer_bytes_max)
        transport.write(head + self.greeting())
        self.on_open()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the transport is to read to: one place for all, emptied before the next read.

        It is small: what a client makes the server answer before it is found to be blocked.
        """
        del sizehint
        return _INBOX

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes were read."""
        self.receive(_INBOX[:nbytes])

    def receive(self, data: memoryview) -> None:
        """Take messages that are whole out of what came, and hand the rest to the parser."""
        self.heard = True
        at = 0
        if self._state != _OPEN:
            self._late_bytes += len(data)
            if self._late_bytes > _LATE_BYTES_MAX:
                self._go_deaf()
        elif data and data[0] in (TEXT_WHOLE, PONG_WHOLE) and not self._pending:
            at = self._take_whole(data)
        if at < len(data) and self._state != _DEAF:
            self._parse(data, at)

    def _take_whole(self, data: memoryview) -> int:
        """Take the small whole text messages and pongs in front; where what is left begins."""
        at = 0
        longest = self._allowed - _OVERHEAD_BYTES
        while at < len(data) and self._state == _OPEN and self._joined is None:
            found = whole_frame(data, at)
            if found is None or len(found[0] or b"") > longest:
                break
            payload, at = found
            try:
                if payload is None:
                    self._on_sign()
                else:
                    self._deliver(_TEXT, payload)
            except Exception:  # noqa: BLE001  one client's trouble must not become all others'
                _log.exception("a message was not handled")
                self.close(self.close_code(Reason.INTERNAL), "our fault")
        return at

    def _parse(self, data: memoryview, at: int) -> None:
        """Hand bytes to the parser in portions, as long as there is a use for them."""
        parser = self._parser or self._renewed_parser()
        while at < len(data) and self._state != _DEAF:
            room = parser.get_buffer(-1)
            capacity = self._pending + len(room)
            # picows doubles its buffer whenever it is almost full: half of the room makes it grow
            # with the frames that a client sends, not with its haste.
            portion = data[at : at + (len(room) >> 1)]
            size = len(portion)
            at += size
            room[:size] = portion
            self._pending += size
            parser.buffer_updated(size)
            if self._pending > self._allowed or parser.transport.is_close_frame_sent:
                self._give_up(parser.transport)
            elif capacity > _PARSER_BYTES_KEPT and not self._pending:
                parser = self._renewed_parser()

    def eof_received(self) -> bool:
        """The peer sends no more: what waits is sent still, if that does not take too long."""
        self._set_deadline()
        return False

    def pause_writing(self) -> None:
        """Read nothing from a client that reads nothing: every answer would wait here."""
        if self._state == _OPEN:
            self._transport.pause_reading()
            self.on_blocked()

    def resume_writing(self) -> None:
        """The client reads again."""
        if self._state == _OPEN:
            self._transport.resume_reading()
            self.on_drained()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport's last word."""
        del exc
        if self._deadline is not None:
            self._deadline.cancel()
        self._state = _DEAF
        self.write = _discard
        self._joined = None
        # It holds this object: without it there is no cycle left.
        self._parser = None
        self.on_closed(self._code)

    # For the parser.

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame of the peer. picows checked opcode, mask, length and control frames' size."""
        del transport
        self._pending = frame.tail_size
        kind = frame.msg_type
        if self._state != _OPEN:
            if kind == _CLOSE:
                self._end()
        elif frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.close(CloseCode.PROTOCOL_ERROR, "reserved bits")
        elif kind == _CLOSE:
            self._answer_close(frame.get_payload_as_bytes())
        elif kind in (_PING, _PONG):
            self._on_sign(frame.get_payload_as_bytes() if kind == _PING else None)
        else:
            self._on_data_frame(kind, frame)

    def _on_sign(self, ping: bytes | None = None) -> None:
        """A ping or a pong: some are a sign of life, very many keep others from being served."""
        self._signs += 1
        if self._signs > self._limits.signs_max:
            now = asyncio.get_running_loop().time()
            if now - self._signs_since < self._limits.signs_s:
                self.close(self.close_code(Reason.TOO_FAST), "too many pings")
                self._go_deaf()
                return
            self._signs, self._signs_since = 1, now
        if ping is not None:
            self.write(frames.pong(ping))

    def _on_data_frame(self, kind: WSMsgType, frame: WSFrame) -> None:
        if (kind == _CONTINUATION) != (self._joined is not None):
            self.close(CloseCode.PROTOCOL_ERROR, "continuation out of place")
        elif frame.payload_size > self._allowed - _OVERHEAD_BYTES:
            self.close(self.close_code(Reason.TOO_LARGE), "message too large")
        elif frame.fin and self._joined is None:
            self._deliver(kind, frame.get_payload_as_bytes())
        else:
            self._join(kind, frame)

    def _join(self, kind: WSMsgType, frame: WSFrame) -> None:
        joined = self._joined
        if joined is None:
            joined = self._joined = _Joined(kind)
        joined.payload += frame.get_payload_as_memoryview()
        joined.fragments += 1
        self._allowed -= frame.payload_size
        if frame.fin:
            self._joined = None
            self._allowed += len(joined.payload)
            self._deliver(joined.kind, bytes(joined.payload))
        elif joined.fragments >= self._limits.fragments_max:
            self.close(self.close_code(Reason.TOO_LARGE), "too many fragments")

    def _deliver(self, kind: WSMsgType, payload: bytes) -> None:
        if kind == _BINARY:
            self.on_binary(payload)
        elif frames.is_utf8(payload):
            self.on_text(payload)
        else:
            self.close(CloseCode.INVALID_TEXT, "not UTF-8")

    def _answer_close(self, payload: bytes) -> None:
        code = int.from_bytes(payload[:2]) if payload else CloseCode.NO_STATUS
        if payload and not any(code in codes for codes in RECEIVABLE):
            self.close(CloseCode.PROTOCOL_ERROR, "invalid close code")
        else:
            self.close(code)
        self._end()

    def _end(self) -> None:
        """Both close frames are there: drop the socket as soon as ours is sent."""
        self._state = _DEAF
        self._transport.close()

    def _give_up(self, told: WSTransport) -> None:
        """Close because no more frames can be found in the stream.

        What arrives later is read and thrown away until the peer ends too: the kernel would answer
        unread bytes with a reset, and the peer might never see the close frame.
        """
        found = told.close_handshake
        if found and found.sent:
            # A malformed frame, or a callback of ours failed.
            self.close(found.sent.code.value, found.sent.reason)
        else:
            self.close(self.close_code(Reason.TOO_LARGE), "message too large")
        self._go_deaf()

    def _go_deaf(self) -> None:
        """Look at nothing any more, and say so to the peer: it has nothing to wait for either."""
        if self._state != _DEAF:
            self._state = _DEAF
            end_output(self._transport)

    def _renewed_parser(self) -> Parser:
        """A parser with a small buffer, in place of one that has read everything so far."""
        parser = self._parser = new_parser(self)
        return parser

    def _set_deadline(self) -> None:
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._limits.close_timeout_s, self._transport.abort)


class _Joined:
    """The fragments of a message that is not over. One array: a tiny fragment costs its bytes."""

    __slots__ = ("fragments", "kind", "payload")

    def __init__(self, kind: WSMsgType) -> None:
        self.kind = kind
        self.payload = bytearray()
        self.fragments = 0


def _discard(frames: bytes) -> None:
    """What is written after a close frame goes nowhere."""
