"""All orders that the broker ever took, and whom they concern."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulation.truth import demand

from riverd.model.orders import Order, OrderKind, Standing, StandingKind, is_over
from riverd.node.control import UNCONFIRMED_S_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulation.line import Line
    from simulation.world import World

    from riverd.core.session import Subscription

LATE_S_MAX = UNCONFIRMED_S_MAX + 0.5
"""A node may be so far behind when it takes a token: what was ordered since still reaches it."""

CLOSING = (OrderKind.DISCONNECT, OrderKind.REVOKE, OrderKind.BLOCK)


@dataclass
class Given:
    """An order, when and in which of the broker's lives it was given, and whom it has to reach."""

    order: Order
    at_s: float
    run: int
    lines: list[Line] = field(default_factory=list["Line"])
    subscriptions: list[tuple[Line, Subscription]] = field(
        default_factory=list["tuple[Line, Subscription]"]
    )


class Orders:
    """What was ordered, against what became of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._given: dict[str, Given] = {}

    def give(self, order: Order, run: int) -> None:
        """The broker has it now. Given back by a node, it is the same."""
        if order.id in self._given:
            return
        given = Given(order, self._world.now, run)
        self._given[order.id] = given
        for host in self._world.hosts:
            for line in host.lines if host.up else ():
                claims = line.session.claims
                if claims is None or claims.user != order.user:
                    continue
                if order.kind in CLOSING:
                    given.lines.append(line)
                elif order.kind is OrderKind.REMOVE:
                    subscription = line.session.subscriptions.get(order.channel)
                    given.subscriptions += [] if subscription is None else [(line, subscription)]

    def unobeyed(self) -> Iterator[str]:
        """Connections that should have been closed, subscriptions that should have ended."""
        for given in self._given.values():
            if self._is_excused(given):
                continue
            for line in given.lines:
                if line.held:
                    yield f"{line.session.id} is connected in spite of {given.order}"
            for line, subscription in given.subscriptions:
                session = line.session
                has = session.subscriptions.get(subscription.channel) is subscription
                if line.held and has:
                    yield f"{session.id} is subscribed in spite of {given.order}"

    def check_closed(self, line: Line) -> None:
        """A session was closed by an order that came after it was authenticated, or is refused.

        A node that took its token may have learned only then whom the broker refuses.
        """
        user, since_s = line.user, line.authenticated_s
        demand(
            self._is_refused(line)
            or any(
                given.at_s >= since_s - LATE_S_MAX
                for given in self._given.values()
                if given.order.user == user and given.order.kind in CLOSING
            ),
            "{}, connected since {:g}, is closed by an older order",
            line.session.id,
            since_s,
        )

    def _is_refused(self, line: Line) -> bool:
        claims = line.session.claims
        return any(
            standing.kind is StandingKind.BLOCKED
            or claims is None
            or claims.issued_at is None
            or claims.issued_at <= standing.before
            for standing in self._world.server.store.standings()
            if standing.user == line.user
            and not standing.lifted
            and not is_over(standing, self._world.now)
        )

    def check_admitted(self, line: Line, issued_at: float) -> None:
        """A token was taken: nobody has refused it, as far as its node has to know."""
        now = self._world.now
        if self._world.is_split:
            return
        for standing in self._world.server.store.standings():
            if standing.user != line.user or standing.lifted or is_over(standing, now):
                continue
            if now - self._world.server.kept_s(standing) <= LATE_S_MAX:
                continue
            if self._is_overtaken(standing):
                continue
            refused = standing.kind is StandingKind.BLOCKED or issued_at <= standing.before
            demand(not refused, "{} is admitted in spite of {}", line.session.id, standing)

    def _is_overtaken(self, standing: Standing) -> bool:
        """Whether a later order replaces it, which another master took and nodes may know."""
        return any(
            (later.kind, later.user) == (standing.kind, standing.user) and later.at > standing.at
            for given in self._given.values()
            if (later := given.order.standing()) is not None
        )

    def may_cancel(self, user: str, channel: str) -> bool:
        """Whether a subscription of the user may have been ended before it was live."""
        return any(
            (given.order.user, given.order.channel) == (user, channel)
            for given in self._given.values()
        )

    def _is_excused(self, given: Given) -> bool:
        """Whether the broker lost it, and no node that is there has seen it before."""
        return given.run != self._world.server.run and not any(
            given.order.id in host.node.control._recent for host in self._world.hosts if host.up
        )
