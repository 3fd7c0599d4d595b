"""What a stream is sent: records that all streams share, and how one gets its cursor into them.

A record is `CHANNEL NUL POSITION NUL TEXT NUL`. TEXT is a whole event of the stream but for its
`id`; POSITION is where the cursor stands in the channel after it: `EPOCH:OFFSET`, or `:OFFSET` in
the epoch in which it stands already, or nothing if the record does not move it. No channel's name
and no JSON has a NUL.
"""

from functools import lru_cache
from typing import NamedTuple

from riverd.protocols.sse.cursor import UNKNOWN, StreamChannels

Cursor = tuple[bytes, ...]
"""The positions of a stream's channels, in their order."""

SESSION_MARK = b"\0"
RENDERED_KEPT = 16


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


@lru_cache(maxsize=RENDERED_KEPT)
def rendered(
    records: bytes, channels: StreamChannels, *, cursor: Cursor, mark: bytes = b""
) -> tuple[bytes, Cursor]:
    """The bytes of a stream for some records, and its cursor after them.

    Kept, because streams of the same channels that stand at the same positions share them. Each
    cursor ends with `mark`, which a stream replaces that has something to add; `SESSION_MARK` is
    in nothing else.
    """
    found = moved(records, channels, cursor=cursor)
    events = [
        text if at is None else b"id: %b%b\n%b" % (at, mark, text) for text, at in found.texts
    ]
    return b"".join(events), found.cursor
