"""What a process was given by the broker in the last half a minute, should the broker lose it."""

import math
from collections import deque
from collections.abc import Iterator

from riverd.healing.offers import Known, Unanswered
from riverd.model.log import Message, Position, Publication

KEPT_S = 30.0
KEPT_MAX = 100_000
KEPT_BYTES_MAX = 67_108_864
"""Of what was given, and as much again of what was not answered."""
COUNTED_BYTES = 550
"""What an entry takes beside its payload: its objects and the texts of channel, key and epoch."""

Given = tuple[float, str, Position, Message | None, bool]
"""When; channel, position and message; whether the position was new for this process."""


class Acceptance:
    """Positions that a process was given, with what it published there, and what was not answered.

    Bounded: what is dropped early is not certain any more (see `remembers_s`).
    """

    __slots__ = ("_bytes", "_dropped_at", "_given", "_unanswered", "_unanswered_bytes")

    def __init__(self) -> None:
        self._given: deque[Given] = deque()
        self._unanswered: deque[tuple[float, Message, Position]] = deque()
        self._bytes = 0
        self._unanswered_bytes = 0
        self._dropped_at = -math.inf

    def accepted(self, message: Message, position: Position, *, is_new: bool, now: float) -> None:
        """A message was given a position; one that is not new was given it before."""
        self._add((now, message.channel, position, message, is_new), message.size)

    def read(self, channel: str, position: Position, *, now: float) -> None:
        """A log stood at a position."""
        self._add((now, channel, position, None, False), 0)

    def unanswered(self, message: Message, *, after: Position, now: float) -> None:
        """Nobody knows whether the message was accepted: its key will settle that."""
        self._unanswered.append((now, message, after))
        self._unanswered_bytes += message.size + COUNTED_BYTES
        self._drop_unanswered(-math.inf)

    def remembers_s(self, now: float) -> float:
        """For how long everything is here."""
        return now - self._dropped_at

    def known(self, now: float) -> Iterator[Known]:
        """What was given."""
        for at, channel, position, message, is_new in tuple(self._given):
            epoch, offset, age_s = position.epoch, position.offset, now - at
            key = publication = None
            if message is not None:
                key = message.key
                publication = _publication(message, offset) if is_new else None
            yield Known(channel, epoch, offset, publication, key, age_s)

    def all_unanswered(self, now: float) -> Iterator[Unanswered]:
        """What was not answered."""
        for at, message, after in self._unanswered:
            if message.key is not None and message.keep:
                content = _publication(message, 0)
                yield Unanswered(message.channel, message.key, content, now - at, after)

    def _add(self, given: Given, size: int) -> None:
        self._given.append(given)
        self._bytes += size + COUNTED_BYTES
        before = given[0] - KEPT_S
        while (
            self._given[0][0] < before
            or self._bytes > KEPT_BYTES_MAX
            or len(self._given) > KEPT_MAX
        ):
            at, _, _, message, _ = self._given.popleft()
            self._bytes -= COUNTED_BYTES + (0 if message is None else message.size)
            self._dropped_at = max(self._dropped_at, at)
        if self._unanswered:
            self._drop_unanswered(before)

    def _drop_unanswered(self, before: float) -> None:
        waiting = self._unanswered
        while waiting and (waiting[0][0] < before or self._unanswered_bytes > KEPT_BYTES_MAX):
            at, message, _ = waiting.popleft()
            self._unanswered_bytes -= message.size + COUNTED_BYTES
            self._dropped_at = max(self._dropped_at, at)


def _publication(message: Message, offset: int) -> Publication:
    return Publication(offset, message.event, message.data, message.user, message.exclude)
