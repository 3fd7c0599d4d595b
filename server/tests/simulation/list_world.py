"""Lists of members that the broker loses: nobody who stays is ever announced as gone.

A small world of some nodes around one store. Entries are made again slowly, some calls fail, some
nodes notice late; a few users come and go meanwhile.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from river_wire import Book, Client, sent, session_of
from simulation.loop import VirtualLoop
from simulation.truth import demand

from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.channels.rules import ChannelRules
from riverd.core.hub import Hub
from riverd.errors import BrokerError
from riverd.model.log import Member, Position, Roster
from riverd.node.node import Node
from riverd.node.replicas import remaking
from riverd.node.replicas.settling import SETTLE_S

if TYPE_CHECKING:
    from riverd.core.session import Session

ROOM = "presence-room"
RULES = ChannelRules(history_size=50, history_ttl_s=300.0)
NOTICED_S_MAX = 1.2
"""A lease is renewed so often."""
MADE_S_MAX = 18.0
TAKEN_S_MAX = SETTLE_S + 2.0


class SlowBroker(MemoryBroker):
    """A node's way to the store."""

    def __init__(self, world: ListWorld) -> None:
        super().__init__(world.board, world.loop.time)
        self._world = world
        self.has_said = self.is_late = False
        """Whether the others know that it makes entries; whether they knew it too late, once."""

    async def _pass(self) -> None:
        world = self._world
        await asyncio.sleep(world.dice.uniform(0, world.latency_s))
        if world.dice.random() < world.failing:
            raise BrokerError("the call was lost")

    async def join(self, channel: str, member: Member, *, limit: int | None = None) -> Position:
        self._world.note(f"{self._node} enters {member.user}")
        await self._pass()
        position = await super().join(channel, member, limit=limit)
        self._world.note(f"{self._node} has {member.user} in it from {position} on")
        return position

    async def members(
        self, channel: str, *, limit: int | None = None, keep: bool = False
    ) -> Roster:
        await asyncio.sleep(self._world.dice.uniform(0, self._world.latency_s))
        roster = await super().members(channel, limit=limit, keep=keep)
        self._world.note(f"{self._node} reads {limit} of {roster.count} at {roster.position}")
        return roster

    async def remaking(self, *, here: bool) -> bool:
        self._world.note_making(self, here=here)
        await self._pass()
        others = await super().remaking(here=here)
        self._world.note_making(self, here=here)
        self.has_said = self.has_said or here
        self._world.note(f"{self._node} makes entries: {here}; others do: {others}")
        return others


class ListPlace:
    """A node, and the users that are connected there."""

    def __init__(self, world: ListWorld) -> None:
        self._world = world
        self.hub = Hub(RULES, part_bytes_max=2_000)
        self.broker = SlowBroker(world)
        self.node = Node(self.broker, self.hub, clock=world.loop.time, failed=world.failures.append)
        self.clients: dict[str, tuple[Session, Client]] = {}

    def come(self, user: str) -> None:
        """A user subscribes."""
        client = Client()
        session = session_of(client, book=self._world.book, rules=RULES)
        self.node.opened(session)
        self.clients[user] = session, client
        for message in (sent(type="auth", token=user), sent(type="subscribe", channel=ROOM)):
            self.node.receive(session, message, now=self._world.loop.time())

    def go(self, user: str) -> None:
        """A user's connection ends."""
        session, _ = self.clients.pop(user)
        session.closed = True
        self.node.closed(session)

    @property
    def epoch(self) -> str:
        """The list that the node has."""
        presence = self.hub.channels[ROOM].presence
        assert presence is not None, "the room has members"
        return presence.position.epoch

    def check(self, unknown: set[str]) -> None:
        """Nobody was told that one who stays has left, but of those that nobody could know of."""
        for user, (_, client) in self.clients.items():
            for message in client.take():
                if message["type"] == "left":
                    gone = {message["user"]}
                elif message["type"] == "presence":
                    gone = self._world.staying - {one["user"] for one in message["members"]}
                else:
                    continue
                false = gone & self._world.staying - unknown
                demand(not false, "{} is told that {} has left", user, false)


