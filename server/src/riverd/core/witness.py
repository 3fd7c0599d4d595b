"""Who is shown what becomes of subscriptions: never for a message, only where they begin and end.

A subscription was sent what lies between two positions. Who remembers both can say later what a
client was sent, and messages cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from riverd.core.channel import Channel
    from riverd.core.session import Session, Subscription
    from riverd.errors import RiverError
    from riverd.model.commands import Command
    from riverd.model.log import Position


class HubWitness(Protocol):
    """Each call comes just before the change that it names."""

    def admitted(self, subscription: Subscription, channel: Channel, *, after: int) -> None:
        """It is sent everything after a held offset. It still has its request."""
        ...

    def refused(self, session: Session, command: Command, *, error: RiverError) -> None:
        """A session was refused what it asked."""
        ...

    def leaving(self, subscription: Subscription, channel: Channel) -> None:
        """It ends, and was admitted before."""
        ...

    def skipping(self, subscription: Subscription, channel: Channel) -> None:
        """Its cursor is lost: it is sent a gap, and goes on at the end of the log."""
        ...

    def restarting(self, channel: Channel, position: Position) -> None:
        """The log goes on at another position: all subscribers are sent a gap."""
        ...

    def blocking(self, session: Session) -> None:
        """Its socket takes no more."""
        ...

    def unblocking(self, session: Session) -> None:
        """Its socket takes more again."""
        ...


class Unseen:
    """Remembers nothing."""

    def admitted(self, subscription: Subscription, channel: Channel, *, after: int) -> None:
        """Nothing."""

    def refused(self, session: Session, command: Command, *, error: RiverError) -> None:
        """Nothing."""

    def leaving(self, subscription: Subscription, channel: Channel) -> None:
        """Nothing."""

    def skipping(self, subscription: Subscription, channel: Channel) -> None:
        """Nothing."""

    def restarting(self, channel: Channel, position: Position) -> None:
        """Nothing."""

    def blocking(self, session: Session) -> None:
        """Nothing."""

    def unblocking(self, session: Session) -> None:
        """Nothing."""


UNSEEN = Unseen()
