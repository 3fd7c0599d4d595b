"""Gives a broker back what it lost: all processes offer what they have, one of them restores it.

The data of a server has histories: it was restarted, or is another server's replica. A **term** is
opened in one history, and until then every call of it fails as if the broker were away:

    closed     | each process offers what it has (see `offers.py`), then has no part in an older
               | term any more; who has the round collects the offers
    collected  | all that were alive have offered, or `WAIT_S` is over: what is certain is written
               | (see `union.py`)
    open       | logs that were written in the term go on; all others begin again

A round belongs to who asks first, and to another when that one falls silent: what it writes after
that is refused.
"""

import asyncio
import math
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from typing import Protocol

import msgspec

from riverd.healing.acceptance import Acceptance
from riverd.healing.offers import Contribution, DataLog, HealedLog, Held, Known, Replica
from riverd.healing.parts import PARTS
from riverd.healing.shards import Shards
from riverd.healing.union import (
    ABSENT_S,
    ALIVE_S,
    FORGOTTEN_S,
    Certainty,
    Evidence,
    awaited,
    gathered,
    healed,
)
from riverd.scheduling.portions import portions

BEAT_S = 0.5
TURN_S = 0.1
WAIT_S = 3.0
"""For how long a process that was alive is waited for."""
GRACE_S = 0.25
"""For how long processes that have just started wait for others that may know more."""
PORTION = 200
TURN_PUBLICATIONS = 10_000
"""Of replicas, between which it is others' turn: 3 ms of the loop."""
UNSEEN_MAX = 100
UNSEEN_MS_EACH = 50
CANDIDATE, FAREWELL = "?", "-"
"""Before the name of a process that may not publish or deliver yet, or any more."""


class Term(msgspec.Struct, frozen=True):
    """What a history of the data is opened as. The one with the higher number is the newer."""

    number: int
    name: str


class Turn(msgspec.Struct, frozen=True):
    """How things stand: the term if it is open, or whose round it is."""

    term: Term | None
    round: str = ""
    is_mine: bool = False


class Beats(msgspec.Struct, frozen=True):
    """What a sign of life is answered with: the server's time, and that of all signs, in ms.

    `answered` is the server's time in the last answer that a process has got, as it says itself:
    an answer may be lost after the sign was counted.
    """

    now: float
    signs: Mapping[str, float]
    answered: Mapping[str, float] = {}
    has_outsiders: bool = False
    is_member: bool = True
    """Whether it counts as that of a member: it was one there, or there was none any more."""


class HealingSite(Protocol):
    """One history of a server's data, before it is open. Every method raises `BrokerError`."""

    @property
    def may_be_new(self) -> bool:
        """Whether processes that know more may be on their way: it has just begun."""
        ...

    async def turn(self, name: str, *, least: int, round_name: str) -> Turn:
        """The open term, if its number is at least this; else whose round it is.

        A round that is over, or that nobody renews, becomes a new one of this name.
        """
        ...

    async def offer(self, round_name: str, name: str, *, offer: Contribution) -> None:
        """Give an offer to a round."""
        ...

    async def offers(self, round_name: str, known: Sequence[str]) -> Mapping[str, Contribution]:
        """All offers to a round, without those that are known, and without their parts."""
        ...

    async def part(self, number: int, *, names: Sequence[str]) -> Sequence[Contribution] | None:
        """One part of each of the offers that have it; None if one of them is lost."""
        ...

    async def prepare(self, term: Term, *, former: Shards) -> None:
        """What is asked from now on is asked for this term; its round is this process's.

        `former` are the shards of the term before, as who offers knows them.
        """
        ...

    async def stored(self, channels: Sequence[str]) -> Sequence[DataLog | None]:
        """What the data has of logs."""
        ...

    async def restore(self, term: Term, logs: Sequence[HealedLog]) -> None:
        """Write logs. Refused if the round of the term's name is over."""
        ...

    async def open(self, term: Term, *, members: Sequence[str]) -> None:
        """Let calls through; members that took part count as seen now.

        Refused if the round of the term's name is over.
        """
        ...


