"""Judges a history against the promises: a log that subscribers read from where they stand.

The rules know nothing of how River works, only what is promised (contract, promises 1 and 3):

    lost          accepted behind its begin, never received, and no gap reported
    doubled       received twice by one subscriber
    reordered     received after something that follows it
    invented      received, and nobody sent it
    refused       received, and its publisher got the answer that it was not accepted
    two contents  one position, two publications
    two positions one publication at two of them
    order         accepted before another was begun, and behind it in the log
    ghost, absent, joined twice, left twice: members that are not as they are announced
"""

from collections.abc import Iterable, Iterator
from enum import Enum

import msgspec

from riverd.commands.verify.history import (
    Attempt,
    ChannelRecord,
    Fate,
    Observation,
    Observed,
    Position,
    PresenceRecord,
    RunHistory,
)

LEAVE_S_MAX = 10.0
"""A member that is gone is announced within this (promise 3)."""
DELIVERY_S_MAX = 5.0
"""What was accepted is received, or a gap is reported, within this (promise 2)."""


class Rule(Enum):
    """What can be wrong."""

    LOST = "lost"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    INVENTED = "invented"
    REFUSED = "refused, and received"
    TWO_CONTENTS = "two contents"
    TWO_POSITIONS = "two positions"
    ORDER = "order"
    GHOST = "ghost"
    ABSENT = "absent"
    JOINED_TWICE = "joined twice"
    LEFT_TWICE = "left twice"


class BrokenRule(msgspec.Struct, frozen=True):
    """One promise that was broken, and where to look."""

    rule: Rule
    message: str


def violations(history: RunHistory) -> list[BrokenRule]:
    """Everything that is wrong with a history."""
    return [
        *_in_what_was_sent(history.sent),
        *_in_contents(history.readings),
        *_in_readings(history),
        *_in_members(history),
    ]


def gaps(history: RunHistory) -> int:
    """How often a gap was reported to a subscriber: honest, but a loss."""
    return sum(step.kind is Observed.GAP for one in history.readings for step in one.steps)


# What publishers got for an answer.


def _in_what_was_sent(sent: Iterable[Attempt]) -> Iterator[BrokenRule]:
    positions: dict[tuple[str, str], Position] = {}
    contents: dict[tuple[str, Position], str] = {}
    for one in sent:
        if one.position is None:
            continue
        first = positions.setdefault((one.channel, one.key), one.position)
        if first != one.position:
            yield BrokenRule(Rule.TWO_POSITIONS, f"{_name(one)} was accepted at {first} as well")
        key = contents.setdefault((one.channel, one.position), one.key)
        if key != one.key:
            yield BrokenRule(Rule.TWO_CONTENTS, f"{_name(one)} has the position of {key}")
    yield from _in_order(sent)


def _in_order(sent: Iterable[Attempt]) -> Iterator[BrokenRule]:
    """What was answered before another was begun stands before it."""
    logs: dict[tuple[str, str], list[tuple[int, Attempt]]] = {}
    for one in sent:
        if one.position is not None:
            epoch, offset = one.position
            logs.setdefault((one.channel, epoch), []).append((offset, one))
    for log in logs.values():
        first: Attempt | None = None
        for _, one in sorted(log, key=lambda entry: entry[0], reverse=True):
            if first is not None and first.end_s < one.begin_s:
                message = f"{_name(one)} was begun after {_name(first)} was accepted, behind it"
                yield BrokenRule(Rule.ORDER, message)
            if first is None or one.end_s < first.end_s:
                first = one


def _name(sent: Attempt) -> str:
    at = "" if sent.position is None else f" at {sent.position[0]}:{sent.position[1]}"
    return f"{sent.channel} {sent.key}{at}"


# What subscribers received.


def _in_contents(readings: Iterable[ChannelRecord]) -> Iterator[BrokenRule]:
    """Two subscribers never hear two things under one position."""
    contents: dict[tuple[str, str, int], str] = {}
    for reading in readings:
        for step in reading.steps:
            if step.kind is not Observed.EVENT:
                continue
            position = (reading.channel, step.epoch, step.offset)
            key = contents.setdefault(position, step.key)
            if key != step.key:
                message = f"{reading.channel} {step.epoch}:{step.offset} is {key} and {step.key}"
                yield BrokenRule(Rule.TWO_CONTENTS, message)


