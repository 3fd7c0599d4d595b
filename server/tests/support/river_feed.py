"""A feed that keeps what it is told, and waiting for something to become so."""

import asyncio
from collections.abc import Callable, Sequence

from riverd.channels.names import CONTROL
from riverd.healing.offers import Held
from riverd.model.log import Change, Ephemeral, Publication
from riverd.model.orders import Order, OrderKind, Question, order_of

PATIENCE_S = 20.0


class Notes:
    """What a broker told a node."""

    def __init__(self) -> None:
        self.publications: list[tuple[str, str, Publication]] = []
        self.ephemerals: list[tuple[str, str, Ephemeral]] = []
        self.changes: list[tuple[str, str, Change]] = []
        self.ordered: list[Order] = []
        self.questions: list[Question] = []
        self.interruptions = 0
        self.presence_lost = 0
        self.counts_wanted = 0
        self.recounted: list[str] = []
        self.users_recounted: list[str] = []

    def on_publication(self, channel: str, epoch: str, publication: Publication) -> None:
        self.publications.append((channel, epoch, publication))

    def on_ephemeral(self, channel: str, epoch: str, *, event: Ephemeral) -> None:
        self.ephemerals.append((channel, epoch, event))

    def on_change(self, channel: str, epoch: str, change: Change) -> None:
        self.changes.append((channel, epoch, change))

    def on_order(self, order: Order) -> None:
        self.ordered.append(order)

    def on_question(self, question: Question) -> None:
        self.questions.append(question)

    def on_interrupted(self) -> None:
        self.interruptions += 1

    def on_presence_lost(self) -> None:
        self.presence_lost += 1

    def on_counts_wanted(self) -> None:
        self.counts_wanted += 1

    def on_recounted(self, channel: str) -> None:
        self.recounted.append(channel)

    def on_users_recounted(self, users: Sequence[str]) -> None:
        self.users_recounted += users

    async def held(self) -> Held:
        return (), ()

    @property
    def orders(self) -> list[Order]:
        """What the control log brought, if the broker was subscribed to it."""
        found = [order_of(one.data) for name, _, one in self.publications if name == CONTROL]
        return [order for order in found if order is not None]

    @property
    def disconnected(self) -> list[str]:
        return [one.user for one in self.orders if one.kind is OrderKind.DISCONNECT]

    @property
    def drained(self) -> list[str]:
        return [one.node for one in self.orders if one.kind is OrderKind.DRAIN]

    def offsets(self, channel: str) -> list[int]:
        return [one.offset for name, _, one in self.publications if name == channel]


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition; much longer than it should take, so that no slow machine fails."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.002)
