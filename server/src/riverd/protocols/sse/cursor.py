"""A stream's cursor: where a client stands in each channel, as one text that it gives back.

`DIGEST.POSITION,POSITION,...`, in the order of the request's channels. DIGEST is that of their
names: a cursor of another list is refused instead of being applied to the wrong channels. A
position is `EPOCH:OFFSET`, or `-` where the client has none yet. It grants nothing, so nobody signs
it (contract, "HTTP streaming").
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from riverd.errors import ErrorCode, RiverError
from riverd.model import Position

CURSOR_LENGTH_MAX = 2_048
UNKNOWN = b"-"
_POSITION = re.compile(r"([A-Za-z0-9_-]{1,64}):(0|[1-9][0-9]{0,17})", re.ASCII)
_DIGEST_BYTES = 6


class StreamChannels(msgspec.Struct, frozen=True):
    """The channels of a stream, in the order of its request."""

    names: tuple[bytes, ...]
    digest: bytes

    @classmethod
    def of(cls, names: Sequence[str]) -> "StreamChannels":
        """Those of a request."""
        text = "\n".join(names).encode()
        digest = urlsafe_b64encode(sha256(text).digest()[:_DIGEST_BYTES])
        return cls(tuple(name.encode() for name in names), digest)

    def cursor(self, positions: Sequence[bytes]) -> bytes:
        """The cursor of these positions."""
        return self.digest + b"." + b",".join(positions)

    def positions(self, cursor: str) -> list[Position | None]:
        """Where a cursor stands in each channel.

        Raises:
            RiverError: invalid_field, if it is not one of this list.
        """
        digest, _, rest = cursor.partition(".")
        texts = rest.split(",")
        if (
            len(cursor) > CURSOR_LENGTH_MAX
            or digest.encode() != self.digest
            or len(texts) != len(self.names)
        ):
            raise _refused()
        return [_position(text) for text in texts]


def position_text(position: Position | None) -> bytes:
    """A position as a cursor has it."""
    if position is None:
        return UNKNOWN
    return b"%b:%d" % (position.epoch.encode(), position.offset)


def _position(text: str) -> Position | None:
    if text == UNKNOWN.decode():
        return None
    found = _POSITION.fullmatch(text)
    if found is None:
        raise _refused()
    return Position(found[1], int(found[2]))


def _refused() -> RiverError:
    return RiverError(ErrorCode.INVALID_FIELD, "Last-Event-ID: not a cursor of these channels")