class Peers:
    """Who else publishes or delivers, as far as this process knows.

    A process publishes and delivers only for `ALIVE_S` after a sign of life that another one has
    seen, so that the others know whom to ask. It has seen it if it got an answer with it, and has
    said so in its next sign. At first a process is a candidate: a member has to see it, or there is
    none any more, who could have given what it does not know of.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_member = False
        self.alive_until = -math.inf
        self.has_outsiders = False
        self.looked_at = -math.inf
        self.answered_ms = 0.0
        """The server's time in the last answer."""
        self._last_sign: dict[str, float] = {}
        self._unseen: deque[tuple[float, float]] = deque(maxlen=UNSEEN_MAX)
        """The last signs of life that nobody has seen yet: the server's time and ours."""

    @property
    def sign(self) -> str:
        """The name under which signs of life are given."""
        return self.name if self.is_member else CANDIDATE + self.name

    def took(self, beats: Beats, asked_at: float) -> None:
        """A sign of life was given, and those of others were seen."""
        if beats.now < self.answered_ms:
            # Its clock was set back: it does not show who had seen these signs.
            self._unseen.clear()
        self.looked_at = asked_at
        self.has_outsiders = beats.has_outsiders
        self.is_member = beats.is_member
        members: list[float] = []
        for sign, given in beats.signs.items():
            kind, name = (sign[0], sign[1:]) if sign[0] in (CANDIDATE, FAREWELL) else ("", sign)
            if name == self.name:
                continue
            age_ms = max(0.0, beats.now - given)
            at = asked_at - age_ms / 1000
            self._last_sign[name] = max(at, self._last_sign.get(name, -math.inf))
            if not kind and age_ms < ABSENT_S * 1000:
                members.append(min(given, beats.answered.get(name, 0.0)))
        self.answered_ms = beats.now
        self._be_seen(members, now=beats.now, asked_at=asked_at)
        before = asked_at - FORGOTTEN_S
        for name in [name for name, at in self._last_sign.items() if at < before]:
            del self._last_sign[name]

    def _be_seen(self, answered: Sequence[float], *, now: float, asked_at: float) -> None:
        """`answered` is when members that are there got their last answers."""
        if not self._unseen or now - self._unseen[-1][0] >= UNSEEN_MS_EACH:
            # Not each of many at once: the first of them is what others see first.
            self._unseen.append((now, asked_at))
        if answered:
            while self._unseen and self._unseen[0][0] < max(answered):
                self._see(self._unseen.popleft()[1])
        elif self.is_member:
            self._see(asked_at)
            self._unseen.clear()

    def _see(self, at: float) -> None:
        self.is_member = True
        self.alive_until = max(self.alive_until, at + ALIVE_S)

    def moved(self) -> None:
        """Signs of life are given to another history from now on."""
        self._unseen.clear()
        self.answered_ms = 0.0
        self.alive_until = -math.inf

    def ages(self, now: float) -> dict[str, float]:
        """How long ago each of the others gave its last sign of life."""
        return {name: now - at for name, at in self._last_sign.items()}


