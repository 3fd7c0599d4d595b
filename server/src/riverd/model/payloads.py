"""The bounds of the JSON that others will be sent: what is accepted, every reader can read.

Python reads no integer of more than 4,300 digits, and nests as deeply as its stack has room for.
The checks are linear, without a statement a byte, and look at a few bytes of most payloads.
"""

import re
from itertools import accumulate

from riverd.errors import ErrorCode, RiverError

DEPTH_MAX = 64
"""Arrays and objects within one another."""
UNCHECKED_BYTES_MAX = 2 * DEPTH_MAX
"""Data of this size can be neither too deep nor have too long a number."""
DIGITS_MAX = 300
"""Digits of a number without a break. The largest double has 309."""

# Of more digits than are allowed in a row, at least so many stand at multiples of the stride.
_STRIDE = 30
_SAMPLED = re.compile(rb"[0-9]{%d}" % (DIGITS_MAX // _STRIDE))
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * (DIGITS_MAX + 1)

LEVELS_MAX = 2 * DEPTH_MAX
"""Arrays and objects around and in a message's data: deeper ones need not be decoded."""
_NESTING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]+|[\]}]+', re.DOTALL)
_OPENING = b"[{"
_CLOSING = b"]}"

HALF = "half of a surrogate pair in a text"
SOME, OTHER = rb"\ufffd", rb"\ufffc"
_ESCAPE = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^u])"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}",
    re.DOTALL,
)

_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b'"[]{}')
_STEPS = [
    {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}.get(byte, 0) for byte in range(256)
]


def check_data(data: bytes) -> bytes:
    """The JSON text itself, if every reader can read it.

    Args:
        data: text that a decoder has found to be JSON.

    Raises:
        RiverError: too_deep, invalid_field.
    """
    size = len(data)
    if size > UNCHECKED_BYTES_MAX and data.count(b"[") + data.count(b"{") > DEPTH_MAX:
        _check_depth(data)
    if size > DIGITS_MAX and _SAMPLED.search(data[::_STRIDE]) is not None:
        _check_digits(data)
    return data


def without_halves(text: bytes, *, instead: bytes) -> bytes:
    """JSON text with an escape instead of each surrogate that is not one of a pair."""
    return _ESCAPE.sub(lambda found: found[1] or instead, text)


def without_depth(text: bytes, *, instead: bytes) -> bytes:
    """JSON text with something flat instead of each array and object beyond LEVELS_MAX."""
    kept: list[bytes] = []
    depth = begin = 0
    for found in _NESTING.finditer(text):
        at, size = found.start(), found.end() - found.start()
        if text[at] in _OPENING:
            if depth <= LEVELS_MAX < depth + size:
                kept.append(text[begin : at + LEVELS_MAX - depth])
            depth += size
        elif text[at] in _CLOSING:
            if depth - size <= LEVELS_MAX < depth:
                kept.append(instead)
                begin = at + depth - LEVELS_MAX
            depth -= size
    if depth <= LEVELS_MAX:
        kept.append(text[begin:])
    return b"".join(kept)


def _check_depth(data: bytes) -> None:
    brackets = _without_escapes(data).translate(None, _NOT_BRACKETS).replace(b'""', b"")
    if b'"' in brackets:
        brackets = _outside_texts(brackets)
    if max(accumulate(map(_STEPS.__getitem__, brackets))) > DEPTH_MAX:
        raise RiverError(ErrorCode.TOO_DEEP, f"data: nested deeper than {DEPTH_MAX}")


def _check_digits(data: bytes) -> None:
    if _LONG not in data.translate(_DIGITS_ALIKE):
        return
    # So many digits may stand in a text as well.
    if _LONG in _outside_texts(_without_escapes(data)).translate(_DIGITS_ALIKE):
        message = (
            f"data: a number of more than {DIGITS_MAX} digits, which not every client can read"
        )
        raise RiverError(ErrorCode.INVALID_FIELD, message)


def _without_escapes(data: bytes) -> bytes:
    """The same with nothing escaped that could be taken for the end of a text."""
    if b"\\" in data:
        data = data.replace(rb"\\", b"").replace(rb"\"", b"")
    return data


def _outside_texts(data: bytes) -> bytes:
    return b" ".join(data.split(b'"')[::2])
