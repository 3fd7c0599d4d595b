"""Orders to all nodes inside one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riverd.channels.names import CONTROL
from riverd.model.log import Message, Position
from riverd.model.orders import DepartedNode, Order, Question, Standing, StandingKind, encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from riverd.broker.memory.switchboard import Switchboard

ASKED_MAX = 1_000
"""Questions and orders whose answers are kept."""


class MemoryControl:
    """See `BrokerControl` for the promises."""

    def __init__(
        self,
        switchboard: Switchboard,
        node: str,
        *,
        publish: Callable[[Message], Position],
        clock: Callable[[], float],
    ) -> None:
        self._board = switchboard
        self._node = node
        self._publish = publish
        self._clock = clock

    async def order(self, order: Order) -> Position:
        """Keep what stays in force, append and announce: one step, since nothing here waits."""
        standing = order.standing()
        if standing is not None and order.was is None:
            self._board.store.keep_standing(standing)
        return self._publish(Message(CONTROL, order.kind.value, encode(order), order.id))

    async def standings(
        self, kinds: Sequence[StandingKind] = tuple(StandingKind)
    ) -> AsyncIterator[Sequence[Standing]]:
        """All of these kinds."""
        yield [one for one in self._board.store.standings() if one.kind in kinds]

    async def standings_of(self, user: str) -> Sequence[Standing]:
        """What is kept of one user."""
        return [one for one in self._board.store.standings() if one.user == user]

    async def give_back(self, standings: Sequence[Standing], *, reload: Order) -> None:
        """Keep those that are newer, and order that: one step, since nothing here waits."""
        kept = [self._board.store.restore_standing(one) for one in standings]
        if any(kept):
            await self.order(reload)

    async def register(self, name: str) -> None:
        """List this node, if it listens."""
        if self._node in self._board.feeds:
            self._board.names[self._node] = name

    async def nodes(self) -> Mapping[str, str]:
        """The registered nodes."""
        return dict(self._board.names)

    async def departed(self) -> list[DepartedNode]:
        """None: whose process is gone has taken everything with it."""
        return []

    async def published_at(self, channel: str, offset: int) -> float | None:
        """Its nodes know it."""
        del channel, offset
        return None

    async def age_s(self, channel: str, offset: int) -> float | None:
        """As the log has it."""
        return self._board.store.age_s(channel, offset, now=self._clock())

    async def ask(self, question: Question) -> None:
        """Notify all nodes."""
        for feed in list(self._board.feeds.values()):
            feed.on_question(question)

    async def answer(self, asked: str, body: bytes) -> None:
        """Keep the answer, and not those of long ago."""
        answers = self._board.answers
        answers.setdefault(asked, {})[self._node] = body
        if len(answers) > ASKED_MAX:
            answers.popitem(last=False)

    async def answers(self, asked: str) -> Mapping[str, bytes]:
        """What was answered so far."""
        return dict(self._board.answers.get(asked, {}))
