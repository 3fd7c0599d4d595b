"""The union of what processes hold of a log that the broker lost, where it is certain.

A log is healed only if nothing can be missing from it that anybody was given:

* some node's replica had all that the broker had a while ago; whatever was accepted since is known
  to the process that asked for it, and every process was asked, or is gone for longer than that;
* nobody knows another epoch of it, or another content of one of its offsets;
* from that replica's end to the newest offset that anybody knows there is no hole.

Any other log begins again under a new epoch, and its subscribers are sent a gap.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from riverd.healing.offers import Contribution, DataLog, HealedLog, Known, Replica, Unanswered
from riverd.model.log import Publication

ABSENT_S = 3.0
"""A process that gave no sign of life for so long, while others could see it, is absent."""
ALIVE_S = 5.0
"""Nobody publishes or delivers for longer than this after its last sign of life that was seen."""
SLACK_S = 6.0
"""Offers are made at different moments, all within this."""
SENT_S = 12.0
"""A message was sent at most so long before nobody was answered about it, by two offers' clocks."""
FRESH_S = 15.0
"""Somebody has to have looked for members within this: others may have come since."""
SILENT_S = 20.0
"""Who comes when nobody is there waits until the last sign of life of others is so old."""
FORGOTTEN_S = 300.0
"""Peers without a sign of life for so long are not listed any more."""


def awaited(offers: Mapping[str, Contribution]) -> set[str]:
    """The processes without whose offers nothing is certain."""
    needed: set[str] = set()
    for name, (age_s, looked_s) in _signs_of_life(offers).items():
        if age_s - looked_s < ABSENT_S:
            needed.add(name)
    return needed


def horizon_s(offers: Mapping[str, Contribution]) -> float:
    """All that was accepted in the last so many seconds is in the offers; negative if not so."""
    if any(offer.has_outsiders for offer in offers.values()):
        return -1
    if awaited(offers) - offers.keys():
        return -1
    if min((offer.looked_s for offer in offers.values()), default=math.inf) > FRESH_S:
        return -1
    found = min(
        (
            min(offer.remembers_s, FORGOTTEN_S + offer.looked_s - ALIVE_S)
            for offer in offers.values()
        ),
        default=-1.0,
    )
    for name, (age_s, _) in _signs_of_life(offers).items():
        if name not in offers:
            found = min(found, age_s - ALIVE_S)
    return found - SLACK_S


def _signs_of_life(offers: Mapping[str, Contribution]) -> dict[str, tuple[float, float]]:
    """Of each process the last sign of life that anybody saw, and when that was looked for last.

    Who looked last knows best; who is gone since may have given others after that, unseen.
    """
    found: dict[str, tuple[float, float]] = {}
    for offer in offers.values():
        for name, age_s in offer.members.items():
            seen = found.get(name, (math.inf, math.inf))
            found[name] = min(seen[0], age_s), min(seen[1], offer.looked_s)
    return found


class Evidence:
    """All that is known of one channel's log."""

    __slots__ = ("known", "replicas", "seen_in", "stored", "unanswered")

    def __init__(self) -> None:
        self.seen_in = 0
        """The newest term in which a node saw the log."""
        self.replicas: list[Replica] = []
        self.known: list[Known] = []
        self.unanswered: list[Unanswered] = []
        self.stored: DataLog | None = None

    @property
    def epoch(self) -> str | None:
        """The one epoch that everybody knows; None if there are several."""
        epochs = {one.epoch for one in self.replicas} | {one.epoch for one in self.known}
        if self.stored is not None and self.stored.offset:
            epochs.add(self.stored.epoch)
        return epochs.pop() if len(epochs) == 1 else None

    def is_over(self, epoch: str, term: int) -> bool:
        """Whether an epoch that was last known in a term ended since: the log began again."""
        return term < self.seen_in and all(one.epoch != epoch for one in self.replicas)

    @property
    def offset(self) -> int:
        """The newest that anybody knows."""
        stored = 0 if self.stored is None else self.stored.offset
        replicas = max((one.offset for one in self.replicas), default=0)
        return max(stored, replicas, *(one.offset for one in self.known), 0)

    def publications(self) -> dict[int, Publication] | None:
        """By offset; None if one has two contents."""
        found: dict[int, Publication] = {}
        stored = () if self.stored is None else self.stored.publications
        accepted = [one.publication for one in self.known if one.publication is not None]
        for some in (*(one.publications for one in self.replicas), accepted, stored):
            for publication in some:
                if found.setdefault(publication.offset, publication) != publication:
                    return None
        return found


def gathered(offers: Iterable[Contribution]) -> dict[str, Evidence]:
    """What is known of each channel that some node has a replica of."""
    found: dict[str, Evidence] = {}
    offers = list(offers)
    for offer in offers:
        for replica in offer.replicas:
            evidence = found.setdefault(replica.channel, Evidence())
            evidence.replicas.append(replica)
            if offer.is_of_term(replica.age_s):
                evidence.seen_in = max(evidence.seen_in, offer.term)
    for offer in offers:
        for known in offer.known:
            term = offer.term - offer.is_older(known.age_s)
            if known.channel in found and not found[known.channel].is_over(known.epoch, term):
                found[known.channel].known.append(known)
        for unanswered in offer.unanswered:
            if unanswered.channel in found:
                found[unanswered.channel].unanswered.append(unanswered)
    return found


