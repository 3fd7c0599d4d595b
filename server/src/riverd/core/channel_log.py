"""The replica of the tail of one log: entries in order, without holes."""

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Generic, Protocol, TypeVar

from riverd.model.log import Position

JOINED_KEPT_MAX = 4
FRAMES_KEPT_MAX = 16
DROPPED_AT_ONCE = 5_000
"""Entries: a millisecond."""


class LogEntry(Protocol):
    """What a log holds: anything with an offset."""

    @property
    def offset(self) -> int:
        """Its number in the log; the first has 1."""
        ...

    def byte_count(self) -> int:
        """What it counts for where a log is bounded in bytes."""
        ...


E = TypeVar("E", bound=LogEntry)


class _Encoded:
    """Frames that were made already: those of the entries up to `upto`, without a hole."""

    __slots__ = ("frames", "upto")

    def __init__(self, upto: int) -> None:
        self.frames: list[bytes] = []
        self.upto = upto


class Log(Generic[E]):
    """The tail of one log as this node has it.

    The caller appends in the order of arrival, reads again from the broker when a hole shows, and
    calls `trim` once it has handed out what it wants to hand out: nothing is dropped before.
    """

    __slots__ = ("_encoded", "_entries", "_joined", "_times", "epoch", "offset")

    def __init__(self, position: Position, entries: Iterable[E] = (), *, now: float = 0) -> None:
        self.epoch = position.epoch
        self.offset = position.offset
        self._entries: deque[E] = deque(entries)
        self._times: deque[float] = deque([now] * len(self._entries))
        self._joined: dict[tuple[object, int], bytes] = {}
        self._encoded: dict[Callable[[E], bytes], _Encoded] = {}

    @property
    def position(self) -> Position:
        """The position of its newest entry."""
        return Position(self.epoch, self.offset)

    @property
    def oldest(self) -> int:
        """The offset after which everything is held."""
        return self.offset - len(self._entries)

    @property
    def size(self) -> int:
        """What its entries count for in bytes."""
        return sum([entry.byte_count() for entry in self._entries])

    @property
    def newest_at(self) -> float:
        """When the newest entry was taken; long ago if there is none."""
        return self._times[-1] if self._times else -math.inf

    def can_take(self, position: Position, count: int) -> bool:
        """Whether the last `count` entries up to a position leave no hole after what is here."""
        return position.epoch == self.epoch and position.offset - count <= self.offset

    def append(self, entry: E, now: float) -> bool:
        """Take one entry. False if one before it is missing; one that is known is dropped."""
        offset, due = entry.offset, self.offset + 1
        if offset != due:
            return offset < due
        self.offset = offset
        self._entries.append(entry)
        self._times.append(now)
        if self._joined:
            self._joined.clear()
        return True

    def at(self, offset: int) -> E | None:
        """The entry of an offset, if it is held."""
        if not self.oldest < offset <= self.offset:
            return None
        return self._entries[offset - self.oldest - 1]

    def taken_at(self, offset: int) -> float | None:
        """When the entry of an offset was taken, if it is held."""
        if not self.oldest < offset <= self.offset:
            return None
        return self._times[offset - self.oldest - 1]

    def offset_at(self, time: float) -> int:
        """The newest offset that was surely taken by then; -1 where that is not known."""
        if not self._times or time < self._times[0]:
            return -1
        return self.oldest + bisect_right(self._times, time)

    def since(self, after: int) -> list[E] | None:
        """The entries after an offset, oldest first; None if they are not all held.

        `after` is at most the log's own offset.
        """
        if after < self.oldest:
            return None
        return self._newest(self.offset - after)

    def last(self, count: int) -> int:
        """The offset before the last `count` entries, or before as many as are held."""
        return max(self.oldest, self.offset - count)

    def joined(self, encode: Callable[[E], bytes], after: int) -> bytes:
        """All entries after a held offset, encoded and joined. Kept, because many ask the same."""
        kept = self._joined.get((encode, after))
        if kept is not None:
            return kept
        return self._keep(encode, after, frames=self.frames(encode, after))

    def part(
        self, encode: Callable[[E], bytes], after: int, *, bytes_max: int
    ) -> tuple[bytes, int]:
        """Frames after a held offset, about `bytes_max` of them or one; and the last's offset."""
        # Thousands that come back together ask for the same: 1 us instead of 80 for a hundred.
        kept = self._joined.get((encode, after))
        if kept is not None and len(kept) <= bytes_max:
            return kept, self.offset
        frames = self.frames(encode, after)
        size = 0
        for count, frame in enumerate(frames, 1):
            size += len(frame)
            if size >= bytes_max:
                return b"".join(frames[:count]), after + count
        return self._keep(encode, after, frames=frames), self.offset

    def _keep(self, encode: Callable[[E], bytes], after: int, *, frames: list[bytes]) -> bytes:
        if len(self._joined) >= JOINED_KEPT_MAX:
            self._joined.clear()
        joined = self._joined[encode, after] = b"".join(frames)
        return joined

    def frames(self, encode: Callable[[E], bytes], after: int) -> list[bytes]:
        """The frames of all entries after a held offset, each made once while it is new."""
        encoded = self._encoded.get(encode)
        if encoded is None:
            encoded = self._encoded[encode] = _Encoded(after)
        offset, frames = self.offset, encoded.frames
        if encoded.upto < offset:
            # A loop: as a comprehension, one entry would cost a call more.
            for entry in self._newest(offset - encoded.upto):
                frames.append(encode(entry))
            encoded.upto = offset
        first = offset - len(frames)
        if after >= first:
            return frames[after - first :]
        start = after - self.oldest
        return [*map(encode, islice(self._entries, start, start + first - after)), *frames]

    def _newest(self, count: int) -> list[E]:
        # From the end: a flush asks for one of a hundred.
        entries = list(islice(reversed(self._entries), count))
        entries.reverse()
        return entries

    def fit(self, bytes_max: int, *, least: int = 0) -> int:
        """Drop the oldest until all count for so many bytes at most; keep `least`.

        To be followed by `trim`. Gives what the dropped ones counted for.
        """
        held = left = self.size
        while left > bytes_max and len(self._entries) > least:
            left -= self._entries.popleft().byte_count()
            self._times.popleft()
        return held - left

    def trim(self, *, size: int, before: float, least: int = 0) -> int:
        """Drop entries beyond the newest `size`, and those taken before a time; keep `least`.

        Where they are very many some stay until the next time. Gives what the dropped ones counted
        for.
        """
        entries, times, dropped = self._entries, self._times, 0
        count = len(entries)
        if count > DROPPED_AT_ONCE:
            least = max(least, count - DROPPED_AT_ONCE)
        while count > least and (count > size or times[0] < before):
            count -= 1
            dropped += entries.popleft().byte_count()
            times.popleft()
        if self._joined:
            self._joined.clear()
        if not self._encoded:
            return dropped
        oldest = self.offset - count
        for encoded in self._encoded.values():
            if encoded.upto <= oldest:
                encoded.frames.clear()
                encoded.upto = oldest
            elif len(encoded.frames) > FRAMES_KEPT_MAX:
                is_short = count < DROPPED_AT_ONCE or len(encoded.frames) < DROPPED_AT_ONCE
                del encoded.frames[: -FRAMES_KEPT_MAX if is_short else DROPPED_AT_ONCE]
        return dropped
