"""What one flush sends where not all of it is for all: ephemeral events, excluded sessions."""

from collections.abc import Callable, Container, Iterable, Iterator

from riverd.core.channel_log import Log
from riverd.model.log import Ephemeral, Publication


class FlushBatch:
    """The frames of one flush for one audience, in order, each with the session it is not for."""

    __slots__ = ("_entries", "excluded", "frames")

    def __init__(self, entries: Iterable[tuple[str | None, bytes]]) -> None:
        self._entries = tuple(entries)
        self.frames = b"".join([frame for _, frame in self._entries])
        self.excluded = frozenset(one for one, _ in self._entries if one is not None)

    @property
    def size(self) -> int:
        """How many frames there are."""
        return len(self._entries)

    def is_for(self, session: str, continues: str | None) -> bool:
        """Whether a session, which may continue another, is sent all of it."""
        return session not in self.excluded and continues not in self.excluded

    def without(self, ids: Container[str]) -> tuple[bytes, int]:
        """What is for a session that is excluded under these ids; and how many frames are."""
        frames = [frame for one, frame in self._entries if one is None or one not in ids]
        return b"".join(frames), len(frames)


def batch_of(
    log: Log[Publication],
    events: Iterable[Ephemeral],
    *,
    after: int,
    publication: Callable[[Publication], bytes],
    ephemeral: Callable[[Ephemeral], bytes],
) -> FlushBatch:
    """All entries after a held offset, and events: each follows its own offset.

    The log is at the offset of each event, or beyond.
    """
    return FlushBatch(
        _in_order(log, events, after=after, publication=publication, ephemeral=ephemeral)
    )


def _in_order(
    log: Log[Publication],
    events: Iterable[Ephemeral],
    *,
    after: int,
    publication: Callable[[Publication], bytes],
    ephemeral: Callable[[Ephemeral], bytes],
) -> Iterator[tuple[str | None, bytes]]:
    kept = zip(log.since(after) or (), log.frames(publication, after), strict=True)
    upto = after
    for event in events:
        while upto < event.after:
            entry, frame = next(kept)
            upto = entry.offset
            yield entry.exclude, frame
        yield event.exclude, ephemeral(event)
    for entry, frame in kept:
        yield entry.exclude, frame


def part_without(
    log: Log[Publication],
    encode: Callable[[Publication], bytes],
    *,
    after: int,
    ids: Container[str],
    bytes_max: int,
) -> tuple[bytes, int]:
    """As `Log.part`, without the entries that a session with these ids is excluded from."""
    return _part(
        zip(log.since(after) or (), log.frames(encode, after), strict=True),
        ids,
        after=after,
        bytes_max=bytes_max,
    )


def _part(
    entries: Iterable[tuple[Publication, bytes]],
    ids: Container[str],
    *,
    after: int,
    bytes_max: int,
) -> tuple[bytes, int]:
    frames, size, upto = list[bytes](), 0, after
    for entry, frame in entries:
        upto = entry.offset
        if entry.exclude is None or entry.exclude not in ids:
            frames.append(frame)
            size += len(frame)
        if size >= bytes_max:
            break
    return b"".join(frames), upto
