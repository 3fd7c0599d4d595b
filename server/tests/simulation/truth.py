"""All logs that ever were, whatever became of the broker that kept them."""

from riverd.model import Position, Publication


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

    def append(self, channel: str, position: Position, publication: Publication) -> None:
        """Note what the broker took, and that it takes a number once."""
        place = channel, position.epoch
        log = self._logs.setdefault(place, [])
        marks = self._marks.setdefault(place, set())
        demand(position.offset == publication.offset == len(log) + 1, f"a hole in {place}")
        demand(publication.data not in marks, f"{publication.data!r} twice in {place}")
        marks.add(publication.data)
        log.append(publication)

    def end(self, channel: str, epoch: str) -> int:
        """The newest offset that was ever given."""
        return len(self._logs.get((channel, epoch), ()))

    def at(self, channel: str, epoch: str, offset: int) -> Publication:
        """The one publication with this place."""
        demand(0 < offset <= self.end(channel, epoch), f"{channel} {epoch}:{offset} never existed")
        return self._logs[channel, epoch][offset - 1]


def is_newer(epoch: str, than: str) -> bool:
    """Whether an epoch began after another: they are numbered."""
    return int(epoch[1:]) > int(than[1:])
