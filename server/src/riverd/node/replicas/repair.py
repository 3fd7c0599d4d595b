"""Reads again what a replica misses, until it has what the broker has.

    state     | repairing | stale | left by
    ----------+-----------+-------+-------------------------------------------------------------
    true      | no        | no    | a hole, another epoch, a position that is behind, a client
              |           |       | that is ahead (`soon`): reading
    reading   | yes       | no    | the answer: true. The same as above meanwhile, or an answer
              |           |       | older than what the feed announced: reading again
    reading   | yes       | yes   | the answer: reading again
    waiting   | yes       | yes   | the broker did not answer: reading again after a while

A list of members that began again is taken only when the nodes had time to make their entries in
it (`Settling`): without that, clients would be sent that all have left and come back.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Container

from riverd.broker import Broker
from riverd.core.channel import Channel
from riverd.core.hub import Hub
from riverd.core.presence import COMPARED_AT_ONCE, LISTED_MAX
from riverd.core.session import Subscription
from riverd.errors import BrokerError, ErrorCode, RiverError
from riverd.model.log import Change, Position, Roster
from riverd.node.replicas.attachment import Attachment
from riverd.node.replicas.membership import Membership
from riverd.node.replicas.reconcile import RETRY_S_FIRST, RETRY_S_MAX
from riverd.node.replicas.settling import Settlements
from riverd.scheduling.backoff import Backoff
from riverd.scheduling.portions import PORTION, free, keys_in_portions
from riverd.scheduling.tasks import Tasks

REPAIRS_AT_ONCE_MAX = 64
"""After a broker lost its data each channel needs one: the others wait without a task."""

PositionsAtBroker = tuple[Position, Position | None]
"""Of a channel's log, and of its list of members if it has one."""


