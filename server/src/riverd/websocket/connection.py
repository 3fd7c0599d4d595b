"""One WebSocket over picows: messages in, ready frames out (RFC 6455).

picows splits the bytes into frames and unmasks them, unless they are a small message or a pong that
came at once, as nearly always: a client that sends nothing else never has a parser. What the RFC
asks beyond that is here: joined fragments, UTF-8, reserved bits, close codes, the close handshake;
and a bound for everything that a client can make the server hold.

    state     what arrives                 `write`        next state
    -------   --------------------------   ------------   ------------------------------------
    OPEN      is delivered                 sends          CLOSING  we or the peer sent a close frame
                                                          IGNORING the same, and no frame can follow
    CLOSING   only a close frame matters   does nothing   IGNORING the peer's came, or too much else
    IGNORING  is discarded                 does nothing   none: `connection_lost` is the end

A lost socket leads to IGNORING as well. In CLOSING, and after the peer's end of output, a deadline
runs: then the socket is dropped whatever it holds.

Before a token (`SocketLimits.early`) an `EarlyInput` reads instead of picows: small frames only.
"""

import asyncio
import logging
import math

from picows import WSFrame, WSMsgType, WSTransport

from riverd.errors import Reason
from riverd.http.half_close import end_output
from riverd.websocket import frames
from riverd.websocket.close_codes import CloseCode, fault_in
from riverd.websocket.early_input import EarlyInput
from riverd.websocket.fragments import FragmentedMessage
from riverd.websocket.interface import SocketLimits
from riverd.websocket.output import SocketOutput, SocketState
from riverd.websocket.picows_parser import Parser, new_parser
from riverd.websocket.small_frames import (
    CLOSE_FRAME,
    PING_FRAME,
    PONG_FRAME,
    TEXT_FRAME,
    SmallFrame,
    small_frame,
)

# An enumeration's members are slow to look up, and every frame needs several.
_BINARY, _TEXT, _CONTINUATION = WSMsgType.BINARY, WSMsgType.TEXT, WSMsgType.CONTINUATION
_CLOSE, _PING, _PONG = WSMsgType.CLOSE, WSMsgType.PING, WSMsgType.PONG


_OPEN, _CLOSING, _IGNORING = SocketState
_ABNORMAL = CloseCode.ABNORMAL
_NEVER = -math.inf

# What may stand in picows' buffer on top of a message: its header and an interleaved control frame.
_OVERHEAD_BYTES = 14 + 131
# A parser whose buffer has grown larger is replaced once it is empty: connections are many, large
# messages are rare.
_PARSER_BYTES_KEPT = 16_384
# How much is looked at for the sake of the peer's close frame, once ours is sent.
_LATE_BYTES_MAX = 65_536
_INBOX = memoryview(bytearray(16_384))

_log = logging.getLogger(__name__)