class Certainty(msgspec.Struct, frozen=True):
    """What holds for all logs: see `horizon_s`.

    `has_absent`: a publication may be one of a process that is gone.
    """

    horizon_s: float
    has_absent: bool

    @classmethod
    def of(cls, offers: Mapping[str, Contribution]) -> "Certainty":
        """What the offers allow."""
        return cls(horizon_s(offers), bool(_signs_of_life(offers).keys() - offers.keys()))


def healed(evidence: Evidence, certainty: Certainty, *, waited_s: float = 0.0) -> HealedLog | None:
    """The log as it goes on; None if that is not certain. The offers were made `waited_s` ago."""
    complete = [one for one in evidence.replicas if one.age_s <= certainty.horizon_s]
    epoch = evidence.epoch
    if not complete or epoch is None:
        return None
    publications = evidence.publications()
    if publications is None:
        return None
    offset = evidence.offset
    first = offset
    while first in publications:
        first -= 1
    if first > min(one.offset for one in complete):
        return None
    keys = _keys(evidence, publications, certainty=certainty)
    if keys is None:
        return None
    tail = tuple(publications[number] for number in range(first + 1, offset + 1))
    was = evidence.stored or DataLog("", 0)
    found = tuple(sorted(keys.items()))
    return HealedLog(
        evidence.replicas[0].channel,
        epoch,
        offset,
        tail,
        _rising(tail, _ages(evidence), least_s=waited_s),
        found,
        was.epoch,
        was.offset,
        was.mark,
    )


def _keys(
    evidence: Evidence, publications: Mapping[int, Publication], *, certainty: Certainty
) -> dict[str, int] | None:
    """The idempotency keys that the log has seen; None if it may have seen others."""
    keys: dict[str, int] = {}
    for known in evidence.known:
        if known.key is not None and keys.setdefault(known.key, known.offset) != known.offset:
            return None
    search = _Search(evidence, publications)
    attempts: dict[str, list[Unanswered]] = {}
    for one in evidence.unanswered:
        if one.key not in keys:
            attempts.setdefault(one.key, []).append(one)
    taken: set[int] = set()
    for key, tried in attempts.items():
        matching = sorted({number for one in tried for number in search.offsets_of(one)})
        if not matching:
            if any(search.may_be_dropped(one) for one in tried):
                return None
            continue
        content = publications[matching[0]]
        rivals = [one for one in attempts.values() if is_same(one[0], content)]
        oldest_s = max(search.ages_s.get(number, 0.0) for number in matching)
        if certainty.has_absent or oldest_s > certainty.horizon_s or len(matching) > len(rivals):
            # It may be another's, with the same content.
            return None
        free = [number for number in matching if number not in taken]
        if free:
            keys[key] = free[0]
            taken.add(free[0])
    return keys


class _Search:
    """Where in a log messages are that nobody was answered about."""

    def __init__(self, evidence: Evidence, publications: Mapping[int, Publication]) -> None:
        self.ages_s = _ages(evidence)
        self._epoch = evidence.epoch
        self._publications = publications
        self._claimed = {one.offset for one in evidence.known if one.was_accepted}
        self._first = evidence.offset
        """All after it is either held or somebody's."""
        while self._first in publications or self._first in self._claimed:
            self._first -= 1

    def offsets_of(self, one: Unanswered) -> list[int]:
        """What the message may have been given."""
        after = self._after(one)
        return [
            number
            for number, publication in sorted(self._publications.items())
            if number > after
            and number not in self._claimed
            and is_same(one, publication)
            and self.ages_s.get(number, 0.0) <= one.age_s + SENT_S
        ]

    def may_be_dropped(self, one: Unanswered) -> bool:
        """Whether it may have been in the log, and nobody has it any more."""
        if self._first <= self._after(one):
            return False
        # Of what has no hole after it: whatever nobody has is older than that.
        held = (age_s for number, age_s in self.ages_s.items() if number > self._first)
        return max(held, default=0.0) < one.age_s + SENT_S

    def _after(self, one: Unanswered) -> int:
        return one.after.offset if one.after.epoch == self._epoch else 0


def _rising(
    tail: Sequence[Publication], ages_s: Mapping[int, float], *, least_s: float
) -> tuple[float, ...]:
    """How old publications are, where nobody knows it of all: none is younger than a later one."""
    found: list[float] = []
    age_s = least_s
    for one in reversed(tail):
        age_s = max(age_s, ages_s.get(one.offset, 0.0) + least_s)
        found.append(age_s)
    return tuple(reversed(found))


def _ages(evidence: Evidence) -> dict[int, float]:
    """For how long somebody has had each publication at least."""
    found: dict[int, float] = {}
    for replica in evidence.replicas:
        for publication, age_s in zip(replica.publications, replica.ages_s, strict=True):
            found[publication.offset] = max(age_s, found.get(publication.offset, 0.0))
    for known in evidence.known:
        found[known.offset] = max(known.age_s, found.get(known.offset, 0.0))
    return found


def is_same(one: Unanswered, other: Publication) -> bool:
    """Whether a message has the content of a publication."""
    ours = one.publication
    return (ours.event, ours.data, ours.user, ours.exclude) == (
        other.event,
        other.data,
        other.user,
        other.exclude,
    )