class Healing:
    """One process's part in it."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
        grace_s: float = GRACE_S,
    ) -> None:
        self._grace_s = grace_s
        self.members = Peers(new_id())
        self.acceptance = Acceptance()
        self.held: Callable[[], Awaitable[Held]] | None = None
        """What the node of this process holds, if it is one."""
        self.least = 0
        """No older term is this process's any more."""
        self._entered = 0
        """The number of the last term that it was in."""
        self._entered_name = ""
        self._shards: Shards = ()
        self._entered_at = math.inf
        self._entries = 0
        """How often it has entered a term: two may have the same number."""
        self._clock = clock
        self._new_id = new_id

    @property
    def is_alive(self) -> bool:
        """Whether others know that this process publishes and delivers.

        Not after its offer: what a former master may still announce to it is not in there.
        """
        return not self.has_left and self._clock() < self.members.alive_until

    @property
    def has_left(self) -> bool:
        """Whether it has offered what it has, and is in no term since."""
        return self.least > self._entered

    def enter(self, term: Term, shards: Shards = ()) -> None:
        """What this process does belongs to another term from now on, and to its shards."""
        self._shards = shards
        self._entered, self._entered_name = term.number, term.name
        self._entered_at = self._clock()
        self._entries += 1
        self.least = max(self.least, term.number)
        self.members.moved()

    def is_rival(self, term: Term) -> bool:
        """Whether a term is another's of the same number as this process's last one.

        Two histories may be opened at once, from the same offers: their logs have one epoch, and
        positions that were given in both are two publications. Not those of the first number: who
        opened them had been in none, so nothing was healed.
        """
        return 1 < term.number == self._entered and term.name != self._entered_name

    async def heal(self, site: HealingSite) -> Term:
        """Take part until the data is open.

        Raises:
            BrokerError: the server went away meanwhile.
        """
        offered, collected = "", _Collected(self._clock())
        entered = self._entries
        while True:
            turn = await site.turn(self.members.name, least=self.least, round_name=self._new_id())
            if turn.term is not None:
                if not self.is_rival(turn.term):
                    return turn.term
                self.least = turn.term.number + 1
                continue
            if self._entries != entered:
                # It was opened meanwhile, and this process is in it.
                entered = self._entries
                continue
            if turn.round != offered:
                # Before it is made: nothing is delivered any more that is not in it.
                self.least = max(self.least, self._entered + 1)
                offer = await self._offer()
                if self._entries != entered:
                    continue
                await site.offer(turn.round, self.members.name, offer=offer)
                offered, collected = turn.round, _Collected(self._clock())
            if turn.is_mine:
                new = await site.offers(turn.round, list(collected.offers))
                collected.offers.update(new)
                is_ours = self.members.name in collected.offers
                if is_ours and collected.is_complete(site, self._clock(), grace_s=self._grace_s):
                    await self._restore(site, turn.round, collected=collected)
                    continue
            await asyncio.sleep(TURN_S)

    async def _offer(self) -> Contribution:
        replicas: Sequence[Replica] = ()
        known: list[Known] = []
        # One moment for all of it.
        now, members, acceptance = self._clock(), self.members, self.acceptance
        if self.held is not None:
            replicas, former = await self.held()
            known += former
        given = acceptance.known(now)
        while some := list(islice(given, PORTION)):
            known += some
            await asyncio.sleep(0)
        return Contribution(
            self._entered,
            acceptance.remembers_s(now),
            now - members.looked_at,
            members.ages(now),
            members.has_outsiders,
            members.is_member,
            tuple(replicas),
            tuple(known),
            tuple(acceptance.all_unanswered(now)),
            now - self._entered_at,
            self._shards,
            self.least,
        )

    async def _restore(
        self, site: HealingSite, round_name: str, *, collected: "_Collected"
    ) -> None:
        offers = collected.offers
        number = max(max(offer.term + 1, offer.least) for offer in offers.values())
        term = Term(number, round_name)
        certainty = Certainty.of(offers)
        newest = max(offers.values(), key=lambda offer: offer.term)
        await site.prepare(term, former=newest.shards)
        for number in range(PARTS) if certainty.horizon_s >= 0 else ():
            part = await site.part(number, names=list(offers))
            if not part:
                # Nobody has anything of it, or what somebody had is lost: those logs begin again.
                continue
            evidence = gathered(part)
            async for some in portions(list(evidence), PORTION):
                found = {channel: evidence[channel] for channel in some}
                logs = await self._healed(site, found, certainty=certainty, since=collected.since)
                await site.restore(term, logs)
            # It stays ours.
            await site.turn(self.members.name, least=self.least, round_name=round_name)
        names = [name for name, offer in offers.items() if offer.is_member]
        await site.open(term, members=names)

    async def _healed(
        self,
        site: HealingSite,
        evidence: Mapping[str, Evidence],
        *,
        certainty: Certainty,
        since: float,
    ) -> Sequence[HealedLog]:
        logs: list[HealedLog] = []
        stored, looked_at = await site.stored(list(evidence)), 0
        for one, found in zip(evidence.values(), stored, strict=True):
            if found is not None and found.goes_on:
                continue
            one.stored = found
            log = healed(one, certainty, waited_s=self._clock() - since)
            if log is not None:
                logs.append(log)
            looked_at += sum(len(replica.publications) for replica in one.replicas)
            if looked_at > TURN_PUBLICATIONS:
                looked_at = 0
                await asyncio.sleep(0)
        return logs


class _Collected:
    """The offers to a round, and since when they are collected."""

    def __init__(self, now: float) -> None:
        self.offers: dict[str, Contribution] = {}
        self.since = now

    def is_complete(self, site: HealingSite, now: float, *, grace_s: float) -> bool:
        """Whether nobody is waited for any more."""
        waited_s = now - self.since
        if awaited(self.offers) - self.offers.keys():
            return waited_s > WAIT_S
        has_elders = any(offer.looked_s < math.inf for offer in self.offers.values())
        return has_elders or not site.may_be_new or waited_s >= grace_s
