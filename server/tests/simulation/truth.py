"""All logs that ever were, whatever became of the broker that kept them."""

from collections.abc import Collection

from riverd.healing.offers import HealedLog
from riverd.model.log import Ephemeral, Position, Publication


class Violation(AssertionError):  # noqa: N818  it is what happened
    """Somebody was not told what River promises."""


def demand(held: object, message: str, *of: object) -> None:
    """A promise: the run fails with the message if it does not hold.

    `of` is put into the message only then: promises are looked at a thousand times a run.
    """
    if not held:
        raise Violation(message.format(*of) if of else message)


class Truth:
    """Every publication of every epoch. Data is the publisher's mark and a number: `"p1:17"`.

    Two masters may give one offset twice, and a broker that lost its end gives it again: so an
    offset has what was ever there, until somebody was told. From then on it is that.
    """

    def __init__(self) -> None:
        self._logs: dict[tuple[str, str], list[list[Publication]]] = {}
        self._told: dict[tuple[str, str], dict[int, Publication]] = {}
        self._marks: dict[tuple[str, str], dict[bytes, int]] = {}
        self._passed: dict[tuple[str, str], dict[bytes, Ephemeral]] = {}
        self._cut: dict[str, set[bytes]] = {}

    def append(self, channel: str, position: Position, publication: Publication) -> None:
        """Note what the broker took."""
        log = self._logs.setdefault((channel, position.epoch), [])
        offset = position.offset
        demand(publication.offset == offset <= len(log) + 1, "a hole in {} {}", channel, position)
        if offset > len(log):
            log.append([])
        log[offset - 1].append(publication)

    def passed(self, channel: str, epoch: str, event: Ephemeral) -> None:
        """Note an event that is not kept."""
        demand(event.after <= self.end(channel, epoch), "{} is after the end of {}", event, channel)
        self._passed.setdefault((channel, epoch), {})[event.data] = event

    def healed(self, log: HealedLog) -> None:
        """A log goes on from here: what anybody was told is in it."""
        place = log.channel, log.epoch
        told = self._told.get(place, {})
        beyond = [one for one in told if one > log.offset]
        demand(not beyond, "{} of {} are lost after {}, and were told", beyond, place, log.offset)
        slots = self._logs.setdefault(place, [])
        cut = self._cut.setdefault(log.channel, set())
        cut |= {one.data for slot in slots[log.offset :] for one in slot}
        del slots[log.offset :]
        # The data of a master that was given up has what nobody was answered about.
        slots += [[] for _ in range(log.offset - len(slots))]
        for one in log.publications:
            true = told.get(one.offset, one)
            demand(true == one, "{} of {} was told as {}", one, place, true)
            slots[one.offset - 1] = [one]
        demand(all(slots), "{} is healed up to {} without all that was there", place, log.offset)

    def was_cut(self, channel: str, data: bytes) -> bool:
        """Whether a log went on without it: a master that was given up may know its key."""
        return data in self._cut.get(channel, ())

    def end(self, channel: str, epoch: str) -> int:
        """The newest offset that was ever given."""
        return len(self._logs.get((channel, epoch), ()))

    def at(self, channel: str, epoch: str, offset: int) -> Publication:
        """The publication with this place."""
        demand(
            0 < offset <= self.end(channel, epoch), "{} {}:{} never existed", channel, epoch, offset
        )
        told = self._told.get((channel, epoch), {}).get(offset)
        return told or self._logs[channel, epoch][offset - 1][-1]

    def tell(self, channel: str, epoch: str, offset: int, *, data: bytes) -> Publication:
        """Somebody is told what has this place: it is the same for everybody, and once."""
        place = channel, epoch
        true = self.at(channel, epoch, offset)
        if offset not in self._told.get(place, {}):
            for one in self._logs[place][offset - 1]:
                if one.data == data:
                    true = one
            self._told.setdefault(place, {})[offset] = true
            before = self._marks.setdefault(place, {}).setdefault(true.data, offset)
            demand(before == offset, "{!r} at {} and {} of {}", true.data, before, offset, place)
        return true

    def place_of(self, channel: str, mark: str, *, near: Position) -> Position | None:
        """Where a publication is, if a log has it: marks are of one epoch each, or several."""
        data = f'"{mark}"'.encode()
        epochs = sorted(
            (epoch for name, epoch in self._logs if name == channel),
            key=lambda epoch: epoch != near.epoch,
        )
        for epoch in epochs:
            for offset in range(1, self.end(channel, epoch) + 1):
                if self.at(channel, epoch, offset).data == data:
                    return Position(epoch, offset)
        return None

    def passing(self, channel: str, epoch: str, data: bytes) -> Ephemeral | None:
        """The event that is not kept with this data, if there ever was one."""
        return self._passed.get((channel, epoch), {}).get(data)

    def next_for(self, ids: Collection[str], channel: str, after: Position) -> int:
        """The offset of what comes next for a session: the end's successor if nothing does."""
        end = self.end(channel, after.epoch)
        for offset in range(after.offset + 1, end + 1):
            if self.at(channel, after.epoch, offset).exclude not in ids:
                return offset
        return end + 1


def is_newer(epoch: str, than: str) -> bool:
    """Whether an epoch began after another: they are numbered."""
    return int(epoch[1:]) > int(than[1:])
