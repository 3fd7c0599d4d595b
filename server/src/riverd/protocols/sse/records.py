"""What a stream is sent: records that all streams share, and how one gets its cursor into them.

A record is `CHANNEL NUL POSITION NUL TEXT NUL`. TEXT is a whole event of the stream but for its
`id`; POSITION is where the cursor stands in the channel after it: `EPOCH:OFFSET`, or `:OFFSET` in
the epoch in which it stands already, or nothing if the record does not move it. No channel's name
and no JSON has a NUL.
"""

from functools import lru_cache
from typing import NamedTuple

from riverd.channels.names import OWN
from riverd.protocols.sse.cursor import UNKNOWN, StreamChannels

Cursor = tuple[bytes, ...]
"""The positions of a stream's channels, in their order."""

RENDERED_KEPT = 64
KEPT_BYTES_MAX = 131_072
"""More at once is rendered for each stream: all that is kept has a bound too."""
STANDS_KEPT = 256
_OWN = OWN.encode()


class Moved(NamedTuple):
    """The texts of some records, each with the cursor after it if it moves that; and the last."""

    texts: list[tuple[bytes, bytes | None]]
    cursor: Cursor


def record(channel: str, text: bytes, *, position: bytes = b"") -> bytes:
    """One record."""
    return b"%b\0%b\0%b\0" % (channel.encode(), position, text)


def moved(records: bytes, channels: StreamChannels, *, cursor: Cursor) -> Moved:
    """Read records with the eyes of one stream."""
    parts = records.split(b"\0")
    positions = list(cursor)
    texts: list[tuple[bytes, bytes | None]] = []
    for channel, position, text in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        if position:
            number = channels.names.index(channel)
            before = positions[number]
            in_its_epoch = position.startswith(b":")
            epoch = before.partition(b":")[0] if in_its_epoch else b""
            positions[number] = epoch + position
            # The past that the client wants comes next: until then it asks for that again.
            wants_past = before.startswith(b"-") and before != UNKNOWN
            texts.append((text, None if wants_past else channels.cursor(positions)))
        else:
            texts.append((text, None))
    return Moved(texts, tuple(positions))


class Stand:
    """Where a stream stands in the channels that it can share with others: all but its user's.

    Compared by identity, because each stream and write asks for it: see `stand_of`.
    """

    __slots__ = ("channels", "shared")

    def __init__(self, channels: StreamChannels, shared: Cursor) -> None:
        self.channels = channels
        self.shared = shared

    def cursor(self, own: bytes) -> Cursor:
        """The whole of it, with the position in the user's channel."""
        return (*self.shared, own) if self.channels.has_own else self.shared


class Rendered(NamedTuple):
    """Some records as streams are sent them.

    Between two of `pieces` each stream has to put what its cursors end with; `joined` is for those
    that put nothing there.
    """

    pieces: tuple[bytes, ...]
    joined: bytes
    stand: Stand


@lru_cache(maxsize=STANDS_KEPT)
def stand_of(channels: StreamChannels, shared: Cursor) -> Stand:
    """One object for all streams that stand there."""
    return Stand(channels, shared)


@lru_cache(maxsize=RENDERED_KEPT)
def rendered(records: bytes, stand: Stand) -> Rendered | None:
    """The bytes of streams that stand there; None if the user's own position moves."""
    if _moves_own(records):
        return None
    pieces: list[bytes] = []
    last = b""
    found = moved(records, stand.channels, cursor=stand.cursor(b""))
    for text, at in found.texts:
        if at is None:
            last += text
        else:
            pieces.append(b"%bid: %b" % (last, at))
            last = b"\n" + text
    shared = found.cursor[:-1] if stand.channels.has_own else found.cursor
    pieces.append(last)
    return Rendered(tuple(pieces), b"".join(pieces), stand_of(stand.channels, shared))


def _moves_own(records: bytes) -> bool:
    parts = records.split(b"\0")
    return any(
        channel == _OWN and position
        for channel, position in zip(parts[::3], parts[1::3], strict=False)
    )
