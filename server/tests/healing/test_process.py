"""What a process does while a broker is given back what it lost."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from riverd.errors import BrokerError
from riverd.healing.offers import Contribution, DataLog, HealedLog, Held
from riverd.healing.process import Beats, Healing, Term, Turn


class AwaySite:
    """A server that goes away once it has an offer."""

    may_be_new = False

    def __init__(self) -> None:
        self.given: dict[tuple[str, str], Contribution] = {}

    async def turn(self, name: str, *, least: int, round_name: str) -> Turn:
        del name, least
        return Turn(None, round_name)

    async def offer(self, round_name: str, name: str, *, offer: Contribution) -> None:
        self.given[round_name, name] = offer
        raise BrokerError("it is away")

    async def offers(self, round_name: str, known: Sequence[str]) -> Mapping[str, Contribution]:
        del round_name, known
        return {}

    async def part(self, number: int, *, names: Sequence[str]) -> Sequence[Contribution]:
        del number, names
        return []

    async def stored(self, channels: Sequence[str]) -> Sequence[DataLog | None]:
        del channels
        return []

    async def restore(self, term: Term, logs: Sequence[HealedLog]) -> None:
        """Nothing comes so far."""

    async def open(self, term: Term, *, members: Sequence[str]) -> None:
        """Nothing comes so far."""


class OpenedSite(AwaySite):
    """A server that is opened by another, as this term, while it is asked."""

    def __init__(self, healing: Healing, opened_as: Term) -> None:
        super().__init__()
        self._healing = healing
        self._opened_as = opened_as
        self._term: Term | None = None

    async def turn(self, name: str, *, least: int, round_name: str) -> Turn:
        del name
        if self._term is not None:
            return Turn(self._term if self._term.number >= least else None, round_name)
        self._term = self._opened_as
        self._healing.enter(self._term)
        return Turn(None, round_name)


@pytest.mark.parametrize("number", [2, 1])
def test_who_is_in_the_term_by_now_offers_nothing(number: int) -> None:
    # Processes that have just started open the first term once more, with the first number.
    healing, opened = Healing(lambda: 100.0), Term(number, "second")
    healing.enter(Term(1, "first"))
    assert asyncio.run(healing.heal(OpenedSite(healing, opened))) == opened
    assert not healing.has_left
    healing.members.took(Beats(0.0, {}), 99.0)
    assert healing.is_alive


def test_nothing_is_delivered_from_the_offer_until_a_later_term() -> None:
    healing = Healing(lambda: 100.0)
    was_alive: list[bool] = []

    async def held() -> Held:
        was_alive.append(healing.is_alive)
        return (), ()

    healing.held = held
    healing.enter(Term(1, "first"))
    healing.members.took(Beats(0.0, {}), 99.0)
    assert healing.is_alive
    with pytest.raises(BrokerError):
        asyncio.run(healing.heal(AwaySite()))
    assert not healing.is_alive
    assert was_alive == [False]
    healing.enter(Term(2, "second"))
    healing.members.took(Beats(0.0, {}), 99.5)
    assert healing.is_alive


class RivalSite(AwaySite):
    """A server that others opened as a term of the number that this process is in."""

    async def turn(self, name: str, *, least: int, round_name: str) -> Turn:
        del name
        theirs = Term(2, "theirs")
        return Turn(theirs if theirs.number >= least else None, round_name)


def test_a_term_of_the_same_number_is_another_and_is_not_entered() -> None:
    healing, site = Healing(lambda: 100.0), RivalSite()
    healing.enter(Term(2, "ours"))
    with pytest.raises(BrokerError, match="it is away"):
        asyncio.run(healing.heal(site))
    assert site.given, "a newer one is asked for, with what this process has"


def test_what_new_processes_opened_meanwhile_is_entered() -> None:
    healing = Healing(lambda: 100.0)
    healing.enter(Term(1, "ours"))
    assert not healing.is_rival(Term(1, "theirs"))