def _in_readings(history: RunHistory) -> Iterator[BrokenRule]:
    sent: dict[str, dict[str, Attempt]] = {}
    for one in history.sent:
        known = sent.setdefault(one.channel, {})
        # What was sent again with its id is accepted if one of the answers said so.
        if one.key not in known or known[one.key].position is None:
            known[one.key] = one
    for reading in history.readings:
        yield from _Cursor(reading, sent.get(reading.channel, {})).violations()


class _Cursor:
    """Walks through what one subscriber received of one channel."""

    def __init__(self, reading: ChannelRecord, sent: dict[str, Attempt]) -> None:
        self._reading = reading
        self._sent = sent
        self._received: dict[str, Position] = {}
        self._positions: set[Position] = set()
        self._epoch = ""
        self._offset = 0
        self._begin = 0
        self._began_s: float | None = None

    def violations(self) -> Iterator[BrokenRule]:
        """What is wrong with it."""
        for step in self._reading.steps:
            match step.kind:
                case Observed.EVENT:
                    yield from self._event(step)
                case Observed.RESUMED:
                    if step.epoch != self._epoch:
                        yield self._wrong(Rule.LOST, f"resumed in the other log {step.epoch}")
                case _:
                    self._move(step)
        yield from self._missing()

    def _move(self, step: Observation) -> None:
        self._epoch, self._offset, self._began_s = step.epoch, step.offset, step.at_s
        self._begin = step.offset

    def _event(self, step: Observation) -> Iterator[BrokenRule]:
        position = (step.epoch, step.offset)
        if position in self._positions or step.key in self._received:
            yield self._wrong(Rule.DOUBLED, f"{step.key} at {step.epoch}:{step.offset}")
        elif step.offset <= self._offset:
            yield self._wrong(Rule.REORDERED, f"{step.key} at {step.offset} after {self._offset}")
        elif step.offset > self._offset + 1:
            yield self._wrong(Rule.LOST, f"{self._offset + 1} to {step.offset - 1}, in the middle")
        self._positions.add(position)
        self._received[step.key] = position
        self._offset = max(self._offset, step.offset)
        sent = self._sent.get(step.key)
        if sent is None:
            yield self._wrong(Rule.INVENTED, step.key)
        elif sent.outcome is Fate.REFUSED:
            yield self._wrong(Rule.REFUSED, step.key)
        elif sent.position not in (None, position):
            yield self._wrong(Rule.TWO_POSITIONS, f"{_name(sent)} was received at {position}")

    def _missing(self) -> Iterator[BrokenRule]:
        """What was accepted after it began, and neither came nor was reported as lost."""
        for one in self._sent.values():
            if one.position is None or one.key in self._received or self._began_s is None:
                continue
            epoch, offset = one.position
            if one.end_s > self._reading.until_s - DELIVERY_S_MAX:
                continue
            if offset > self._begin if epoch == self._epoch else one.begin_s > self._began_s:
                yield self._wrong(Rule.LOST, _name(one))

    def _wrong(self, rule: Rule, what: str) -> BrokenRule:
        return BrokenRule(rule, f"{self._reading.reader} on {self._reading.channel}: {what}")


# Who was there.


def _in_members(history: RunHistory) -> Iterator[BrokenRule]:
    for watch in history.watches:
        yield from _in_changes(watch)
        yield from _at_the_end(history, watch)


def _in_changes(watch: PresenceRecord) -> Iterator[BrokenRule]:
    present = set(watch.first)
    for change in watch.changes:
        if change.joined == (change.user in present):
            rule = Rule.JOINED_TWICE if change.joined else Rule.LEFT_TWICE
            yield BrokenRule(rule, f"{change.user}, as {watch.watcher} was told")
        if change.joined:
            present.add(change.user)
        else:
            present.discard(change.user)


def _at_the_end(history: RunHistory, watch: PresenceRecord) -> Iterator[BrokenRule]:
    believed = _believed(watch)
    there = {stay.user for stay in history.stays if stay.end_s is None}
    recent = {
        stay.user
        for stay in history.stays
        if stay.end_s is not None and stay.end_s > history.end_s - LEAVE_S_MAX
    }
    fresh = {stay.user for stay in history.stays if stay.begin_s > history.end_s - DELIVERY_S_MAX}
    for user in sorted(believed - there - recent):
        yield BrokenRule(Rule.GHOST, f"{user} is gone, and {watch.watcher} was not told")
    for user in sorted(there - believed - fresh):
        yield BrokenRule(Rule.ABSENT, f"{user} is there, and {watch.watcher} believes it is not")


def _believed(watch: PresenceRecord) -> set[str]:
    present = set(watch.first)
    for change in watch.changes:
        (present.add if change.joined else present.discard)(change.user)
    return present
