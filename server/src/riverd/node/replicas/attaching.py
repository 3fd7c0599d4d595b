"""Attaches channels that have subscribers, takes in what the feed brings, detaches idle ones."""

import asyncio
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress

from msgspec.structs import replace

from riverd.broker import Broker
from riverd.channels.names import is_own
from riverd.core.channel import Channel
from riverd.core.hub import Hub
from riverd.core.recovery import kept_start, newest_of_back_end, start_of
from riverd.core.session import LIVE, Session, Subscription
from riverd.errors import BrokerError, ErrorCode, RiverError
from riverd.model.log import Change, Ephemeral, Position, Publication
from riverd.model.replies import Subscribed
from riverd.node.replicas.admission import Obstacle, obstacle_to, version_of
from riverd.node.replicas.attachment import Attachment, Linger, TabStarts
from riverd.node.replicas.held import FormerReplicas
from riverd.node.replicas.idle import IdleChannels
from riverd.node.replicas.membership import Membership
from riverd.node.replicas.reconcile import DesiredState
from riverd.node.replicas.repair import Repairs
from riverd.scheduling.portions import PORTION, free, portions
from riverd.scheduling.tasks import Tasks

Confirmed = Container[Subscription]

ATTACHING_MAX = 64
"""Channels that are attached at the same time: a client with thousands waits for itself."""


