"""A process's part in healing: signs of life, and the way back into a broker that was lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from simulation.healing import SimSite

from riverd.errors import BrokerError
from riverd.healing.process import BEAT_S, FAREWELL, TURN_S, Beats, Healing, Term
from riverd.healing.union import ABSENT_S
from riverd.model.log import Message, Position, Receipt

if TYPE_CHECKING:
    from simulation.broker import SimBroker
    from simulation.server import Server
    from simulation.world import World


class SimLink:
    """Which term of which server a process is in. Without healing it is always in one."""

    def __init__(self, world: World, broker: SimBroker) -> None:
        self.healing = Healing(lambda: world.now, new_id=world.new_id)
        self.entered = 0
        self.was_open = True
        self._world = world
        self._broker = broker
        self._term: Term | None = None
        self._last: Term | None = None
        self._server: Server | None = None
        self._given: dict[str, Position] = {}
        self._tasks = [world.start(self._live())] if world.heals else []
        self._healing_now = self._closed = False

    def close(self) -> None:
        """The process is over."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    def lose(self) -> None:
        """The connection is lost."""
        self._term = None

    def enter(self) -> bool:
        """Whether the data is open for this process: looked at once a connection."""
        self.was_open = self._enter()
        return self.was_open

    def _enter(self) -> bool:
        server = self._broker.server
        if not self._world.heals:
            return True
        term = server.healing.term
        if self._term is not None and self._server is server:
            if term == self._term:
                return True
            # Answers come in order: all to what was asked before it was closed have come by now.
            self._broker.drop_calls()
            return False
        is_open = term is not None and server.healing.admits(self.healing.least)
        if term is None or not is_open or self.healing.is_rival(term):
            self._heal_soon()
            return False
        self._enter_term(term, server)
        return True

    def _enter_term(self, term: Term, server: Server) -> None:
        self._term, self._server = term, server
        if term != self._last:
            self._last = term
            self._world.note(self._broker.node, "is in", term)
            self.entered += 1
            self.healing.enter(term)
            if self._broker.feed is not None:
                self._broker.feed.cut()

    @property
    def is_current(self) -> bool:
        """Whether this process is in the newest term."""
        server = self._world.server
        return self._server is server and server.healing.term == self._last

    @property
    def is_well(self) -> bool:
        """Whether nothing stands between this process and the broker."""
        feed = self._broker.feed
        return self.healing.is_alive and feed is not None and feed.connected

    def check_alive(self) -> None:
        """Nobody publishes whom the others do not know to be there."""
        if not self.may_act:
            self._broker.trouble_s = max(self._broker.trouble_s, self._world.now)
            raise BrokerError("others do not know of this process")

    def accepts(self, server: Server | None) -> bool:
        """Whether what a feed of a server brings is of the term that this process is in."""
        if not self._world.heals:
            return True
        return (
            self._term is not None
            and server is self._server is self._broker.server
            and server.healing.term == self._term
        )

    @property
    def may_act(self) -> bool:
        """Whether this process publishes and delivers."""
        return self.healing.is_alive or not self._world.heals

    def given(self, channel: str) -> Position:
        """The newest position that this process was given."""
        return self._given.get(channel, Position("", 0))

    def note_unanswered(self, message: Message, after: Position) -> None:
        """Nobody knows what became of a message."""
        self.healing.acceptance.unanswered(message, after=after, now=self._world.now)

    def note(self, message: Message, receipt: Receipt) -> None:
        """A message was answered."""
        if not isinstance(receipt, Position):
            return
        known = self._given.get(message.channel)
        is_new = known is None or known.epoch != receipt.epoch or known.offset < receipt.offset
        if is_new:
            self._given[message.channel] = receipt
        self.healing.acceptance.accepted(message, receipt, is_new=is_new, now=self._world.now)

    def bid_farewell(self, node: str) -> None:
        """What others can know of the end of this process."""
        server = self._broker.server
        server.healing.beat(FAREWELL + self.healing.members.name, older_s=ABSENT_S)
        server.forget(node)

    async def _live(self) -> None:
        while True:
            asked_at, was_alive = self._world.now, self.healing.is_alive
            try:
                answered = self._term, self.healing.members.answered_ms
                beats = await self._broker._call(lambda answered=answered: self._beat(answered))
                self.healing.members.took(beats, asked_at)
                if self.healing.has_left and not self._healing_now:
                    self._broker.drop_calls()
                if self.healing.is_alive and not was_alive and self._broker.feed is not None:
                    self._broker.feed.interrupted()
            except BrokerError:
                self._check_term()
            if self.healing.is_alive:
                await asyncio.sleep(BEAT_S)
            else:
                await asyncio.sleep(TURN_S)

    def _beat(self, answered: tuple[Term | None, float]) -> Beats:
        return self._broker.server.healing.beat(self.healing.members.sign, answered=answered)

    def _check_term(self) -> None:
        server = self._server
        if self._term is not None and server is not None and server.healing.term != self._term:
            self._broker.drop_calls()

    def _heal_soon(self) -> None:
        if not (self._healing_now or self._closed):
            self._healing_now = True
            self._tasks.append(self._world.start(self._heal()))

    async def _heal(self) -> None:
        server = self._broker.server
        try:
            term = await self.healing.heal(SimSite(self._broker, server))
            self._enter_term(term, server)
        except BrokerError:
            # The next call finds out that it is not open.
            await asyncio.sleep(TURN_S)
        finally:
            self._healing_now = False
