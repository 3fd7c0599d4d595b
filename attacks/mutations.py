"""Inputs that are nearly right: valid ones, changed by chance from a seed."""

import random
from collections.abc import Sequence

LENGTH_MAX = 70_000
CHANGES_MAX = 4
REPEATS_MAX = 400
ODD = (
    b"\x00",
    b"\xff" * 9,
    b"\r\n",
    b"\r\n\r\n",
    b'"',
    b"\\u0000",
    b"\\ud800",
    b"[" * 70,
    b'{"a":' * 70,
    b"9" * 400,
    b"1e999",
    b"-0",
    b"null",
    b"*",
    b".",
    b",",
    "\u00e9\u4e2d\U0001f600".encode(),
    b"\xc0\xaf",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"for=",
    b":",
)


class Mutations:
    """An endless supply; the same seed gives the same."""

    def __init__(self, valid: Sequence[bytes], seed: int) -> None:
        self._valid = valid
        self._random = random.Random(seed)

    def next(self) -> bytes:
        """One more input, at most LENGTH_MAX long."""
        data = self._random.choice(self._valid)
        for _ in range(self._random.randint(0, CHANGES_MAX)):
            data = self._changed(data)[:LENGTH_MAX]
        return data

    def _changed(self, data: bytes) -> bytes:
        chance = self._random
        begin, end = sorted(chance.randint(0, len(data)) for _ in range(2))
        inner = data[begin:end]
        match chance.randrange(7):
            case 0:
                inner = bytes([chance.randrange(256)])
            case 1:
                inner = b""
            case 2:
                inner *= min(chance.randint(2, REPEATS_MAX), 1 + LENGTH_MAX // (1 + len(inner)))
            case 3:
                inner = chance.choice(ODD)
            case 4:
                other = chance.choice(self._valid)
                inner = other[chance.randint(0, len(other)) :]
            case 5:
                inner = chance.randbytes(chance.randint(1, 20))
            case _:
                # Where it was, with an odd thing before it.
                end = begin
                inner = chance.choice(ODD)
        return data[:begin] + inner + data[end:]
