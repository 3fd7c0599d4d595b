"""Keeps this node's replicas what the broker's logs and lists of members are."""

import asyncio
from collections.abc import Callable, Container, Iterable

from riverd.backoff import Backoff
from riverd.broker import Broker
from riverd.channels import has_members
from riverd.core.hub import Channel, Hub
from riverd.core.recovery import is_ahead, start_of
from riverd.core.session import Subscription
from riverd.errors import ErrorCode, RiverError
from riverd.model import Change, Member, Position, Publication, Roster, Subscribe, Subscribed
from riverd.node.attachment import Attachment, Settling
from riverd.node.membership import Seats
from riverd.node.reconcile import RETRY_S_FIRST, RETRY_S_MAX, Wish
from riverd.tasks import Tasks

SETTLE_S = 1.5


class Replicas:
    """Attaches channels that somebody hears, follows the feed, repairs holes, lets go again.

    `changed` is called when the hub has something to flush, or sessions to count.
    """

    def __init__(
        self,
        broker: Broker,
        hub: Hub,
        *,
        tasks: Tasks,
        clock: Callable[[], float],
        changed: Callable[[], None],
        linger_s: float,
    ) -> None:
        self._broker = broker
        self._hub = hub
        self._tasks = tasks
        self._clock = clock
        self._changed = changed
        self._linger_s = linger_s
        self._attachments: dict[str, Attachment] = {}
        self._seats = Seats(broker, tasks, seated=self._admit_some, empty=self._forget_if_idle)
        self.reads = 0

    # What sessions want.

    def subscribe(self, subscription: Subscription, request: Subscribe, *, member: Member) -> None:
        """Bring a session into a channel: at once if the replica is there, or when it is."""
        attachment = self._attachment(request.channel)
        if attachment.linger is not None:
            attachment.linger.cancel()
            attachment.linger = None
        attachment.waiting[subscription] = request
        if has_members(request.channel):
            self._seats.take(attachment, member, subscription=subscription)
        self._wish(attachment).want(True)
        self._admit_some(attachment, [subscription])

    def unsubscribe(self, subscription: Subscription, user: str) -> None:
        """Take a session out of a channel, whether it was live yet or not."""
        attachment = self._attachments[subscription.channel]
        if attachment.waiting.pop(subscription, None) is None:
            assert attachment.channel is not None, "a placed session's channel is attached"
            self._hub.leave(subscription, attachment.channel)
            self._changed()
        attachment.confirming.pop(subscription, None)
        if has_members(attachment.name):
            self._seats.leave(attachment, user, subscription=subscription)
        if not attachment.heard:
            loop = asyncio.get_running_loop()
            attachment.linger = loop.call_later(self._linger_s, self._let_go, attachment)

    def channel(self, name: str) -> Channel | None:
        """The replica of a channel, if this node has one."""
        return self._hub.channels.get(name)

    # What the feed brings.

    def on_publication(self, name: str, epoch: str, publication: Publication) -> None:
        """Take a publication in its order, or find out what is missing before it."""
        attachment = self._attachments.get(name)
        if attachment is None:
            return
        channel = attachment.channel
        if channel is None:
            attachment.keep_early(epoch, publication)
        elif epoch != channel.log.epoch:
            self._repair_soon(attachment)
        elif self._hub.append(channel, publication, now=self._clock()):
            self._changed()
        else:
            attachment.hear_of(epoch, publication)
            self._repair_soon(attachment)

    def on_change(self, name: str, epoch: str, change: Change) -> None:
        """Take a join or leave in its order, or read the list again."""
        attachment = self._attachments.get(name)
        if attachment is None:
            return
        channel = attachment.channel
        if channel is None or channel.presence is None:
            attachment.keep_early(epoch, change)
        elif epoch == channel.presence.position.epoch and self._hub.change(
            channel, change, now=self._clock()
        ):
            self._changed()
            self._seats.keep(attachment, change.member.user)
            self._admit_some(attachment, attachment.unseen.pop(change.offset, ()))
        else:
            self._repair_soon(attachment)

    def retake_seats(self) -> None:
        """The broker has given up this node's seats: take those again that are still wanted."""
        for attachment in self._attachments.values():
            self._seats.doubt(attachment)

    async def compare(self, *, on_its_way_s: float) -> None:
        """Ask the broker where all channels stand, and repair those that stand elsewhere here.

        What may be on its way to this node for so long needs no repair; after an interruption of
        the feed nothing is.

        The last publication of a burst has no follower that would show that it was lost.
        """
        attached = [one for one in self._attachments.values() if one.channel is not None]
        positions = await self._broker.positions([one.name for one in attached])
        behind = [
            (attachment, place)
            for attachment, place in zip(attached, positions, strict=True)
            if _is_behind(attachment.channel, place)
        ]
        if not behind:
            return
        await asyncio.sleep(on_its_way_s)
        for attachment, place in behind:
            if _is_behind(attachment.channel, place):
                self._repair_soon(attachment)

    # Attaching.

    def _attachment(self, name: str) -> Attachment:
        found = self._attachments.get(name)
        if found is None:
            found = self._attachments[name] = Attachment(name)
        return found

    def _wish(self, attachment: Attachment) -> Wish:
        if attachment.wish is None:

            async def change(wanted: bool, /) -> None:  # noqa: FBT001  the wish itself
                await (self._attach(attachment) if wanted else self._detach(attachment))

            def settled() -> None:
                self._forget_if_idle(attachment)

            attachment.wish = Wish(change, self._tasks, settled=settled)
        return attachment.wish

    async def _attach(self, attachment: Attachment) -> None:
        name = attachment.name
        attachment.early.clear()
        await self._broker.subscribe(name)
        # Read after subscribing: what is published between the two comes by both ways.
        self.reads += 1
        tail = await self._broker.read(name)
        roster = await self._broker.members(name) if has_members(name) else None
        attachment.channel = self._hub.open(name, tail, roster=roster, now=self._clock())
        attachment.settling = None
        early, attachment.early = attachment.early, []
        for epoch, entry in early:
            if isinstance(entry, Publication):
                self.on_publication(name, epoch, entry)
            else:
                self.on_change(name, epoch, entry)
        if attachment.is_behind:
            self._repair_soon(attachment)
        if roster is not None:
            self._seats.keep_all(attachment, roster.position.epoch)
        self._admit_some(attachment, attachment.waiting)

    def _let_go(self, attachment: Attachment) -> None:
        attachment.linger = None
        if not attachment.heard:
            self._wish(attachment).want(False)

    async def _detach(self, attachment: Attachment) -> None:
        # Also called to undo an attach that failed half-way, and again when it failed itself.
        if attachment.channel is not None:
            attachment.channel = None
            self._hub.close(attachment.name)
        await self._broker.unsubscribe(attachment.name)

    def _forget_if_idle(self, attachment: Attachment) -> None:
        # One that is still being attached for nobody is let go of first.
        gone = attachment.wish is None or attachment.wish.is_over
        if gone and not attachment.waiting and not attachment.seats:
            self._attachments.pop(attachment.name, None)

    # Admitting.

    def _admit_some(
        self,
        attachment: Attachment,
        some: Iterable[Subscription],
        *,
        confirmed: Container[Subscription] = (),
    ) -> None:
        """Let in those of some that wait and whose turn it is.

        Thousands may wait: the caller names those for whom something has changed. Since the
        `confirmed` ones came, the broker was asked: it has no more than this node has now.
        """
        channel = attachment.channel
        if channel is None:
            return
        for subscription in list(some):
            request = attachment.waiting.get(subscription)
            if request is None or not self._seated(attachment, subscription, channel=channel):
                continue
            if is_ahead(request.position, channel.log) and subscription not in confirmed:
                attachment.confirming[subscription] = None
                self._repair_soon(attachment)
            else:
                self._admit(attachment, subscription, channel=channel)

    def _seated(
        self, attachment: Attachment, subscription: Subscription, *, channel: Channel
    ) -> bool:
        """Whether the list of members that a joiner will be shown has the joiner in it."""
        presence, claims = channel.presence, subscription.session.claims
        if presence is None or claims is None:
            return True
        position = attachment.seats[claims.user].position
        if position is None:
            return False
        if position.epoch == presence.position.epoch:
            if presence.position.offset >= position.offset:
                return presence.has(claims.user)
            attachment.unseen.setdefault(position.offset, []).append(subscription)
        elif attachment.settling is None:
            self._repair_soon(attachment)
        return False

    def _admit(
        self, attachment: Attachment, subscription: Subscription, *, channel: Channel
    ) -> None:
        request = attachment.waiting.pop(subscription)
        start = start_of(request, channel.log)
        reply = Subscribed(
            request.id,
            channel.name,
            channel.log.position,
            start.recovered,
            start.reason,
            None if channel.presence is None else channel.presence.listed(),
        )
        # No await since the log was looked at: whatever it says next comes after the reply.
        frames = subscription.session.dialect.reply(reply)
        self._hub.join(subscription, channel, reply=frames, after=start.after)
        self._changed()

    # Repairing.

    def _repair_soon(self, attachment: Attachment) -> None:
        attachment.stale = True
        if not attachment.repairing:
            attachment.repairing = True
            self._tasks.start(self._repair(attachment))

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
                attachment.unseen.clear()
                self._admit_some(attachment, attachment.waiting, confirmed=confirming)
        finally:
            attachment.repairing = False

    async def _read_again(self, attachment: Attachment, channel: Channel) -> None:
        """Fill the replica from the broker's log, or begin it again where that cannot be."""
        self.reads += 1
        try:
            tail = await self._broker.read(channel.name, after=channel.log.position)
        except RiverError as error:
            if error.error is not ErrorCode.UNRECOVERABLE:
                raise
            tail = await self._broker.read(channel.name)
        roster = None if channel.presence is None else await self._broker.members(channel.name)
        if attachment.channel is not channel:
            return
        now = self._clock()
        if not channel.log.can_take(tail.position, len(tail.publications)):
            self._hub.restart(channel, tail, now=now)
        for publication in tail.publications:
            self._hub.append(channel, publication, now=now)
        if roster is not None:
            self._take_roster(attachment, roster, channel=channel)
        if attachment.is_behind:
            # The read was older than what the feed spoke of.
            attachment.stale = True
        self._changed()

    def _take_roster(self, attachment: Attachment, roster: Roster, *, channel: Channel) -> None:
        presence = channel.presence
        assert presence is not None, "a roster is read for channels with members"
        ours, theirs = presence.position, roster.position
        if theirs.epoch != ours.epoch and not self._is_settled(attachment, theirs.epoch):
            return
        if theirs.epoch == ours.epoch and theirs.offset < ours.offset:
            attachment.stale = True
            return
        if theirs != ours:
            attachment.settling = None
            self._hub.replace_members(channel, roster)
        self._seats.keep_all(attachment, theirs.epoch)

    def _is_settled(self, attachment: Attachment, epoch: str) -> bool:
        """Whether the nodes had time to take their seats in a list that began again.

        Without it, clients would be told that all have left and come back.
        """
        settling = attachment.settling
        if settling is not None and settling.epoch == epoch:
            return settling.is_over
        settling = attachment.settling = Settling(epoch)
        self._seats.doubt(attachment)
        self._tasks.start(self._settle(attachment, settling))
        return False

    async def _settle(self, attachment: Attachment, settling: Settling) -> None:
        await asyncio.sleep(SETTLE_S)
        # Said, not compared with a clock: timers end up to a millisecond before their time.
        settling.is_over = True
        self._repair_soon(attachment)


def _is_behind(channel: Channel | None, place: tuple[Position, Position | None]) -> bool:
    """Whether the broker has more of a channel than this node, or another log or list."""
    if channel is None:
        return False
    log, members = place
    if log.epoch != channel.log.epoch or log.offset > channel.log.offset:
        return True
    if channel.presence is None or members is None:
        return False
    ours = channel.presence.position
    return members.epoch != ours.epoch or members.offset > ours.offset
