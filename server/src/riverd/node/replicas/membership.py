"""The users of this node in presence channels, and their entries in the broker's lists.

    state    | position | desired    | left by
    ---------+----------+------------+--------------------------------------------------------
    joining  | None     | wanted     | the broker's answer: joined, or there are too many: refused
    joined   | set      | wanted, so | the last connection left: lingering; the node's lease is
             |          |            | lost, or the list is without the user: joining again
    lingering| set      | wanted, so | a connection: joined, and nobody is notified; its timer:
             |          |            | leaving
    leaving  | None     | not wanted | the broker's answer: gone; a connection: joining after it

A join and a leave are sent to everybody in the channel, so who comes and goes could make a node
send thousands of events for each message of its own. Those that linger cost it nothing.

The node's lease at the broker holds all its entries: when the lease ends they are removed there,
and `Remaking` makes each again. A list in another epoch is another list: joining again shows in
which one the entry is.

A protocol may have a limit of members. It holds for who is not subscribed yet: the entries of
those who are get made again whatever it says.
"""

import asyncio
from collections.abc import Callable, Iterable

from riverd.broker import Broker
from riverd.core.session import Subscription
from riverd.errors import ErrorCode, RiverError
from riverd.model.log import Member, Position
from riverd.node.replicas.attachment import Attachment, Keeping, PresenceEntry
from riverd.node.replicas.reconcile import DesiredState
from riverd.node.replicas.remaking import DOUBTED_AT_ONCE, Remaking
from riverd.scheduling.portions import keys_in_portions
from riverd.scheduling.tasks import Tasks


class Membership:
    """Makes an entry with a user's first connection in a channel, removes it after the last.

    `joined` is called with a user's subscriptions when the broker has answered from which version
    of the list on the user is in it; `removed` when an entry is gone; `refused` with subscriptions
    for which a channel has too many members. An entry lingers for `leave_s` after the last
    connection.
    """

    def __init__(
        self,
        broker: Broker,
        tasks: Tasks,
        *,
        leave_s: float,
        joined: Callable[[Attachment, Iterable[Subscription]], None],
        refused: Callable[[Iterable[Subscription], RiverError], None],
        removed: Callable[[Attachment], None],
    ) -> None:
        self._broker = broker
        self._tasks = tasks
        self._leave_s = leave_s
        self._joined = joined
        self._refused = refused
        self._removed = removed
        self.remaking = Remaking(tasks, doubt=self._doubt)

    def add(self, attachment: Attachment, member: Member, *, subscription: Subscription) -> None:
        """One more connection of a user."""
        entry = attachment.presence_entries.get(member.user)
        if entry is None:
            entry = attachment.presence_entries[member.user] = PresenceEntry(member)
        entry.stop_lingering()
        is_changed = not entry.subscriptions and entry.member != member
        entry.subscriptions[subscription] = None
        if is_changed:
            # Nobody is admitted on the strength of the old one.
            entry.member, entry.is_outdated, entry.position = member, True, None
            self._desired(attachment, entry).doubt()
        self._desired(attachment, entry).want(True)

    def remove(
        self, attachment: Attachment, user: str, *, subscription: Subscription, lingers: bool
    ) -> None:
        """One connection less. After the last the user stays for a while if it `lingers`."""
        entry = attachment.presence_entries[user]
        del entry.subscriptions[subscription]
        if not entry.subscriptions:
            if lingers and self._leave_s > 0:
                loop = asyncio.get_running_loop()
                entry.leave_timer = loop.call_later(self._leave_s, self._leave, attachment, entry)
            else:
                self._leave(attachment, entry)

    def _leave(self, attachment: Attachment, entry: PresenceEntry) -> None:
        entry.stop_lingering()
        self._desired(attachment, entry).want(False)

    def _doubt(self, attachment: Attachment, entry: PresenceEntry) -> None:
        self._desired(attachment, entry).doubt()

    def keep(self, attachment: Attachment, user: str) -> None:
        """Make a user's entry again if the replica's list is without the user, for any cause."""
        entry = attachment.presence_entries.get(user)
        presence = None if attachment.channel is None else attachment.channel.presence
        if entry is not None and presence is not None and entry.is_lost(presence):
            self._doubt(attachment, entry)

    def keep_all(self, attachment: Attachment, epoch: str) -> None:
        """Make all entries again that are not in the list of this epoch, as far as is known."""
        entries, keeping = attachment.presence_entries, attachment.keeping
        if keeping is not None:
            # The list is another than the one that those were compared with so far.
            keeping.epoch, keeping.is_due = epoch, True
        elif len(entries) > DOUBTED_AT_ONCE:
            # With the next turn: this one has read the list.
            attachment.keeping = keeping = Keeping(epoch)
            self._tasks.start(self._keep_many(attachment, keeping))
        else:
            for user in list(entries):
                if self._is_missing(attachment, user, epoch=epoch):
                    self._doubt(attachment, entries[user])

    async def _keep_many(self, attachment: Attachment, keeping: Keeping) -> None:
        try:
            while keeping.is_due:
                keeping.is_due = False
                await asyncio.sleep(0)
                async for users in keys_in_portions(attachment.presence_entries):
                    epoch = keeping.epoch
                    missing = [
                        one for one in users if self._is_missing(attachment, one, epoch=epoch)
                    ]
                    if missing:
                        await self.remaking.make(attachment, missing)
        finally:
            attachment.keeping = None

    def _is_missing(self, attachment: Attachment, user: str, *, epoch: str) -> bool:
        entry = attachment.presence_entries.get(user)
        if entry is None:
            return False
        # In another list than this one: joining again shows in which it is now.
        if entry.position is not None and entry.position.epoch != epoch:
            return True
        presence = None if attachment.channel is None else attachment.channel.presence
        return presence is not None and entry.is_lost(presence)

    async def _join(self, attachment: Attachment, entry: PresenceEntry) -> Position | None:
        """Make an entry. None where those that asked for it were refused."""
        try:
            return await self._broker.join(attachment.name, entry.member, limit=entry.members_max)
        except RiverError as error:
            # Others may have come meanwhile, whom it does not concern: they are asked for next.
            if error.error is not ErrorCode.TOO_MANY_MEMBERS or entry.members_max is None:
                raise
            self._refused(list(entry.subscriptions), error)
            return None

    def _desired(self, attachment: Attachment, entry: PresenceEntry) -> DesiredState:
        if entry.desired is None:

            async def apply(wanted: bool, /) -> None:  # noqa: FBT001  the state itself
                # Nobody is shown the list on the strength of an entry that is being removed.
                entry.position = None
                if wanted:
                    if entry.is_outdated:
                        # Joining again would change nothing.
                        await self._broker.leave(attachment.name, entry.member.user)
                        entry.is_outdated = False
                    entry.generation = self.remaking.generation
                    position = await self._join(attachment, entry)
                    if position is None or entry.is_outdated:
                        # Somebody came with another member meanwhile: this one leaves next.
                        return
                    entry.position = position
                    self.keep(attachment, entry.member.user)
                    self._joined(attachment, entry.subscriptions)
                else:
                    await self._broker.leave(attachment.name, entry.member.user)

            def settled() -> None:
                if entry.is_remade:
                    self.remaking.made(entry)
                if not entry.is_wanted:
                    attachment.presence_entries.pop(entry.member.user, None)
                    # It holds the entry: without it there is no cycle left.
                    entry.desired = None
                    self._removed(attachment)

            entry.desired = DesiredState(apply, self._tasks, settled=settled)
        return entry.desired
