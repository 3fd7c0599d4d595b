"""The usual reads: a text message or a pong, in one frame that came whole."""

TEXT_WHOLE = 0x81
"""The first byte of a text message in one frame: FIN and the opcode, no reserved bit."""
PONG_WHOLE = 0x8A
"""The first byte of a pong."""

_MASKED = 0x80
_LENGTH_16 = 126
_MASK_BYTES = 4


def whole_frame(data: memoryview, at: int) -> tuple[bytes | None, int] | None:
    """The payload of the text frame that begins at `at`, and where the next frame begins.

    A pong has None for a payload: nobody asks for it. None for everything else that may stand
    there: a part of a frame, another opcode, a fragment, a frame that is malformed, or longer than
    65,535 bytes (RFC 6455, section 5.2).
    """
    size = len(data)
    if size < at + 2 + _MASK_BYTES:
        return None
    kind, length, begin = data[at], data[at + 1] - _MASKED, at + 2 + _MASK_BYTES
    if kind == TEXT_WHOLE and length == _LENGTH_16:
        length, begin = data[at + 2] << 8 | data[at + 3], begin + 2
        if length < _LENGTH_16:
            return None
    elif not 0 <= length < _LENGTH_16:
        return None
    end = begin + length
    if end > size:
        return None
    if kind != TEXT_WHOLE:
        return (None, end) if kind == PONG_WHOLE else None
    mask = bytes(data[begin - _MASK_BYTES : begin]) * (length // _MASK_BYTES + 1)
    # One number for all bytes: the interpreter has no faster way.
    plain = int.from_bytes(data[begin:end]) ^ int.from_bytes(mask[:length])
    return plain.to_bytes(length), end
