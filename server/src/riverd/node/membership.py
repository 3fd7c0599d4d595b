"""The users of this node in presence channels, and their entries in the broker's lists.

    state    | position | desired    | left by
    ---------+----------+------------+--------------------------------------------------------
    joining  | None     | wanted     | the broker's answer: joined
    joined   | set      | wanted, so | the last connection left: leaving; the node's lease is
             |          |            | lost, or the list is without the user: joining again
    leaving  | None     | not wanted | the broker's answer: gone; a connection: joining after it

The node's lease at the broker holds all its entries: when the lease ends they are removed there,
and `doubt` makes each again. A list in another epoch is another list: joining again shows in
which one the entry is.
"""

from collections.abc import Callable, Iterable

from riverd.broker import Broker
from riverd.core.subscription import Subscription
from riverd.model import Member
from riverd.node.attachment import Attachment, PresenceEntry
from riverd.node.reconcile import DesiredState
from riverd.tasks import Tasks


class Membership:
    """Makes an entry with a user's first connection in a channel, removes it after the last.

    `joined` is called with a user's subscriptions when the broker has answered from which version
    of the list on the user is in it; `removed` when an entry is gone.
    """

    def __init__(
        self,
        broker: Broker,
        tasks: Tasks,
        *,
        joined: Callable[[Attachment, Iterable[Subscription]], None],
        removed: Callable[[Attachment], None],
    ) -> None:
        self._broker = broker
        self._tasks = tasks
        self._joined = joined
        self._removed = removed

    def add(self, attachment: Attachment, member: Member, *, subscription: Subscription) -> None:
        """One more connection of a user."""
        entry = attachment.presence_entries.get(member.user)
        if entry is None:
            entry = attachment.presence_entries[member.user] = PresenceEntry(member)
        entry.subscriptions[subscription] = None
        self._desired(attachment, entry).want(True)

    def remove(self, attachment: Attachment, user: str, *, subscription: Subscription) -> None:
        """One connection less."""
        entry = attachment.presence_entries[user]
        del entry.subscriptions[subscription]
        if not entry.subscriptions:
            self._desired(attachment, entry).want(False)

    def doubt(self, attachment: Attachment) -> None:
        """The broker may have removed the entries: make those again that are still wanted."""
        for entry in attachment.presence_entries.values():
            self._desired(attachment, entry).doubt()

    def keep(self, attachment: Attachment, user: str) -> None:
        """Make a user's entry again if the replica's list is without the user, for any cause."""
        entry = attachment.presence_entries.get(user)
        presence = None if attachment.channel is None else attachment.channel.presence
        if entry is not None and presence is not None and entry.is_lost(presence):
            self._desired(attachment, entry).doubt()

    def keep_all(self, attachment: Attachment, epoch: str) -> None:
        """Make all entries again that are not in the list of this epoch, as far as is known."""
        for user, entry in attachment.presence_entries.items():
            # In another list than this one: joining again shows in which it is now.
            if entry.position is not None and entry.position.epoch != epoch:
                self._desired(attachment, entry).doubt()
            else:
                self.keep(attachment, user)

    def _desired(self, attachment: Attachment, entry: PresenceEntry) -> DesiredState:
        if entry.desired is None:

            async def apply(wanted: bool, /) -> None:  # noqa: FBT001  the state itself
                # Nobody is shown the list on the strength of an entry that is being removed.
                entry.position = None
                if wanted:
                    entry.position = await self._broker.join(attachment.name, entry.member)
                    self.keep(attachment, entry.member.user)
                    self._joined(attachment, entry.subscriptions)
                else:
                    await self._broker.leave(attachment.name, entry.member.user)

            def settled() -> None:
                if not entry.subscriptions:
                    attachment.presence_entries.pop(entry.member.user, None)
                    # It holds the entry: without it there is no cycle left.
                    entry.desired = None
                    self._removed(attachment)

            entry.desired = DesiredState(apply, self._tasks, settled=settled)
        return entry.desired
