"""What came twice, by kind, with what is needed to find out why."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from publisher import FaultPublisher
from webhook_witness import WebhookWitness
from witness import Witness

Contents = Mapping[str, Mapping[tuple[str, int], int]]
"""What the clients found under each position, by channel."""


@dataclass(frozen=True)
class Doubled:
    """So many times something came again, and what it was."""

    count: int
    what: str


@dataclass(frozen=True)
class StoredTwice:
    """A number that stands at several positions of a log: it was accepted more than once."""

    channel: str
    epoch: str
    number: int
    offsets: tuple[int, ...]

    def seen_by(self, witnesses: Iterable[Witness]) -> Doubled:
        """The same, with those of the clients that write everything down who were sent it."""
        text, users = str(self.number), defaultdict[int, list[str]](list)
        for one in witnesses:
            reading = one.readings.get(self.channel)
            for step in () if reading is None else reading.steps:
                if (step.epoch, step.key) == (self.epoch, text) and step.offset in self.offsets:
                    users[step.offset].append(one.user)
        places = "; ".join(f"{offset} ({len(users[offset])} saw it)" for offset in self.offsets)
        what = f"{self.channel}: {self.number} stands at {places} of epoch {self.epoch}"
        return Doubled(len(self.offsets) - 1, what)


def delivered_twice(witnesses: Iterable[Witness]) -> list[Doubled]:
    """Events that a client was sent again."""
    return [
        Doubled(book.duplicated, f"{type(one).__name__} {one.user}: {channel} at {book.place}")
        for one in witnesses
        for channel, book in one.books.items()
        if book.duplicated
    ]


def stored_twice(contents: Contents) -> list[StoredTwice]:
    """Numbers that were accepted more than once."""
    found: list[StoredTwice] = []
    for channel, seen in contents.items():
        offsets = defaultdict[tuple[str, int], list[int]](list)
        for (epoch, offset), number in seen.items():
            offsets[epoch, number].append(offset)
        found += [
            StoredTwice(channel, epoch, number, tuple(sorted(several)))
            for (epoch, number), several in offsets.items()
            if len(several) > 1
        ]
    return found


def given_twice(publishers: Iterable[FaultPublisher]) -> list[Doubled]:
    """Positions that were given for two numbers."""
    return [
        Doubled(one.doubled, f"positions of {one.channel} that were given for two numbers")
        for one in publishers
        if one.doubled
    ]


def sent_twice(receiver: WebhookWitness) -> list[Doubled]:
    """What the receiver of webhooks was sent again."""
    kinds = [
        Doubled(receiver.doubled, "ids of webhook events with two contents"),
        Doubled(receiver.wrong_numbers()[0], "numbers of a client that came again by webhook"),
        Doubled(receiver.repeated, "joins and leaves by webhook that say what is so already"),
    ]
    return [one for one in kinds if one.count]