class WebSocket(SocketOutput):
    """A server's end of one WebSocket, made for its transport by `attach`.

    It measures what it hands to the parser: a frame's header does not show outside picows, but a
    frame that grows too large does.

    `active` is set whenever bytes arrive; what watches for silence clears it. `closed_by_peer` is
    set if the first close frame was the peer's.
    """

    __slots__ = (
        "_allowed",
        "_code",
        "_control_frames",
        "_control_frames_since",
        "_deadline",
        "_early",
        "_fragmented",
        "_late_bytes",
        "_parser",
        "_pending",
        "active",
        "closed_by_peer",
    )

    def __init__(self, limits: SocketLimits) -> None:
        super().__init__(limits)
        self._code: int = _ABNORMAL
        self.closed_by_peer = False
        self._deadline: asyncio.TimerHandle | None = None
        self._fragmented: FragmentedMessage | None = None
        self._late_bytes = 0
        self._parser: Parser | None = None
        self._allowed = limits.message_bytes_max + _OVERHEAD_BYTES
        self._early: EarlyInput | None = None
        self._pending = 0
        self._control_frames = 0
        self._control_frames_since = _NEVER
        self.active = True

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame, wait for the peer's, then drop the socket, at a deadline at last.

        Messages that still arrive are not delivered. Does nothing when called again.
        """
        if self._state is _OPEN:
            # Between two parts of a message, too (section 5.5).
            self._transport.write(frames.close(code, reason))
            self._state = _CLOSING
            self._code = code
            self._end_writing()
            self._fragmented = None
            self._drop_early()
            self._set_deadline()
            # It was paused if the close frame cannot be sent yet.
            self._transport.resume_reading()
            self.on_closing()

    def drop(self) -> None:
        """Drop the socket at once, and what waits to be sent with it."""
        self._transport.abort()

    def ping(self) -> None:
        """Ask for an answer: any sets `active`."""
        self.write(frames.ping())

    def trust(self) -> None:
        """Allow all that the limits allow: the client has proven who it is."""
        self._drop_early()

    def attach(self, transport: asyncio.Transport, *, head: bytes, rest: bytes = b"") -> None:
        """Take a transport over, and write the 101 (`head`) to it together with the greeting.

        `rest` came behind the request.
        """
        self._transport = transport
        self.write = transport.write
        if self._limits.early is not None:
            self._early = EarlyInput(self._limits.early, self._evict)
        transport.set_protocol(self)
        transport.set_write_buffer_limits(high=self._limits.write_buffer_bytes_max)
        transport.write(head + self.greeting())
        self.on_open()
        if rest:
            self.receive(memoryview(rest))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the transport reads to: one buffer for all, emptied before the next read.

        It is small: what a client makes the server answer before it is found to be blocked.
        """
        del sizehint
        return _INBOX

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        self.receive(_INBOX[:nbytes])

    def receive(self, data: memoryview) -> None:
        """Take small frames out of what arrived, and hand the rest to the parser."""
        self.active = True
        at = 0
        if self._early is not None:
            data, at = self._take_early_frames(data, self._early)
            if at == len(data):
                return
        if self._state is not _OPEN:
            self._late_bytes += len(data) - at
            if self._late_bytes > _LATE_BYTES_MAX:
                self._ignore_input()
        elif not self._pending:
            at = self._take_small_frames(data, at)
        if at < len(data) and self._state is not _IGNORING:
            self._parse(data, at)

    def _take_small_frames(self, data: memoryview, at: int) -> int:
        """Take the small text messages and pongs in front; where what is left starts."""
        size, longest = len(data), self._allowed - _OVERHEAD_BYTES
        while at < size and self._state is _OPEN and self._fragmented is None:
            payload, end = small_frame(data, at)
            if payload is None:
                if not end:
                    break
                self._handle(PONG_FRAME, b"")
            elif len(payload) > longest:
                break
            else:
                self._take_text(payload)
            at = end
        return at

    def _take_early_frames(self, data: memoryview, early: EarlyInput) -> tuple[memoryview, int]:
        """Take frames while the client is not trusted; what is left when it is, or is closed."""
        taken = early.take(data)
        if taken is None:
            self._close_at_once(Reason.TOO_FAST, "too much before a token")
            return data, len(data)
        at = 0
        while self._early is not None and at < len(taken):
            # Nearly always: a token in one message.
            payload, end = small_frame(taken, at)
            if payload is not None and len(payload) <= early.message_bytes_max:
                at = end
                self._take_text(payload)
                continue
            found = early.frame(taken, at)
            if found is None:
                early.keep(taken[at:])
                at = len(taken)
            elif isinstance(found, SmallFrame):
                at = found.end
                self._handle(found.kind, found.payload)
            else:
                self._close_at_once(found.code, found.reason)
        return taken, at

    def _take_text(self, payload: bytes) -> None:
        try:
            if payload.isascii() or frames.is_utf8(payload):
                self.on_text(payload)
            else:
                self.close(CloseCode.INVALID_TEXT, "not UTF-8")
        except Exception:  # noqa: BLE001  one client's trouble must not become all others'
            self._fail()

    def _handle(self, kind: int, payload: bytes) -> None:
        """Take one unfragmented frame that was read without the parser."""
        try:
            if kind == CLOSE_FRAME:
                self._answer_close(payload)
            elif kind in (PING_FRAME, PONG_FRAME):
                self._on_control_frame(payload if kind == PING_FRAME else None)
            else:
                self._deliver(_TEXT if kind == TEXT_FRAME else _BINARY, payload)
        except Exception:  # noqa: BLE001  one client's trouble must not become all others'
            self._fail()

    def _fail(self) -> None:
        _log.exception("a message was not handled")
        self.close(self.close_code(Reason.INTERNAL), "our fault")

    def _parse(self, data: memoryview, at: int) -> None:
        """Hand bytes to the parser in portions, unless they are ignored by now."""
        parser = self._parser or self._renewed_parser()
        while at < len(data) and self._state is not _IGNORING:
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
                self._end_stream(parser.transport)
            elif capacity > _PARSER_BYTES_KEPT and not self._pending:
                parser = self._renewed_parser()

    def eof_received(self) -> bool:
        """The peer sends no more: what waits is still sent, until a deadline."""
        self._set_deadline()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        del exc
        if self._deadline is not None:
            self._deadline.cancel()
        self._state = _IGNORING
        self._end_writing()
        self._fragmented = None
        # These hold this object: without them there is no cycle left.
        self._drop_early()
        self._parser = None
        self.on_closed(self._code)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame of the peer. picows checked opcode, mask, length and control frames' size."""
        del transport
        self._pending = frame.tail_size
        kind = frame.msg_type
        if self._state is not _OPEN:
            if kind == _CLOSE:
                self._end()
        elif frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.close(CloseCode.PROTOCOL_ERROR, "reserved bits")
        elif kind == _CLOSE:
            self._answer_close(frame.get_payload_as_bytes())
        elif kind in (_PING, _PONG):
            self._on_control_frame(frame.get_payload_as_bytes() if kind == _PING else None)
        else:
            self._on_data_frame(kind, frame)

    def _on_control_frame(self, ping: bytes | None = None) -> None:
        """A ping or a pong. Some show that the peer lives, very many keep others waiting."""
        self._control_frames += 1
        if self._control_frames > self._limits.control_frames_max:
            now = asyncio.get_running_loop().time()
            if now - self._control_frames_since < self._limits.control_frames_s:
                self._close_at_once(Reason.TOO_FAST, "too many pings")
                return
            self._control_frames, self._control_frames_since = 1, now
        if ping is None:
            self.on_pong()
        else:
            self.write(frames.pong(ping))

    def _on_data_frame(self, kind: WSMsgType, frame: WSFrame) -> None:
        if (kind == _CONTINUATION) != (self._fragmented is not None):
            self.close(CloseCode.PROTOCOL_ERROR, "continuation out of place")
        elif frame.payload_size > self._allowed - _OVERHEAD_BYTES:
            self.close(self.close_code(Reason.TOO_LARGE), "message too large")
        elif frame.fin and self._fragmented is None:
            self._deliver(kind, frame.get_payload_as_bytes())
        else:
            self._join(kind, frame)

    def _join(self, kind: WSMsgType, frame: WSFrame) -> None:
        message = self._fragmented
        if message is None:
            message = self._fragmented = FragmentedMessage(kind)
        message.append(frame)
        self._allowed -= frame.payload_size
        if frame.fin:
            self._fragmented = None
            self._allowed += len(message.payload)
            self._deliver(message.kind, bytes(message.payload))
        elif message.count >= self._limits.fragments_max:
            self.close(self.close_code(Reason.TOO_LARGE), "too many fragments")

    def _deliver(self, kind: WSMsgType, payload: bytes) -> None:
        if kind == _BINARY:
            self.on_binary(payload)
        elif frames.is_utf8(payload):
            self.on_text(payload)
        else:
            self.close(CloseCode.INVALID_TEXT, "not UTF-8")

    def _answer_close(self, payload: bytes) -> None:
        fault = fault_in(payload)
        self.closed_by_peer = fault is None
        self.close(fault or int.from_bytes(payload[:2]) or CloseCode.NO_STATUS)
        self._end()

    def _end(self) -> None:
        """Both close frames were exchanged: drop the socket as soon as ours is sent."""
        self._state = _IGNORING
        self._transport.close()

    def _end_stream(self, parsed: WSTransport) -> None:
        """Close because no more frames can be found in the stream.

        What arrives later is read and discarded until the peer ends too: the kernel would answer
        unread bytes with a reset, and the peer might never see the close frame.
        """
        found = parsed.close_handshake
        if found and found.sent:  # A malformed frame, or a callback of ours failed.
            self._close_at_once(found.sent.code.value, found.sent.reason)
        else:
            self._close_at_once(Reason.TOO_LARGE, "message too large")

    def _close_at_once(self, code: int | Reason, text: str | None) -> None:
        """Close, and do not look for the peer's close frame."""
        self.close(self.close_code(code) if isinstance(code, Reason) else code, text or "")
        self._ignore_input()

    def _ignore_input(self) -> None:
        """Discard what arrives, and end our output: the peer has nothing to wait for either."""
        if self._state is not _IGNORING:
            self._state = _IGNORING
            end_output(self._transport)

    def _renewed_parser(self) -> Parser:
        """A parser with a small buffer, to replace one that has read everything so far."""
        self._parser = parser = new_parser(self)
        return parser

    def _drop_early(self) -> None:
        early, self._early = self._early, None
        if early is not None:
            early.discard()

    def _evict(self) -> None:
        self._close_at_once(Reason.FULL, "too many unfinished messages")

    def _set_deadline(self) -> None:
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._limits.close_timeout_s, self._transport.abort)