class Repairs:
    """All repairs of a node, one at a time for each channel.

    `repaired` is called after a read, with those that waited for it: the read has `confirmed`
    what the broker has.
    """

    def __init__(
        self,
        broker: Broker,
        hub: Hub,
        *,
        tasks: Tasks,
        membership: Membership,
        clock: Callable[[], float],
        repaired: Callable[[Attachment, Container[Subscription]], None],
    ) -> None:
        self.reads = 0
        self._broker = broker
        self._hub = hub
        self._tasks = tasks
        self._membership = membership
        self._clock = clock
        self._repaired = repaired
        self._settlements = Settlements(
            broker, tasks, remaking=membership.remaking, clock=clock, over=self.soon
        )
        self._under_way = 0
        self._queue: deque[Attachment] = deque()

    def soon(self, attachment: Attachment) -> None:
        """Have the replica read again."""
        attachment.stale = True
        if not attachment.repairing:
            attachment.repairing = True
            if self._under_way < REPAIRS_AT_ONCE_MAX:
                self._begin(attachment)
            else:
                self._queue.append(attachment)

    def _begin(self, attachment: Attachment) -> None:
        self._under_way += 1
        self._tasks.start(self._repair(attachment))

    async def compare(self, attachments: dict[str, Attachment], *, on_its_way_s: float) -> None:
        """Ask the broker for all positions, and repair the replicas that have others.

        What may be on its way to this node for so long needs no repair; after an interruption of
        the feed nothing is. The last publication of a burst has no follower that would show that
        it was lost.

        Raises:
            BrokerError: the broker does not answer.
        """
        # Lists of their own, without pairs: the garbage collector would look at each of these.
        names, attached, known = list[str](), list[Attachment](), list[Position]()
        async for some in keys_in_portions(attachments):
            for name in some:
                attachment = attachments.get(name)
                if attachment is not None and attachment.channel is not None:
                    names.append(name)
                    attached.append(attachment)
                    known.append(attachment.channel.log.position)
        asked_at = self._clock()
        theirs = await self._broker.positions(names)
        behind, further = list[Attachment](), list[PositionsAtBroker]()
        # Emptied on the way: to free what all channels gave in one moment would take long.
        for one in (attached, known, theirs):
            one.reverse()
        while attached:
            await asyncio.sleep(0)
            for _ in range(min(PORTION, len(attached))):
                attachment, ours, position = attached.pop(), known.pop(), theirs.pop()
                if position[0].epoch == ours.epoch and position[0].offset < ours.offset:
                    # The log went back: what this node had before it asked is not there.
                    self.soon(attachment)
                elif _is_behind(attachment.channel, position):
                    behind.append(attachment)
                    further.append(position)
                else:
                    attachment.confirmed_at = asked_at
        if behind:
            await asyncio.sleep(on_its_way_s)
            await self._repair_those(behind, further)

    async def _repair_those(
        self, attachments: list[Attachment], further: list[PositionsAtBroker]
    ) -> None:
        """Repair those that are behind a position still. Both lists are emptied."""
        attachments.reverse()
        further.reverse()
        while attachments:
            for _ in range(min(PORTION, len(attachments))):
                attachment = attachments.pop()
                if _is_behind(attachment.channel, further.pop()):
                    self.soon(attachment)
            await asyncio.sleep(0)

    async def _repair(self, attachment: Attachment) -> None:
        retry = Backoff(RETRY_S_FIRST, RETRY_S_MAX)
        try:
            while attachment.stale and attachment.channel is not None:
                attachment.stale = False
                confirming, attachment.confirming = attachment.confirming, {}
                try:
                    await self._read_again(attachment, attachment.channel)
                except RiverError:
                    attachment.stale = True
                    # Not those that left meanwhile: they would be kept until the next repair.
                    attachment.confirming |= {
                        one: None for one in confirming if one in attachment.waiting
                    }
                    await asyncio.sleep(retry.next_s())
                    continue
                retry.reset()
                # Also those that wait for a version of the list that was passed over.
                attachment.awaiting_version.clear()
                self._repaired(attachment, confirming)
        finally:
            attachment.repairing = False
            self._under_way -= 1
            if self._queue:
                self._begin(self._queue.popleft())

    async def _read_again(self, attachment: Attachment, channel: Channel) -> None:
        """Fill the replica from the broker's log, or begin it again where that cannot be."""
        self.reads += 1
        term, asked_at = self._broker.term, self._clock()
        if attachment.renounced is not None:
            await self._broker.renounce(channel.name, attachment.renounced)
            attachment.renounced = None
        try:
            tail = await self._broker.read(channel.name, after=channel.log.position, keep=True)
        except RiverError as error:
            if error.error is not ErrorCode.UNRECOVERABLE:
                raise
            tail = await self._broker.read(channel.name, keep=True)
        roster = None
        if channel.presence is not None:
            limit = 1 if attachment.is_settling else None
            roster = await self._broker.members(channel.name, limit=limit, keep=True)
        if attachment.channel is not channel:
            return
        self._check_term(term)
        attachment.confirmed_at = asked_at
        now = self._clock()
        if not channel.log.can_take(tail.position, len(tail.publications)):
            self._hub.restart(channel, tail, now=now)
        for publication in tail.publications:
            self._hub.append(channel, publication, now=now)
        if roster is not None:
            await self._take_members(attachment, roster, channel=channel)
        if attachment.is_behind(term):
            # The read was older than what the feed announced.
            attachment.stale = True

    def _check_term(self, term: int) -> None:
        if self._broker.term != term:
            raise BrokerError("the broker has another history of its data by now")

    async def _take_members(
        self, attachment: Attachment, roster: Roster, *, channel: Channel
    ) -> None:
        presence = channel.presence
        assert presence is not None, "a roster is read for channels with members"
        ours, theirs = presence.position, roster.position
        if theirs.epoch != ours.epoch and not attachment.has_settled(theirs.epoch):
            self._settlements.begin(attachment, theirs.epoch)
            return
        if len(roster.members) < roster.count:
            # Only its version was asked for, while it was another one that began again.
            attachment.stale = True
            if theirs.epoch == ours.epoch:
                attachment.settling = None
            return
        if theirs.epoch == ours.epoch and theirs.offset < ours.offset:
            attachment.stale = True
            return
        if theirs != ours:
            changes: list[Change] = []
            is_long = max(presence.count, len(roster.members)) > COMPARED_AT_ONCE
            for some in presence.changes_to(roster):
                changes += some
                if is_long:
                    await asyncio.sleep(0)
                if len(changes) > LISTED_MAX:
                    # The list is sent instead of them.
                    break
            if attachment.channel is not channel or presence.position != ours:
                attachment.stale = True
                return
            attachment.settling = None
            before = presence.members
            self._hub.replace_members(channel, roster, changes=changes)
            self._tasks.start(free(before))
        self._membership.keep_all(attachment, theirs.epoch)


def _is_behind(channel: Channel | None, at_broker: PositionsAtBroker) -> bool:
    """Whether the broker has more of a channel than this node, or another log or list."""
    if channel is None:
        return False
    log, members = at_broker
    if log.epoch != channel.log.epoch or log.offset > channel.log.offset:
        return True
    if channel.presence is None or members is None:
        return False
    ours = channel.presence.position
    return members.epoch != ours.epoch or members.offset > ours.offset
