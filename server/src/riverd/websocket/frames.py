"""WebSocket frames as a server sends them, unfragmented and unmasked (RFC 6455, section 5.2)."""

_TEXT = b"\x81"
_CLOSE = b"\x88"
_EMPTY_PING = b"\x89\x00"
_PONG = b"\x8a"

_LENGTH_7_MAX = 125
_LENGTH_16_MAX = 0xFFFF
_NO_STATUS = 1005
_REASON_BYTES_MAX = 123
_SIZES_READY = 1_024
"""The heads of shorter messages are made once: a third of the time of a frame."""


def _head_of_text(size: int) -> bytes:
    if size <= _LENGTH_7_MAX:
        return _TEXT + bytes((size,))
    if size <= _LENGTH_16_MAX:
        return _TEXT + b"\x7e" + size.to_bytes(2)
    return _TEXT + b"\x7f" + size.to_bytes(8)


_HEADS_OF_TEXT = tuple(_head_of_text(size) for size in range(_SIZES_READY))


def text(payload: bytes) -> bytes:
    """A text message. `payload` is valid UTF-8."""
    size = len(payload)
    if size < _SIZES_READY:
        return _HEADS_OF_TEXT[size] + payload
    return _head_of_text(size) + payload


def part_of_text(payload: bytes, *, first: bool, last: bool) -> bytes:
    """One of several frames of a text message (section 5.4)."""
    frame = text(payload)
    opcode = (0x80 if last else 0) | (0x1 if first else 0x0)
    return bytes((opcode,)) + frame[1:]


def close(code: int, reason: str = "") -> bytes:
    """A close frame. 1005 stands for none: it never goes over the wire (section 7.4.1)."""
    if code == _NO_STATUS:
        return _control(_CLOSE, b"")
    return _control(_CLOSE, code.to_bytes(2) + close_reason(reason))


def close_reason(reason: str) -> bytes:
    """As much of a reason as a close frame holds, cut between two characters."""
    return reason.encode()[:_REASON_BYTES_MAX].decode(errors="ignore").encode()


def ping() -> bytes:
    """A ping without payload: what is asked is only whether anyone answers."""
    return _EMPTY_PING


def pong(payload: bytes) -> bytes:
    """The answer to a ping, with the ping's payload: at most 125 bytes."""
    return _control(_PONG, payload)


def is_utf8(payload: bytes) -> bool:
    """Whether a text message's payload is valid."""
    if payload.isascii():
        return True
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _control(opcode: bytes, payload: bytes) -> bytes:
    return opcode + bytes((len(payload),)) + payload
