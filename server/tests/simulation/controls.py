"""What a broker has beside its logs: orders to all nodes, and pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from riverd.errors import BrokerError, RiverError
from riverd.model.log import Position
from riverd.model.orders import Order, Question, Standing, StandingKind
from riverd.model.tabs import TabRow, TabWrite, Written

if TYPE_CHECKING:
    from simulation.broker import SimBroker
    from simulation.server import Server
    from simulation.world import World

GHOST_S_MAX = 3.0

T = TypeVar("T")


class Call(Protocol):
    """Has something happen at the server, or not."""

    async def __call__(self, effect: Callable[[], T]) -> T: ...


class SimControl:
    """See `BrokerControl` for the promises."""

    def __init__(self, call: Call, broker: SimBroker) -> None:
        self._call = call
        self._broker = broker

    @property
    def _server(self) -> Server:
        return self._broker.server

    def _standings(self) -> list[Standing]:
        return self._server.store.standings()

    async def order(self, order: Order) -> Position:
        return await self._call(lambda: self._server.order(order))

    async def standings(
        self, kinds: Sequence[StandingKind] = tuple(StandingKind)
    ) -> AsyncIterator[Sequence[Standing]]:
        found = await self._call(self._standings)
        yield [one for one in found if one.kind in kinds]

    async def standings_of(self, user: str) -> Sequence[Standing]:
        found = await self._call(self._standings)
        return [one for one in found if one.user == user]

    async def give_back(self, standings: Sequence[Standing], *, reload: Order) -> None:
        await self._call(lambda: self._server.give_back(standings, reload))

    async def register(self, name: str) -> None:
        del name
        await self._call(lambda: None)

    async def nodes(self) -> Mapping[str, str]:
        return {}

    async def ask(self, question: Question) -> None:
        """Nobody asks here."""

    async def answer(self, asked: str, body: bytes) -> None:
        del asked, body
        await self._call(lambda: None)

    async def answers(self, asked: str) -> Mapping[str, bytes]:
        del asked
        return {}


class Claims:
    """In which order the connections of each page asked for its row: they are numbered.

    `overtaken` are the pages of which an earlier connection was given it after a later one. It may
    be another page with the same identity: nobody can know that it is gone.
    """

    def __init__(self) -> None:
        self.overtaken: set[str] = set()
        self._newest: dict[str, int] = {}

    def note(self, key: str, session: str) -> None:
        """A connection is given the row."""
        number, newest = int(session.rpartition(".")[2]), self._newest.get(key, 0)
        if number < newest:
            self.overtaken.add(key)
        self._newest[key] = max(number, newest)


class SimTabs:
    """See `BrokerTabs` for the promises."""

    def __init__(self, call: Call, world: World) -> None:
        self._call = call
        self._world = world

    @property
    def since(self) -> float:
        return self._world.server.tabs.since

    async def claim(self, key: str, session: str, *, life_s: float) -> TabRow | None:
        return await self._call(lambda: self._claim(key, session, life_s))

    async def save(
        self, writes: Sequence[TabWrite], *, life_s: float
    ) -> list[Written | RiverError]:
        try:
            return await self._call(lambda: [self._save(one, life_s) for one in writes])
        except BrokerError:
            if self._world.dice.random() < self._world.weather.ghosts:
                self._save_late(writes, life_s, run=self._world.server.run)
            raise

    def _save_late(self, writes: Sequence[TabWrite], life_s: float, *, run: int) -> None:
        """What was given up may be carried out all the same."""

        def effect() -> None:
            if self._world.server.run == run:
                for write in writes:
                    self._save(write, life_s)

        self._world.loop.call_later(self._world.dice.uniform(0, GHOST_S_MAX), effect)

    def _claim(self, key: str, session: str, life_s: float) -> TabRow | None:
        world = self._world
        row = world.server.tabs.claim(key, session, life_s=life_s, now=world.now)
        world.claims.note(key, session)
        world.note("server", "gives", session, "the row", row)
        return row

    def _save(self, write: TabWrite, life_s: float) -> Written:
        world = self._world
        found = world.server.tabs.save(write, life_s=life_s, now=world.now)
        world.note("server", "saves", write, found)
        return found
