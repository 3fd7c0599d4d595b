"""The broker's end of healing: histories of its data, rounds, terms; and a process's way there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

# By its module: a bug that is planted there is one here.
import riverd.healing.parts as division
from riverd.errors import BrokerError
from riverd.healing.offers import Contribution, DataLog, HealedLog
from riverd.healing.process import CANDIDATE, FAREWELL, Beats, Term, Turn
from riverd.healing.shards import Shards
from riverd.healing.union import SILENT_S
from riverd.model.log import Position, Receipt

if TYPE_CHECKING:
    from simulation.broker import SimBroker
    from simulation.server import Server

ROUND_S = 2.0
SIGNS_KEPT_S = 60.0

T = TypeVar("T")
OfferHead = tuple[Contribution, tuple[int, ...]]
"""What is given of an offer last: without its parts, but with their numbers."""
Keys = dict[tuple[str, str], Receipt]


@dataclass
class Data:
    """Logs and idempotency keys, as a disk or a replica has them."""

    logs: dict[str, DataLog] = field(default_factory=dict[str, DataLog])
    keys: Keys = field(default_factory=Keys)


class HealingServer:
    """What the scripts do. Until the first term of its history is open, `term` is None."""

    def __init__(self, server: Server) -> None:
        self.term: Term | None = Term(1, "first")
        self.signs: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        self._server = server
        self._data = Data()
        self._restored: dict[str, tuple[str, HealedLog]] = {}
        """The term in which a log of the data was restored."""
        self._round = ""
        self._owner = ""
        self._until = 0.0
        self._offers: dict[str, OfferHead] = {}
        self._parts: dict[tuple[str, int], Contribution] = {}

    def begin(self, data: Data) -> None:
        """This history is not open yet."""
        self.term, self._data = None, data

    def flush(self) -> None:
        """Have nothing any more, neither of a round nor of what was restored in it."""
        self._round, self._owner, self._offers, self._parts = "", "", {}, {}
        self._restored = {}
        self.begin(Data())

    def dump(self) -> Data:
        """A copy of the data."""
        if self.term is None:
            return Data(dict(self._data.logs), dict(self._data.keys))
        store = self._server.store
        logs = {
            channel: DataLog(log.epoch, log.offset, tuple(one for _, one in log.entries))
            for channel, log in store._logs.items()
        }
        return Data(logs, {key: receipt for key, (_, receipt) in store._keys.items()})

    def admits(self, least: int) -> bool:
        """Whether the data is open for a process.

        One that knows of no other master would publish where nobody is any more, if it came before
        those who know: nothing can keep it from that (see the README). Here it waits for them.
        """
        is_lost = self._server.is_abandoned
        return self.term is not None and self.term.number >= least and not is_lost

    def turn(self, name: str, least: int, round_name: str) -> Turn:
        now = self._server._world.now
        if self.admits(least):
            return Turn(self.term)
        if not self._round or self._until < now:
            self._round, self._owner, self._offers, self._parts = round_name, name, {}, {}
        if self._owner == name:
            self._until = now + ROUND_S
        return Turn(None, self._round, self._owner == name)

    def offer_part(self, round_name: str, name: str, *, number: int, part: Contribution) -> None:
        if round_name == self._round:
            self._parts[name, number] = part
            self._stays(name)
            self._note(name, "offers part", number, part)

    def offer(self, round_name: str, name: str, *, head: OfferHead) -> None:
        if round_name == self._round:
            self._offers[name] = head
            self._stays(name)
            self._note(name, "offers", head)

    def _stays(self, name: str) -> None:
        if self._owner == name:
            self._until = self._server._world.now + ROUND_S

    def offers(self, round_name: str, known: Sequence[str]) -> dict[str, OfferHead]:
        if round_name != self._round:
            return {}
        return {name: offer for name, offer in self._offers.items() if name not in known}

    def whole(self, names: Sequence[str]) -> list[Contribution] | None:
        """Offers that were given in one piece."""
        lost = set(names) - self._offers.keys()
        return None if lost else [self._offers[name][0] for name in names]

    def part(self, number: int, names: Sequence[str]) -> list[Contribution] | None:
        """None if one is lost."""
        world = self._server._world
        if world.dice.random() < world.lost_parts:
            # What one of them gave is gone.
            self._parts.pop((names[number % len(names)], number), None)
        found = [self._parts.get((name, number)) for name in names]
        return None if None in found else [one for one in found if one is not None]

    def stored(self, channels: Sequence[str]) -> list[DataLog | None]:
        data = self.dump()
        return [data.logs.get(channel) for channel in channels]

    def restore(self, term: Term, logs: Sequence[HealedLog]) -> None:
        self._check(term)
        if self.term is not None:
            # It goes on for those who still are in the older term; they find out.
            self._data = self.dump()
        for log in logs:
            found = self._data.logs.get(log.channel) or DataLog("", 0)
            if (found.epoch, found.offset) != (log.was_epoch, log.was_offset):
                continue
            self._data.logs[log.channel] = DataLog(log.epoch, log.offset, log.publications)
            self._restored[log.channel] = term.name, log
            for key, offset in log.keys:
                position = Position(log.epoch, offset)
                self._data.keys.setdefault((log.channel, key), position)

    def open(self, term: Term, members: Sequence[str]) -> None:
        self._check(term)
        self.signs = dict.fromkeys(members, self._server._world.now * 1000)
        self.answered = {}
        data = self._data if self.term is None else self.dump()
        restored = {
            channel: log for channel, (name, log) in self._restored.items() if name == term.name
        }
        self._note("server", "opens", term, restored, sorted(data.logs.keys() - restored.keys()))
        self._server._world.healed += len(restored)
        self.term, self._round = term, ""
        # Of all parts: while an older term goes on, each begins from a new copy of its data.
        keys: Keys = {
            (log.channel, key): Position(log.epoch, offset)
            for log in restored.values()
            for key, offset in log.keys
        }
        self._server.opened(restored, keys | data.keys | self._data.keys)

    def check_publish(self, channel: str) -> None:
        """What an older term would still publish begins the log again."""
        if self._round and self._restored.get(channel, ("",))[0] == self._round:
            raise BrokerError("this log belongs to the next term")

    def beat(
        self, sign: str, *, answered: tuple[Term | None, float] = (None, 0), older_s: float = 0.0
    ) -> Beats:
        """A sign of life, or a farewell."""
        now = self._server._world.now
        name = sign.lstrip(CANDIDATE + FAREWELL)
        was_member, was_here = name in self.signs, CANDIDATE + name in self.signs
        for other in (name, CANDIDATE + name, FAREWELL + name):
            self.signs.pop(other, None)
        if sign[0] != FAREWELL:
            is_silent = not any(
                given > (now - SILENT_S) * 1000
                for other, given in self.signs.items()
                if other[0] not in (CANDIDATE, FAREWELL)
            )
            is_member = was_member or is_silent or (was_here and sign == name)
            sign = name if is_member else CANDIDATE + name
        self.signs[sign] = (now - older_s) * 1000
        in_term, answered_ms = answered
        self.answered[name] = answered_ms if in_term == self.term else 0.0
        self.signs = {
            other: given
            for other, given in self.signs.items()
            if given > (now - SIGNS_KEPT_S) * 1000
        }
        is_member = sign == name
        return Beats(now * 1000, dict(self.signs), dict(self.answered), is_member=is_member)

    def _check(self, term: Term) -> None:
        if self._round != term.name:
            raise BrokerError("the round is over")

    def _note(self, who: str, *what: object) -> None:
        self._server._world.note(who, *what)


class SimSite:
    """See `HealingSite`: each call takes time, and may come to nothing."""

    def __init__(self, broker: SimBroker, server: Server) -> None:
        self._broker = broker
        self._server = server
        self._healing = server.healing
        self._numbers: dict[str, tuple[int, ...]] = {}
        """The parts of the offers that were read."""

    @property
    def may_be_new(self) -> bool:
        return True

    async def turn(self, name: str, *, least: int, round_name: str) -> Turn:
        return await self._ask(lambda: self._healing.turn(name, least, round_name))

    async def offer(self, round_name: str, name: str, *, offer: Contribution) -> None:
        """As in `RedisSite`: its parts first. Where the server is full they are light."""
        world, healing = self._broker._world, self._healing
        rest, parts = await division.divided(offer) if world.in_parts else (offer, {})
        for number, whole in parts.items():
            part = division.light(whole) if world.dice.random() < world.light_parts else whole
            await self._ask(partial(healing.offer_part, round_name, name, number=number, part=part))
        head = rest, tuple(parts)
        await self._ask(lambda: healing.offer(round_name, name, head=head))

    async def offers(self, round_name: str, known: Sequence[str]) -> Mapping[str, Contribution]:
        found = await self._ask(lambda: self._healing.offers(round_name, known))
        self._numbers |= {name: numbers for name, (_, numbers) in found.items()}
        return {name: rest for name, (rest, _) in found.items()}

    async def part(self, number: int, *, names: Sequence[str]) -> Sequence[Contribution] | None:
        if not self._broker._world.in_parts:
            return self._healing.whole(names) if number == 0 else []
        having = [name for name in names if number in self._numbers[name]]
        return await self._ask(lambda: self._healing.part(number, having)) if having else []

    async def prepare(self, term: Term, *, former: Shards) -> None:
        """One server has nothing to prepare."""

    async def stored(self, channels: Sequence[str]) -> Sequence[DataLog | None]:
        return await self._ask(lambda: self._healing.stored(channels))

    async def restore(self, term: Term, logs: Sequence[HealedLog]) -> None:
        await self._ask(lambda: self._healing.restore(term, logs))

    async def open(self, term: Term, *, members: Sequence[str]) -> None:
        await self._ask(lambda: self._healing.open(term, members))

    async def _ask(self, effect: Callable[[], T]) -> T:
        return await self._broker.ask(effect, self._server)
