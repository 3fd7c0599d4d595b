"""A stream's cursor: where a client stands in each channel, as one text that it gives back.

`DIGEST.POSITION,POSITION,...[.SECRET]`, in the order of the request's channels; that of the user's
own stands last, after a `@`, or is missing. DIGEST is that of the other names: a cursor of another
list is refused instead of being applied to the wrong channels. A client that keeps the positions
itself may write a cursor without a digest, and has to mind the order. A position is `EPOCH:OFFSET`,
`-` where the client has none yet, or `-N` where it has none and wants the last N events first.
SECRET says which session is continued, if the client knows that. It grants nothing, so nobody signs
it (contract, "HTTP streaming").
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

import msgspec

from riverd.channels.names import OWN
from riverd.errors import ErrorCode, RiverError
from riverd.model.log import Position

CURSOR_LENGTH_MAX = 2_048
HISTORY_MAX = 1_000
CHANNELS_KEPT = 256
UNKNOWN = b"-"
OWN_MARK = b"@"
Start = Position | int
"""Where a client begins in a channel: after a position, or now, with so many of the last events."""
_POSITION = re.compile(r"([A-Za-z0-9_-]{1,64}):(0|[1-9][0-9]{0,17})", re.ASCII)
_HISTORY = re.compile(r"-([1-9][0-9]{0,3})?", re.ASCII)
_DIGEST_BYTES = 6


class StreamChannels(msgspec.Struct, frozen=True, cache_hash=True):
    """The channels of a stream, in the order of its request.

    Streams of the same ones share one object.
    """

    names: tuple[bytes, ...]
    digest: bytes
    has_own: bool = False

    @classmethod
    @lru_cache(maxsize=CHANNELS_KEPT)
    def of(cls, names: tuple[str, ...], *, has_own: bool = False) -> "StreamChannels":
        """Those of a request, and with `has_own` that of its user."""
        text = "\n".join(names).encode()
        digest = urlsafe_b64encode(sha256(text).digest()[:_DIGEST_BYTES])
        shown = [*names, OWN] if has_own else names
        return cls(tuple(name.encode() for name in shown), digest, has_own)

    def cursor(self, positions: Sequence[bytes]) -> bytes:
        """The cursor of these positions."""
        shown = [*positions[:-1], OWN_MARK + positions[-1]] if self.has_own else positions
        return self.digest + b"." + b",".join(shown)

    def starts(self, cursor: str) -> list[Start]:
        """Where a cursor stands in each channel. One without a digest may leave out the last ones.

        Raises:
            RiverError: invalid_field, if it is not one of this list.
        """
        digest, _, rest = cursor.partition(".")
        positions = rest.partition(".")[0]
        texts = positions.split(",") if positions else []
        has_own = bool(texts) and texts[-1].startswith(OWN_MARK.decode())
        own = texts.pop()[1:] if has_own else UNKNOWN.decode()
        missing = len(self.names) - self.has_own - len(texts)
        is_ours = digest.encode() == self.digest and missing == 0
        if len(cursor) > CURSOR_LENGTH_MAX or not (is_ours or (digest == "" and missing >= 0)):
            raise _refused()
        starts: list[Start] = [*map(_start, texts), *([0] * missing)]
        return [*starts, _start(own)] if self.has_own else starts


def session_in(cursor: str) -> str | None:
    """The secret of the session that a cursor continues."""
    return cursor.partition(".")[2].partition(".")[2] or None


def start_text(start: Start) -> bytes:
    """A start as a cursor has it."""
    if isinstance(start, Position):
        return position_text(start)
    return b"-%d" % start if start else UNKNOWN


def position_text(position: Position) -> bytes:
    """A position as a cursor has it."""
    return b"%b:%d" % (position.epoch.encode(), position.offset)


def _start(text: str) -> Start:
    if (unknown := _HISTORY.fullmatch(text)) is not None:
        history = int(unknown[1] or 0)
        if history <= HISTORY_MAX:
            return history
    found = _POSITION.fullmatch(text)
    if found is None:
        raise _refused()
    return Position(found[1], int(found[2]))


def _refused() -> RiverError:
    return RiverError(ErrorCode.INVALID_FIELD, "Last-Event-ID: not a cursor of these channels")
