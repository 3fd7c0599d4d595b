"""The promises of a broker about orders to all nodes: their log, what stays in force, answers."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from riverd.model.log import Position
from riverd.model.orders import DepartedNode, Order, Question, Standing, StandingKind

REGISTERED_S = 6.0
"""How long a node is listed after it last registered."""
ANSWERS_KEPT_S = 10.0
DEPARTED_S = 86_400.0
DEPARTED_MAX = 1_000


class BrokerControl(Protocol):
    """The control log is read, subscribed and compared as the channel `CONTROL`.

    Every method raises `BrokerError` when the broker is away: nothing was done then, for certain.
    """

    async def order(self, order: Order) -> Position:
        """Append to the control log, announce it, and keep what stays in force of it.

        Atomic. An order whose id the log has seen is not appended again. What stays in force of one
        that a node has given back is given back apart from it.

        Raises:
            OutcomeUnknownError: it may have been appended, or may be later.
        """
        ...

    def standings(
        self, kinds: Sequence[StandingKind] = tuple(StandingKind)
    ) -> AsyncIterator[Sequence[Standing]]:
        """All of these kinds, in portions; also lifted ones and some that are over.

        Not of one moment: what was ordered meanwhile may be in it or not, or twice.
        """
        ...

    async def standings_of(self, user: str) -> Sequence[Standing]:
        """What is kept of one user, as it is now."""
        ...

    async def give_back(self, standings: Sequence[Standing], *, reload: Order) -> None:
        """Keep these, after the broker lost its data, where it has none that is as new.

        If it kept any, all nodes are ordered to read what is in force, in the same step: with
        `reload`, or with orders like it for one part after the other.
        """
        ...

    async def register(self, name: str) -> None:
        """This node is connected, under this name, for `REGISTERED_S` or until it is closed."""
        ...

    async def nodes(self) -> Mapping[str, str]:
        """The registered nodes: their names by who they are for this broker."""
        ...

    async def departed(self) -> list[DepartedNode]:
        """The nodes of the last day that are not connected any more, stopped or killed.

        None where the broker ends with its nodes.
        """
        ...

    async def published_at(self, channel: str, offset: int) -> float | None:
        """When the broker was given a publication that it still has, if it remembers that."""
        ...

    async def age_s(self, channel: str, offset: int) -> float | None:
        """For how long the broker has had a publication that it still has, if it remembers that."""
        ...

    async def ask(self, question: Question) -> None:
        """Announce a question to all nodes. It is in no log: a node may miss it."""
        ...

    async def answer(self, asked: str, body: bytes) -> None:
        """What this node has to say to the question, or the order, with this id."""
        ...

    async def answers(self, asked: str) -> Mapping[str, bytes]:
        """What was answered so far, by who answers; it is kept for `ANSWERS_KEPT_S`."""
        ...
