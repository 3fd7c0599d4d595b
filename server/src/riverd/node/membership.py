"""The users of this node in presence channels, and their places in the broker's lists."""

from collections.abc import Callable, Iterable

from riverd.broker import Broker
from riverd.core.session import Subscription
from riverd.model import Member
from riverd.node.attachment import Attachment, Seat
from riverd.node.reconcile import Wish
from riverd.tasks import Tasks


class Seats:
    """Takes a seat with a user's first connection in a channel, gives it up after the last.

    `seated` is called with a user's subscriptions when the broker has said from which version of
    the list on the user is in it; `empty` when a seat is given up.
    """

    def __init__(
        self,
        broker: Broker,
        tasks: Tasks,
        *,
        seated: Callable[[Attachment, Iterable[Subscription]], None],
        empty: Callable[[Attachment], None],
    ) -> None:
        self._broker = broker
        self._tasks = tasks
        self._seated = seated
        self._empty = empty

    def take(self, attachment: Attachment, member: Member, *, subscription: Subscription) -> None:
        """One more connection of a user."""
        seat = attachment.seats.get(member.user)
        if seat is None:
            seat = attachment.seats[member.user] = Seat(member)
        seat.subscriptions[subscription] = None
        self._wish(attachment, seat).want(True)

    def leave(self, attachment: Attachment, user: str, *, subscription: Subscription) -> None:
        """One connection less."""
        seat = attachment.seats[user]
        del seat.subscriptions[subscription]
        if not seat.subscriptions:
            self._wish(attachment, seat).want(False)

    def doubt(self, attachment: Attachment) -> None:
        """The broker may have given up the seats: take those again that are still wanted."""
        for seat in attachment.seats.values():
            self._wish(attachment, seat).doubt()

    def keep(self, attachment: Attachment, user: str) -> None:
        """Take a user's seat again if the replica's list is without the user, whyever it is."""
        seat = attachment.seats.get(user)
        presence = None if attachment.channel is None else attachment.channel.presence
        if seat is not None and presence is not None and seat.is_lost(presence):
            self._wish(attachment, seat).doubt()

    def keep_all(self, attachment: Attachment, epoch: str) -> None:
        """Take all seats again that are not in the list of this epoch, as far as is known."""
        for user, seat in attachment.seats.items():
            # In another list than this one: joining again shows in which it is now.
            if seat.position is not None and seat.position.epoch != epoch:
                self._wish(attachment, seat).doubt()
            else:
                self.keep(attachment, user)

    def _wish(self, attachment: Attachment, seat: Seat) -> Wish:
        if seat.wish is None:

            async def change(wanted: bool, /) -> None:  # noqa: FBT001  the wish itself
                # Nobody is shown the list on the strength of a seat that is being given up.
                seat.position = None
                if wanted:
                    seat.position = await self._broker.join(attachment.name, seat.member)
                    self.keep(attachment, seat.member.user)
                    self._seated(attachment, seat.subscriptions)
                else:
                    await self._broker.leave(attachment.name, seat.member.user)

            def settled() -> None:
                if not seat.subscriptions:
                    attachment.seats.pop(seat.member.user, None)
                    self._empty(attachment)

            seat.wish = Wish(change, self._tasks, settled=settled)
        return seat.wish