class Attachments:
    """The channels of a node. `attachment.py` has the states of each.

    `changed` is called when the hub has something to flush.
    """

    def __init__(
        self,
        broker: Broker,
        hub: Hub,
        *,
        tasks: Tasks,
        clock: Callable[[], float],
        changed: Callable[[], None],
        linger: Linger,
    ) -> None:
        self._broker, self._hub, self._tasks, self._clock = broker, hub, tasks, clock
        self._changed = changed
        self._idle = IdleChannels(tasks, clock=clock, idle_s=linger.channel_s, over=self._end)
        self.tabs: TabStarts | None = None
        self.recounted: Callable[[str], None] = _ignore
        """Called with channels that have another number of subscribers."""
        self.greeted: Callable[[Session], None] = _ignore
        """Called with sessions whose user's channel is live, and so is what they may say next."""
        self.former = FormerReplicas()
        self._by_channel: dict[str, Attachment] = {}
        self._own = self._reads = self._interruptions = 0
        """How many are users' own, which no limit counts; reads; interruptions of the feed."""
        self._slots = asyncio.Semaphore(ATTACHING_MAX)
        self._membership = Membership(
            broker,
            tasks,
            leave_s=linger.member_s,
            joined=self._admit_ready,
            refused=self._refuse,
            removed=self._forget_if_unused,
        )
        self._repairs = Repairs(
            broker,
            hub,
            tasks=tasks,
            membership=self._membership,
            clock=clock,
            repaired=self._on_repaired,
        )

    def __iter__(self) -> Iterator[Attachment]:
        return iter(self._by_channel.values())

    @property
    def reads(self) -> int:
        """How often a log was read from the broker."""
        return self._reads + self._repairs.reads

    def channel(self, name: str) -> Channel | None:
        """The replica of a channel, if this node has one."""
        return self._hub.channels.get(name)

    def check_room_for(self, name: str, channels_max: int) -> None:
        """Find out whether this node can have a channel.

        Raises:
            RiverError: too_many_channels.
        """
        if len(self._by_channel) - self._own >= channels_max and name not in self._by_channel:
            message = f"more than {channels_max} channels on this server"
            raise RiverError(ErrorCode.TOO_MANY_CHANNELS, message)

    # What sessions want.

    def subscribe(self, subscription: Subscription) -> None:
        """Bring a pending subscription into its channel: at once if the replica is there."""
        name = subscription.channel
        attachment = self._by_channel.get(name)
        if attachment is None:
            attachment = self._by_channel[name] = Attachment(name)
            self._own += is_own(name)
        self._idle.discard(attachment)
        attachment.waiting[subscription] = None
        if subscription.member is not None and self._hub.rules.of(name).has_members:
            self._membership.add(attachment, subscription.member, subscription=subscription)
        (attachment.desired or self._desired(attachment)).want(True)
        if attachment.channel is not None:
            self._admit_if_ready(attachment, subscription, confirmed=())

    def unsubscribe(self, subscription: Subscription, *, lingers: bool = True) -> None:
        """End a subscription, whatever its state. See `Membership` for what lingers."""
        attachment = self._by_channel[subscription.channel]
        attachment.waiting.pop(subscription, None)
        attachment.confirming.pop(subscription, None)
        self._hub.unsubscribe(subscription)
        if self.tabs is not None:
            self.tabs.ended(subscription)
        self.recounted(attachment.name)
        if attachment.presence_entries and subscription.member is not None:
            user = subscription.member.user
            self._membership.remove(attachment, user, subscription=subscription, lingers=lingers)
        if not attachment.is_used:
            self._idle.add(attachment)

    def admit_started(self, subscription: Subscription) -> None:
        """The broker knows from where on a page has the channel: admit it if it waits for that."""
        if (attachment := self._by_channel.get(subscription.channel)) is not None:
            self._admit_ready(attachment, [subscription])

    # What the feed brings.

    def on_publication(self, name: str, epoch: str, publication: Publication) -> None:
        """Take a publication in its order, or find out what is missing before it."""
        attachment = self._by_channel.get(name)
        if attachment is None:
            return
        channel = attachment.channel
        if channel is None:
            attachment.keep_early(epoch, publication, term=self._broker.term)
        elif epoch != channel.log.epoch:
            self._repairs.soon(attachment)
        elif publication.offset <= channel.log.offset:
            self._compare_known(attachment, channel, publication=publication)
        elif self._hub.append(channel, publication, now=self._clock()):
            self._changed()
        else:
            attachment.note_announced(epoch, publication.offset, term=self._broker.term)
            self._repairs.soon(attachment)

    def on_ephemeral(self, name: str, epoch: str, *, event: Ephemeral) -> None:
        """Pass an event on if this node is where it belongs; else find out what is missing."""
        attachment = self._by_channel.get(name)
        channel = None if attachment is None else attachment.channel
        if attachment is None or channel is None:
            return
        if epoch == channel.log.epoch and event.after <= channel.log.offset:
            self._hub.pass_on(channel, event)
            self._changed()
            return
        # It is not kept for later, but shows that something before it was lost.
        attachment.note_announced(epoch, event.after, term=self._broker.term)
        self._repairs.soon(attachment)

    def _compare_known(
        self, attachment: Attachment, channel: Channel, *, publication: Publication
    ) -> None:
        """A publication that a read brought already; or else its position was given twice."""
        held = channel.log.at(publication.offset)
        if held == publication:
            return
        if held is not None:
            attachment.renounced = channel.log.epoch
        self._repairs.soon(attachment)

    def on_change(self, name: str, epoch: str, change: Change) -> None:
        """Take a join or leave in its order, or read the list again."""
        attachment = self._by_channel.get(name)
        if attachment is None:
            return
        channel = attachment.channel
        if channel is None or channel.presence is None:
            attachment.keep_early(epoch, change, term=self._broker.term)
        elif epoch == channel.presence.position.epoch and self._hub.change(
            channel, change, now=self._clock()
        ):
            self._changed()
            self._membership.keep(attachment, change.member.user)
            self._admit_ready(attachment, attachment.awaiting_version.pop(change.offset, ()))
        elif not attachment.is_settling_in(epoch):
            self._repairs.soon(attachment)

    def remake_presence_entries(self) -> None:
        """The broker has removed this node's entries: make those again that are still wanted."""
        self._membership.remaking.lost(self._by_channel)

    async def compare(self, *, on_its_way_s: float) -> None:
        """Repair the replicas that are behind the broker: see `Repairs.compare`."""
        asked_at = self._clock()
        self._interruptions += on_its_way_s == 0
        await self._repairs.compare(self._by_channel, on_its_way_s=on_its_way_s)
        self.former.confirmed(asked_at)

    # Attaching and detaching.

    def _desired(self, attachment: Attachment) -> DesiredState:
        if attachment.desired is None:

            async def apply(wanted: bool, /) -> None:  # noqa: FBT001  the state itself
                await (self._attach(attachment) if wanted else self._detach(attachment))

            def settled() -> None:
                self._forget_if_unused(attachment)

            attachment.desired = DesiredState(apply, self._tasks, settled=settled)
        return attachment.desired

    async def _attach(self, attachment: Attachment) -> None:
        async with self._slots:
            await self._attach_now(attachment)
            await asyncio.sleep(0)  # A broker in this process never lets others run meanwhile.

    async def _attach_now(self, attachment: Attachment) -> None:
        name, term, asked_at = attachment.name, self._broker.term, self._clock()
        cuts = self._interruptions
        attachment.early.clear()
        await self._broker.subscribe(name)
        self._reads += 1  # After subscribing: what is published between comes by both ways.
        tail = await self._broker.read(name, keep=True)
        roster = None
        if self._hub.rules.has_members(name):
            roster = await self._broker.members(name, keep=True)
        if self._broker.term != term:
            raise BrokerError("the broker has another history of its data by now")
        attachment.channel = self._hub.open(name, tail, roster=roster, now=self._clock())
        attachment.confirmed_at = asked_at
        # Not all nodes compare: without this they would keep former replicas for ever.
        self.former.confirmed(asked_at)
        attachment.settling = None
        early, attachment.early = attachment.early, []
        for epoch, entry in early:
            if isinstance(entry, Publication):
                self.on_publication(name, epoch, entry)
            else:
                self.on_change(name, epoch, entry)
        if attachment.is_behind(term) or cuts != self._interruptions:
            # What was published between the read and the feed's return came by neither way.
            self._repairs.soon(attachment)
        if roster is not None:
            self._membership.keep_all(attachment, roster.position.epoch)
        self._admit_all(attachment)

    def _end(self, attachment: Attachment) -> None:
        self._desired(attachment).want(False)

    async def _detach(self, attachment: Attachment) -> None:
        # Also called to undo an attach that failed half-way, and again when it failed itself.
        if attachment.channel is not None:
            self.former.note(attachment.name, attachment.channel.log.position, now=self._clock())
            attachment.channel = None
            if members := self._hub.close(attachment.name):
                self._tasks.start(free(members))
        await self._broker.unsubscribe(attachment.name)

    def _forget_if_unused(self, attachment: Attachment) -> None:
        # One that is still being attached for nobody is detached first.
        gone = attachment.desired is None or attachment.desired.is_absent
        if gone and not attachment.waiting and not attachment.presence_entries:
            if self._by_channel.pop(attachment.name, None) is not None:
                self._own -= is_own(attachment.name)
            # It holds this object: without it there is no cycle left.
            attachment.desired = None

    # Admitting.

    def _on_repaired(self, attachment: Attachment, confirmed: Confirmed) -> None:
        self._changed()
        self._admit_all(attachment, confirmed)

    def _admit_all(self, attachment: Attachment, confirmed: Confirmed = ()) -> None:
        """Admit those that wait; where they are many, others have their turn in between."""
        waiting = list(attachment.waiting)
        self._admit_ready(attachment, waiting[:PORTION], confirmed=confirmed)

        async def admit_rest() -> None:
            async for some in portions(waiting[PORTION:]):
                self._admit_ready(attachment, some, confirmed=confirmed)

        if len(waiting) > PORTION:
            self._tasks.start(admit_rest())

    def _admit_ready(
        self, attachment: Attachment, some: Iterable[Subscription], *, confirmed: Confirmed = ()
    ) -> None:
        """Admit those of some that wait and have no obstacle; see to the obstacles of the others.

        Thousands may wait: the caller names those for whom something has changed.
        """
        if attachment.channel is None:
            return
        for subscription in list(some):
            if subscription in attachment.waiting:
                self._admit_if_ready(attachment, subscription, confirmed=confirmed)

    def _admit_if_ready(
        self, attachment: Attachment, subscription: Subscription, *, confirmed: Confirmed
    ) -> None:
        obstacle = obstacle_to(attachment, subscription, confirmed=confirmed)
        if obstacle is None:
            self._admit(attachment, subscription)
        else:
            self._overcome(obstacle, attachment, subscription=subscription)

    def _overcome(
        self, obstacle: Obstacle, attachment: Attachment, *, subscription: Subscription
    ) -> None:
        match obstacle:
            case Obstacle.ENTRY:
                pass  # The broker's answer is on its way: `Membership` calls when it is there.
            case Obstacle.VERSION:
                entered = version_of(attachment, subscription.member)
                assert entered is not None, "the broker has named the version"
                attachment.awaiting_version.setdefault(entered.offset, []).append(subscription)
            case Obstacle.LIST:
                if attachment.settling is None:
                    self._repairs.soon(attachment)
            case Obstacle.AHEAD:
                attachment.confirming[subscription] = None
                self._repairs.soon(attachment)
            case Obstacle.START:
                assert self.tabs is not None, "only pages have starts that are stored"
                assert attachment.channel is not None, "it is looked at with its channel"
                assert subscription.request is not None, "only pending subscriptions wait"
                start = kept_start(subscription.request, attachment.channel.log)
                self.tabs.store_start(subscription, start)

    def _admit(self, attachment: Attachment, subscription: Subscription) -> None:
        request, channel = subscription.request, attachment.channel
        assert request is not None, "only pending subscriptions wait"
        assert channel is not None, "it was looked at with its channel"
        del attachment.waiting[subscription]
        session, member, log = subscription.session, subscription.member, channel.log
        start, protocol = start_of(request, log), session.protocol
        presence, newest = channel.presence, None
        if request.wants_last:
            newest = newest_of_back_end(log)
            if newest is None and self._broker.webhooks.interests.all:
                self._tasks.start(self._miss(channel.name))
        tab = None if self.tabs is None else session.tab
        is_lost = start.reason is not None and tab is None
        reply = Subscribed(
            request.id,
            channel.name,
            Position(log.epoch, log.offset),
            start.recovered,
            start.reason,
            None if presence is None else presence.listed(protocol.members_max, first=member),
            member,
            newest,
            # Many resume together when a gateway or the broker was away.
            self._hub.reload_delays.next_ms(self._clock()) if is_lost else 0,
        )
        # No await since the log was looked at: what is sent next comes after the reply.
        greeting = request.greeting
        frames = protocol.encode(reply if greeting is None else replace(greeting, own=reply))
        self._hub.admit(subscription, channel, reply=frames, after=start.after)
        if self.tabs is not None and tab is not None:
            if start.reason is not None:
                self._hub.send_gap(subscription, channel, now=self._clock())
            self.tabs.admitted(subscription)
        self.recounted(channel.name)
        if subscription.state is not LIVE:
            self._changed()
        if greeting is not None:
            self.greeted(session)

    def _refuse(self, some: Iterable[Subscription], error: RiverError) -> None:
        for subscription in some:
            session, request = subscription.session, subscription.request
            assert request is not None, "only pending subscriptions are refused"
            self._hub.witness.refused(session, request, error=error)
            session.fail(request.id, error)
            self.unsubscribe(subscription, lingers=False)

    async def _miss(self, name: str) -> None:
        # Who finds nothing later says so again.
        with suppress(RiverError):
            await self._broker.webhooks.miss(name)


def _ignore(_what: object) -> None:
    """Nobody wants to know."""
