"""All logs that ever were, whatever became of the broker that kept them."""

from collections.abc import Collection

from riverd.model import Ephemeral, Position, Publication


class Violation(AssertionError):  # noqa: N818  it is what happened
    """Somebody was not told what River promises."""


def demand(held: object, message: str) -> None:
    """A promise: the run fails with the message if it does not hold."""
    if not held:
        raise Violation(message)


class Truth:
    """Every publication of every epoch. Data is the publisher's mark and a number: `"p1:17"`."""

    def __init__(self) -> None:
        self._logs: dict[tuple[str, str], list[Publication]] = {}
        self._marks: dict[tuple[str, str], set[bytes]] = {}
        self._passed: dict[tuple[str, str], dict[bytes, Ephemeral]] = {}

    def append(self, channel: str, position: Position, publication: Publication) -> None:
        """Note what the broker took, and that it takes a number once."""
        place = channel, position.epoch
        log = self._logs.setdefault(place, [])
        demand(position.offset == publication.offset == len(log) + 1, f"a hole in {place}")
        self._note(place, publication.data)
        log.append(publication)

    def passed(self, channel: str, epoch: str, event: Ephemeral) -> None:
        """Note an event that is not kept: it follows what the log has, and is taken once."""
        place = channel, epoch
        demand(event.after == self.end(channel, epoch), f"{event} is not at the end of {place}")
        self._note(place, event.data)
        self._passed.setdefault(place, {})[event.data] = event

    def _note(self, place: tuple[str, str], mark: bytes) -> None:
        marks = self._marks.setdefault(place, set())
        demand(mark not in marks, f"{mark!r} twice in {place}")
        marks.add(mark)

    def end(self, channel: str, epoch: str) -> int:
        """The newest offset that was ever given."""
        return len(self._logs.get((channel, epoch), ()))

    def at(self, channel: str, epoch: str, offset: int) -> Publication:
        """The one publication with this place."""
        demand(0 < offset <= self.end(channel, epoch), f"{channel} {epoch}:{offset} never existed")
        return self._logs[channel, epoch][offset - 1]

    def place_of(self, channel: str, mark: str, *, near: Position) -> Position | None:
        """Where a publication is, if a log has it: marks are of one epoch each, or several."""
        data = f'"{mark}"'.encode()
        epochs = sorted(
            (epoch for name, epoch in self._logs if name == channel),
            key=lambda epoch: epoch != near.epoch,
        )
        for epoch in epochs:
            for entry in self._logs[channel, epoch]:
                if entry.data == data:
                    return Position(epoch, entry.offset)
        return None

    def passing(self, channel: str, epoch: str, data: bytes) -> Ephemeral | None:
        """The event that is not kept with this data, if there ever was one."""
        return self._passed.get((channel, epoch), {}).get(data)

    def next_for(self, ids: Collection[str], channel: str, after: Position) -> int:
        """The offset of what comes next for a session: the end's successor if nothing does."""
        log = self._logs.get((channel, after.epoch), [])
        for entry in log[after.offset :]:
            if entry.exclude not in ids:
                return entry.offset
        return len(log) + 1


def is_newer(epoch: str, than: str) -> bool:
    """Whether an epoch began after another: they are numbered."""
    return int(epoch[1:]) > int(than[1:])
