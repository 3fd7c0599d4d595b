"""The usual reads without a parser: a message or a control frame, in one frame that came at once.

0                   1                   2                   3
+-+-+-+-+-------+-+-------------+-------------------------------+
|F|R|R|R| opcode|M| length (7)  |  length (16), if the 7 are 126 |
|I|S|S|S|  (4)  |A|             |  or (64), if they are 127      |
|N|V|V|V|       |S|             |  then 4 bytes of mask, payload |
+-+-+-+-+-------+-+-------------+-------------------------------+   RFC 6455, section 5.2
"""

import struct

import msgspec

from riverd.errors import Reason
from riverd.websocket.close_codes import CloseCode
from riverd.websocket.unmasking import payload_of

TEXT_FRAME = 0x81
"""The first byte of a text message in one frame: FIN and the opcode, no reserved bit."""
BINARY_FRAME = 0x82
CLOSE_FRAME = 0x88
PING_FRAME = 0x89
PONG_FRAME = 0x8A

_FIN = 0x80
_RESERVED = 0x70
_OPCODE = 0x0F
_MASKED = 0x80
_LENGTH_16 = 126
_LENGTH_64 = 127
_MASKED_16 = _MASKED | _LENGTH_16
_MASK_BYTES = 4
_NO_FRAME = (None, 0)
_begin_of = struct.Struct("!BBH").unpack_from
_MESSAGES = (TEXT_FRAME, BINARY_FRAME)
_KINDS = (TEXT_FRAME, BINARY_FRAME, CLOSE_FRAME, PING_FRAME, PONG_FRAME)


class Violation(msgspec.Struct, frozen=True):
    """Why no frame can follow in a stream."""

    code: CloseCode | Reason
    reason: str


class SmallFrame(msgspec.Struct, frozen=True):
    """A frame that came at once: its first byte, its payload, and where the next one starts."""

    kind: int
    payload: bytes
    end: int


def small_frame(data: memoryview, at: int) -> tuple[bytes | None, int]:
    """The payload of the text frame that starts at `at`, and where the next frame starts.

    A pong has None for a payload: nobody asks for it. None and 0 for everything else: a part of a
    frame, another opcode, a fragment, a frame that is malformed, or longer than 65,535 bytes.
    """
    size, end = len(data), at + 2 + _MASK_BYTES
    if size < end:
        return _NO_FRAME
    kind, second, longer = _begin_of(data, at)
    if _MASKED <= second < _MASKED_16:
        end += second - _MASKED
    elif second == _MASKED_16 and longer >= _LENGTH_16 and kind == TEXT_FRAME:
        end += 2 + longer
    else:
        return _NO_FRAME
    if end > size:
        return _NO_FRAME
    if kind == TEXT_FRAME:
        return payload_of(data if end - at == size else data[at:end]), end
    return (None, end) if kind == PONG_FRAME else _NO_FRAME


def early_frame(
    data: memoryview, at: int, *, payload_bytes_max: int
) -> SmallFrame | Violation | None:
    """The frame that starts at `at`, of a client that must not send much yet.

    None while it has not all come. What no such client may send is found as soon as it shows, so
    that nobody waits for it: also fragments, and what is longer than the limit.
    """
    available = len(data) - at
    if available < 2:  # noqa: PLR2004  the two bytes that every frame has
        return None
    kind, length, begin = data[at], data[at + 1] & ~_MASKED, at + 2
    if violation := _violation(kind, data[at + 1]):
        return violation
    if length == _LENGTH_64:
        return Violation(Reason.TOO_LARGE, "message too large before a token")
    if length == _LENGTH_16:
        begin += 2
        if len(data) < begin:
            return None
        length = data[begin - 2] << 8 | data[begin - 1]
        if length < _LENGTH_16:
            return Violation(CloseCode.PROTOCOL_ERROR, "length in too many bytes")
    if length > payload_bytes_max:
        return Violation(Reason.TOO_LARGE, "message too large before a token")
    end = begin + _MASK_BYTES + length
    if end > len(data):
        return None
    # Control frames would mean something to who unmasks them.
    frame = bytes((BINARY_FRAME, *data[at + 1 : end]))
    return SmallFrame(kind, payload_of(memoryview(frame)), end)


def _violation(first: int, second: int) -> Violation | None:
    if first & _RESERVED:
        return Violation(CloseCode.PROTOCOL_ERROR, "reserved bits")
    if not second & _MASKED:
        return Violation(CloseCode.PROTOCOL_ERROR, "not masked")
    if first in _KINDS:
        if first not in _MESSAGES and second & ~_MASKED >= _LENGTH_16:
            return Violation(CloseCode.PROTOCOL_ERROR, "control frame too long")
        return None
    if first | _FIN in _MESSAGES:
        return Violation(Reason.TOO_LARGE, "fragments before a token")
    if first & _OPCODE == 0:
        return Violation(CloseCode.PROTOCOL_ERROR, "continuation out of place")
    return Violation(CloseCode.PROTOCOL_ERROR, "opcode")