class ListWorld:
    """Everything of one run, made from the seed."""

    def __init__(self, seed: int, *, trace: Callable[[str], None] | None = None) -> None:
        self._trace = trace
        self.dice = random.Random(seed)  # noqa: S311  a simulation, no secrets
        random.seed(seed)
        self.loop = VirtualLoop(step_s=0.001)
        self.failures: list[BaseException] = []
        epochs = count(1)
        self.store = Store(RULES, new_epoch=lambda: f"e{next(epochs)}")
        self.board = Switchboard(self.store)
        self.book = Book()
        self.latency_s = self.dice.choice((0.01, 0.1, 0.3))
        self.failing = self.dice.choice((0.0, 0.1, 0.3))
        self.users = (f"u{number}" for number in count())
        self.staying: set[str] = set()
        self.began_at: float | None = None
        """When the first node began to make entries, since the list was lost."""

    def note(self, what: str) -> None:
        """A line of the trace."""
        if self._trace is not None:
            self._trace(f"{self.loop.time():9.4f} {what}")

    def lose_list(self, places: list[ListPlace]) -> None:
        """All nodes have to begin again."""
        self.store._members.pop(ROOM, None)
        self.began_at = None
        for place in places:
            place.broker.has_said = False

    def note_making(self, broker: SlowBroker, *, here: bool) -> None:
        """A node says that it makes entries, or tries to: the others take the list in a while."""
        now = self.loop.time()
        if here and self.began_at is None:
            self.began_at = now
        if self.began_at is not None and not broker.has_said:
            broker.is_late |= here and now > self.began_at + SETTLE_S

    def run(self) -> None:
        """Lose the list once or twice; raises what went wrong."""
        asyncio.set_event_loop(self.loop)
        try:
            with self._slow():
                self.loop.run_until_complete(self._story())
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(asyncio.sleep(0))
            asyncio.set_event_loop(None)
            self.loop.close()

    @contextmanager
    def _slow(self) -> Iterator[None]:
        """As where a node has 100,000 entries, with a few."""
        before = remaking.DOUBTED_AT_ONCE, remaking.DOUBT_EVERY_S
        try:
            remaking.DOUBTED_AT_ONCE = self.dice.choice((1, 2))
            remaking.DOUBT_EVERY_S = self.dice.choice((0.05, 0.3, 0.8))
            yield
        finally:
            remaking.DOUBTED_AT_ONCE, remaking.DOUBT_EVERY_S = before

    async def _story(self) -> None:
        places = [ListPlace(self) for _ in range(self.dice.randint(1, 3))]
        for place in places:
            await place.node.start()
            for _ in range(self.dice.randint(1, 6)):
                user = next(self.users)
                place.come(user)
                self.staying.add(user)
        await self._until(lambda: self._is_whole(places), MADE_S_MAX)
        for _ in range(self.dice.choice((1, 1, 2))):
            await self._lose(places)
        late = [place for place in places if place.broker.is_late]
        for place in places:
            place.check({user for one in late for user in one.clients})
        for place in places:
            await place.node.close()
        demand(not self.failures, "{}", self.failures)

    async def _lose(self, places: list[ListPlace]) -> None:
        lost = self.store._members[ROOM]
        self.lose_list(places)
        self.note(f"the list {lost.epoch} is lost, with {sorted(lost.members)}")
        await self._trouble(places)
        # Each made again what it has, in a list that may be the second one that began since.
        await self._until(lambda: self._is_made(lost.epoch), MADE_S_MAX)
        await self._until(lambda: self._is_whole(places), TAKEN_S_MAX)

    async def _trouble(self, places: list[ListPlace]) -> None:
        """All notice, each in its time, and some users come and go."""
        for place in places:
            notice = place.node.on_interrupted
            self.loop.call_later(self.dice.uniform(0, NOTICED_S_MAX), notice)
        for _ in range(self.dice.randint(0, 3)):
            place = self.dice.choice(places)
            user = next(self.users)
            at_s = self.dice.uniform(0, 2)
            self.loop.call_later(at_s, place.come, user)
            self.loop.call_later(at_s + self.dice.uniform(0.5, 3), place.go, user)
        await asyncio.sleep(self.dice.choice((0.0, 1.0, 3.0)))
        if self.dice.random() < 0.3:
            self.lose_list(places)
            for place in places:
                place.node.on_interrupted()
        await asyncio.sleep(6.0)

    def _is_made(self, lost: str) -> bool:
        stored = self.store._members.get(ROOM)
        return stored is not None and stored.epoch != lost and self.staying == set(stored.members)

    def _is_whole(self, places: list[ListPlace]) -> bool:
        stored = self.store._members.get(ROOM)
        if stored is None or set(stored.members) != self.staying:
            return False
        has_all = all(ROOM in place.hub.channels for place in places)
        return has_all and all(place.epoch == stored.epoch for place in places)

    async def _until(self, holds: Callable[[], bool], within_s: float) -> None:
        end_s = self.loop.time() + within_s
        while not holds():
            demand(self.loop.time() < end_s, "not so after {} s", within_s)
            await asyncio.sleep(0.1)
