"""What is healed together: the record at its home, and logs at all servers of the cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from simulation.shard_server import NODES, ElsewhereError, ShardServer

# By their modules: a bug that is planted there is one here.
import riverd.healing.parts as division
import riverd.healing.shards as shards_module
from riverd.errors import BrokerError
from riverd.healing.admissions import OpenTerm
from riverd.healing.offers import Contribution, DataLog, HealedLog
from riverd.healing.process import Term, Turn
from riverd.healing.shards import Mark, Shards

if TYPE_CHECKING:
    from simulation.shard_connection import ShardConnection
    from simulation.shard_process import ShardProcess

T = TypeVar("T")
UNKNOWN = DataLog("", 0, goes_on=True)
"""Of a log that cannot be looked at: it stays as it is."""


class ShardSite:
    """See `HealingSite`. One history of the home's data, with all other servers."""

    may_be_new = True

    def __init__(self, process: ShardProcess, home: ShardConnection) -> None:
        self._process = process
        self._world = process.world
        self._connection = home
        self._home = home.server
        self._numbers: dict[str, tuple[int, ...]] = {}
        """The parts of the offers that were read."""
        self._view: dict[str, str] = {}
        self._found: dict[str, str | None] = {}
        self._following: OpenTerm | None = None
        self._others: dict[str, ShardConnection] = {}

    async def turn(self, name: str, *, least: int, round_name: str) -> Turn:
        return await self._ask(lambda: self._home.home.turn(name, least, round_name))

    async def offer(self, round_name: str, name: str, *, offer: Contribution) -> None:
        rest, parts = await division.divided(offer)
        for number, part in parts.items():
            give = partial(self._give, round_name, name, number=number, part=part)
            await self._ask(give)
        head = rest, tuple(parts)
        await self._ask(lambda: self._home.home.offer(round_name, name, head=head))

    def _give(self, round_name: str, name: str, *, number: int, part: Contribution) -> None:
        self._home.home.offer_part(round_name, name, number=number, part=part)

    async def offers(self, round_name: str, known: Sequence[str]) -> Mapping[str, Contribution]:
        found = await self._ask(lambda: self._home.home.offers(round_name, known))
        self._numbers |= {name: numbers for name, (_, numbers) in found.items()}
        return {name: rest for name, (rest, _) in found.items()}

    async def part(self, number: int, *, names: Sequence[str]) -> Sequence[Contribution] | None:
        having = [name for name in names if number in self._numbers[name]]
        if not having:
            return []
        return await self._ask(lambda: self._home.home.part(number, having))

    async def prepare(self, term: Term, *, former: Shards) -> None:
        """Find out which servers there are, and which of them are what they were."""
        self._view = self._world.cluster.view_of(self._process.name)
        self._found, self._others = {}, {}
        for address in sorted(set(self._view.values())):
            self._found[address] = await self._history_at(address)
        record = await self._ask(lambda: self._home.home)
        before, terms = former, ()
        if record.term is not None and record.term.number >= term.number - 1:
            before, terms = record.shards, record.terms
        shards = shards_module.following(before, self._found, term=term.name)
        terms = shards_module.terms_after(terms, term.name)
        self._following = OpenTerm(term, shards, terms)
        self._world.note(self._process.name, "prepares", term, shards, "after", before)

    @property
    def _next(self) -> OpenTerm:
        assert self._following is not None, "it was prepared"
        return self._following

    async def _history_at(self, address: str) -> str | None:
        try:
            connection = await self._process.ask(address)
        except BrokerError:
            return None
        self._others[address] = connection
        return connection.server.history

    async def stored(self, channels: Sequence[str]) -> Sequence[DataLog | None]:
        return [await self._stored(channel) for channel in channels]

    async def _stored(self, channel: str) -> DataLog | None:
        connection = self._others.get(self._view[channel])
        if connection is None or channel in self._world.cluster.moving:
            return UNKNOWN
        server = connection.server

        def effect() -> DataLog | None:
            server.check_slot(channel, is_asking=False)
            return server.stored(channel, self._next)

        try:
            return await connection.ask(effect)
        except ElsewhereError as error:
            if error.is_asking:
                return UNKNOWN
            raise

    async def restore(self, term: Term, logs: Sequence[HealedLog]) -> None:
        del term
        for log in logs:
            address = self._view[log.channel]
            connection = self._others.get(address)
            if connection is None:
                # Nobody has looked at it.
                continue
            await connection.ask(partial(self._restore, connection.server, log))

    def _restore(self, server: ShardServer, log: HealedLog) -> None:
        server.check_slot(log.channel, is_asking=False)
        shard = self._next.shard(server.history)
        assert shard is not None, "it has answered"
        server.restore(log, Mark(shard.history, shard.admitted, self._next.term.name))

    async def open(self, term: Term, *, members: Sequence[str]) -> None:
        """Not if another server came meanwhile, or is another by now."""
        view = self._world.cluster.view_of(self._process.name)
        found = {address: await self._history_at(address) for address in self._found}
        if view != self._view or found != self._found:
            raise BrokerError("the cluster has changed meanwhile")
        await self._ask(lambda: self._open(term, members))

    def _open(self, term: Term, members: Sequence[str]) -> None:
        home = self._home
        home.home.check_round(term)
        home.write_home(home.home.following(self._next, members))
        self._world.opened(home.home)

    async def _ask(self, effect: Callable[[], T]) -> T:
        """Something of the home, if the record is there still."""

        def checked() -> T:
            # Its data may be at the server that takes the slot over.
            self._home.check_slot(NODES, is_asking=True)
            return effect()

        return await self._connection.ask(checked)
