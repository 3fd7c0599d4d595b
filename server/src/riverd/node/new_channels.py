"""How many names a client may bring up: what a name costs, its first use does.

    use                                  | costs                    | budget of a user
    -------------------------------------+--------------------------+------------------------------
    a subscription that a node has no    | a read of the broker, a  | `rate` a second; at once all
    replica for                          | replica for some seconds | that it may have, and some
    a publication that begins a log      | a key for a day          | `new_channels_rate` a second,
                                         |                          | `NEW_AT_ONCE_S` of it at once
    a page that names itself             | a key for as long as the | of an address: `PAGES_RATE` a
                                         | longest window, or a day | second, `PAGES_AT_ONCE`

While the second is spent a user may publish where the node knows that there is something. Who has
no user (a guest, a client of Pusher's public channels) has the budget of its address. They belong
to no connection: who connects again has what is left.
"""

from collections.abc import Hashable

from riverd.core.budget import KeyedBudgets
from riverd.core.channel import Channel
from riverd.core.session import Session
from riverd.errors import ErrorCode, RiverError
from riverd.model.log import FirstAfter, Position, Receipt

NEW_AT_ONCE_S = 600.0
PAGES_RATE = 5.0
PAGES_AT_ONCE = 2_000.0
"""As many as an address may have connections: all may come back together."""


class NewChannels:
    """Limits the clients of a node. The numbers are those of the first session."""

    def __init__(self) -> None:
        self._attached: KeyedBudgets | None = None
        self._begun: KeyedBudgets | None = None
        self._pages = KeyedBudgets(PAGES_RATE, PAGES_AT_ONCE)

    def take_page(self, session: Session, *, now: float) -> bool:
        """Pay for a connection of a page that names itself. False if its address had too many."""
        key = session.address
        if key is None:
            return True
        if self._pages.is_spent(key, now):
            return False
        self._pages.take(key, now=now)
        return True

    def take_subscription(self, session: Session, now: float) -> None:
        """Pay for a subscription to a channel that the node has nothing of.

        Raises:
            RiverError: too_fast.
        """
        if self._attached is None:
            rate = session.limits.rate
            self._attached = KeyedBudgets(rate, session.limits.user_channels_max + 2 * rate)
        key = _key_of(session)
        if self._attached.is_spent(key, now):
            raise RiverError(ErrorCode.TOO_FAST, "too many channels one after the other: ask later")
        self._attached.take(key, now=now)

    def check_publication(self, session: Session, channel: Channel | None, *, now: float) -> None:
        """Find out whether a client may publish to a channel that may be new by it.

        Raises:
            RiverError: too_fast.
        """
        if self._begun is None or (channel is not None and channel.log.offset > 0):
            return
        if self._begun.is_spent(_key_of(session), now):
            rate = session.limits.new_channels_rate
            message = f"published to more than {rate * 60:g} new channels a minute"
            raise RiverError(ErrorCode.TOO_FAST, message)

    def published(self, session: Session, receipt: Receipt, *, now: float) -> None:
        """The broker has taken a publication: pay if it had nothing of the channel before."""
        if (
            receipt.offset == 1
            if isinstance(receipt, Position)
            else isinstance(receipt, FirstAfter)
        ):
            if self._begun is None:
                rate = session.limits.new_channels_rate
                self._begun = KeyedBudgets(rate, rate * NEW_AT_ONCE_S)
            self._begun.take(_key_of(session), now=now)


def _key_of(session: Session) -> Hashable:
    if session.claims is not None:
        return session.claims.user
    return (session.address or session.id,)
