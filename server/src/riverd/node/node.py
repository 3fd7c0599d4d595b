"""One process that holds sessions: does what they ask, and listens to the broker for them."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from riverd.broker import Broker
from riverd.channels.names import CONTROL
from riverd.core.channel import Channel
from riverd.core.flushed import Flushed
from riverd.core.hub import Hub
from riverd.core.session import Session
from riverd.errors import ErrorCode, Reason, RiverError
from riverd.healing.offers import Held
from riverd.model.commands import (
    Authenticate,
    Command,
    GetHistory,
    GetMembers,
    PublishCommand,
    Reached,
    SignIn,
    Subscribe,
    Unsubscribe,
)
from riverd.model.log import Change, Ephemeral, Member, Publication, Receipt
from riverd.model.orders import Order, Question
from riverd.model.replies import Unsubscribed
from riverd.node.authentication import CREDENTIALS, HELD_BYTES, Authentication
from riverd.node.client_reads import ClientReads
from riverd.node.command_limits import JOIN_BYTES, check_members, take_event, take_fanout
from riverd.node.control import Control, ControlListener
from riverd.node.counts.count_events import CountEvents
from riverd.node.counts.reporting import SubscriberCounts
from riverd.node.counts.user_counts import UserCounts
from riverd.node.counts.watchlists import Watchlists
from riverd.node.flushing import Flushes
from riverd.node.inquiries import Inquiries
from riverd.node.joining import is_joined
from riverd.node.new_channels import NewChannels
from riverd.node.publishing import publish
from riverd.node.replicas.attaching import Attachments
from riverd.node.replicas.attachment import USUAL_LINGER, Linger
from riverd.node.replicas.held import held
from riverd.node.session_history import SessionHistory
from riverd.node.tabs import Tabs
from riverd.node.user_limits import UserLimits
from riverd.node.users import Users
from riverd.node.users_elsewhere import USER_USE, UsersElsewhere
from riverd.scheduling.portions import PORTION, keys_in_portions
from riverd.scheduling.tasks import Tasks

SWEEP_S = 5.0
ON_ITS_WAY_S = 0.5


class Node:
    """The feed's listener, and the only awaits of the data path.

    `compare_s` is how often positions are compared with a broker whose feed can lose something.
    """

    def __init__(
        self,
        broker: Broker,
        hub: Hub,
        *,
        clock: Callable[[], float],
        failed: Callable[[BaseException], None],
        linger: Linger = USUAL_LINGER,
        compare_s: float | None = None,
    ) -> None:
        self.sessions: set[Session] = set()
        self._broker, self._hub, self._clock = broker, hub, clock
        self._tasks, self._compare_s = Tasks(failed), compare_s
        self.flushes = Flushes(hub, clock=clock, flushed=self._on_flushed)
        self.count_events = CountEvents(
            broker.counts, hub, tasks=self._tasks, clock=clock, changed=self.flushes.soon
        )
        self._counts = SubscriberCounts(
            broker.report, self._tasks, count=self._count, reported=self.count_events.reported
        )
        self.tabs = Tabs(broker, hub, tasks=self._tasks, clock=clock, claimed=self._on_claimed)
        self.attachments = Attachments(
            broker,
            hub,
            tasks=self._tasks,
            clock=clock,
            changed=self.flushes.soon,
            linger=linger,
        )
        self.attachments.tabs, self.attachments.recounted = self.tabs, self._counts.changed
        self.tabs.started, self.tabs.lost = self.attachments.admit_started, self.flushes.soon
        self._reads = ClientReads(broker, self.attachments, tasks=self._tasks, clock=clock)
        self.users = Users(self.attachments, tasks=self._tasks)
        elsewhere = UsersElsewhere(broker, self.users.use_of, tasks=self._tasks, clock=clock)
        self._user_limits = UserLimits(self.users.sessions, elsewhere=elsewhere.of)
        self._new_channels = NewChannels()
        self._user_counts = UserCounts(broker.webhooks, self._tasks, sessions=self.users.sessions)
        self.authentication = Authentication(
            hub,
            self.attachments,
            users=self.users,
            limits=self._user_limits,
            clock=clock,
            carry_out=self.carry_out,
        )
        self.watchlists = Watchlists(
            broker.counts, self.users, tasks=self._tasks, clock=clock, leave_s=linger.member_s
        )
        self.authentication.counted = self._user_counts.changed
        self.authentication.identified = self.watchlists.began
        listener = ControlListener(
            self.users.obey, self.authentication.on_confirmed, self._on_reloaded
        )
        self.control = Control(broker, listener, tasks=self._tasks, clock=clock)
        self.authentication.control, self.authentication.tasks = self.control, self._tasks
        self.inquiries = Inquiries(self.control, tasks=self._tasks)
        self.inquiries.answer_with("connections", lambda asked: self.users.describe(asked.user))
        self.inquiries.answer_with(USER_USE, elsewhere.answer)
        self.history: SessionHistory | None = None
        """What remembers its sessions, if anybody does: the hub's witness. Set before it starts."""

    async def start(self) -> None:
        """Listen to the broker."""
        await self._broker.attach(self)
        await self.control.start()
        self._tasks.start(self._sweep())
        if self._compare_s is not None:
            self._tasks.start(self._compare_always(self._compare_s))

    async def close(self) -> None:
        """End all background work and the broker's connections. Sessions are closed before."""
        self.flushes.close()
        await self.tabs.close()
        await self._tasks.close()
        await self._broker.close()

    # What the carrier of a session's bytes calls.

    def opened(self, session: Session, *, address: str | None = None, client: str = "") -> None:
        """A session began, from an address, with what the client calls itself."""
        self.sessions.add(session)
        session.address = address
        if self.history is not None:
            self.history.opened(session, address=address, client=client)
        if session.tab is not None and not self._new_channels.take_page(session, now=self._clock()):
            # Not served without: it would miss something and not know it.
            session.tab = None
            text = "too many pages of one address"
            asyncio.get_running_loop().call_soon(session.close, Reason.FULL, text)
        if session.tab is not None:
            self.tabs.opened(session)

    def receive(self, session: Session, payload: bytes, *, now: float) -> None:
        """Take a client's message, and answer it or carry it out. `now` is in unix seconds."""
        command = session.receive(payload, now)
        if command is None:
            return
        if session.tab is not None and self.tabs.hold(session, command, size=len(payload)):
            self.authentication.unix_ahead_s = now - self._clock()
        else:
            self._take(session, command, size=len(payload), now=now)

    def _take(self, session: Session, command: Command, *, size: int, now: float) -> None:
        waiting = self.authentication.waiting
        if session in waiting.held:
            waiting.hold(session, command, size=size)
        elif isinstance(command, CREDENTIALS):
            self.authentication.authenticate(session, command, now=now)
        else:
            self.carry_out(session, command)

    def authenticate(self, session: Session, command: Authenticate | SignIn, *, now: float) -> None:
        """Take a token, whether it came with the connection or in a message; or a signature.

        It waits, and what follows it, while this node may not know who is refused.
        """
        self.authentication.authenticate(session, command, now=now)

    def carry_out(self, session: Session, command: Command) -> None:
        """Do what a session asks, or answer why not."""
        try:
            self._execute(session, command)
        except RiverError as error:
            if self.history is not None:
                self.history.refused(session, command, error=error)
            session.fail(command.id, error)

    def blocked(self, session: Session) -> None:
        """A session's socket takes no more."""
        self._hub.block(session)

    def drained(self, session: Session) -> None:
        """A session's socket takes more again."""
        self._hub.unblock(session)
        self.tabs.drained(session)
        self.flushes.soon()

    def ended(self, session: Session) -> None:
        """A session is over, and `closed` follows later: until then nothing is sent to it."""
        self._hub.mute(session)

    def closed(self, session: Session) -> None:
        """A session is over: it is sent nothing any more. Calling it again does nothing."""
        if session not in self.sessions:
            return
        self.sessions.discard(session)
        if session.tab is not None:
            self.tabs.closed(session)
        if self.authentication.waiting.held:
            self.authentication.drop(session)
        if self.history is not None:
            self.history.closed(session, self._hub.channels)
        for subscription in list(session.subscriptions.values()):
            self.attachments.unsubscribe(subscription)
        claims = session.claims
        if claims is not None:
            self.users.remove(claims.user, session)
            clock_s = self._clock()
            now = clock_s + self.authentication.unix_ahead_s
            self._user_limits.end(session, clock_s=clock_s, now=now)
            self._user_counts.changed(claims.user)
            self.watchlists.ended(session)

    # What the broker calls.

    def on_publication(self, channel: str, epoch: str, publication: Publication) -> None:
        """See `Feed`."""
        if channel == CONTROL:
            self.control.on_publication(epoch, publication)
            return
        self.attachments.on_publication(channel, epoch, publication)
        self.flushes.end_pause()

    def on_ephemeral(self, channel: str, epoch: str, *, event: Ephemeral) -> None:
        """See `Feed`."""
        self.attachments.on_ephemeral(channel, epoch, event=event)
        self.flushes.end_pause()

    def on_change(self, channel: str, epoch: str, change: Change) -> None:
        """See `Feed`."""
        self.attachments.on_change(channel, epoch, change)

    def on_order(self, order: Order) -> None:
        """See `Feed`."""
        self.users.obey(order)

    def on_question(self, question: Question) -> None:
        """See `Feed`."""
        self.inquiries.take(question)

    def on_interrupted(self) -> None:
        """See `Feed`."""
        self.control.confirm_soon()
        self._tasks.start(self._compare(on_its_way_s=0))
        self.tabs.rewrite()
        self._report_counts()

    def on_presence_lost(self) -> None:
        """See `Feed`."""
        self.attachments.remake_presence_entries()
        self._report_counts()

    def on_counts_wanted(self) -> None:
        """See `Feed`."""
        self._counts.report_all(self._hub.channels)
        self._user_counts.count_all()

    def on_recounted(self, channel: str) -> None:
        """See `Feed`."""
        self.count_events.recounted(channel)

    def on_users_recounted(self, users: Sequence[str]) -> None:
        """See `Feed`."""
        self.watchlists.recounted(users)

    async def held(self) -> Held:
        """See `Feed`."""
        return await held(self.attachments, self.attachments.former, now=self._clock())

    # Commands.

    def _execute(self, session: Session, command: Command) -> None:
        """Authorise a command and carry it out. Raises RiverError for what is refused."""
        match command:
            case Subscribe():
                self._subscribe(session, command)
            case Unsubscribe():
                self._unsubscribe(session, command)
            case PublishCommand():
                by = session.authorise(command)
                self._publish(session, command, by=by)
            case GetMembers() | GetHistory():
                session.authorise(command)
                self._reads.start(session, command)
            case Reached():
                self.tabs.reached(session)
            case _:
                raise AssertionError(f"{type(command).__name__} was answered before")

    def _publish(self, session: Session, command: PublishCommand, *, by: Member | None) -> None:
        now, size = self._clock(), len(command.data) + len(command.event)
        channel = self._channel(command.channel)
        take_event(session, now)
        self._new_channels.check_publication(session, channel, now=now)
        take_fanout(session, channel, size=size, now=now)
        published = self._on_published
        self._tasks.start(
            publish(self._broker, session, command=command, by=by, published=published)
        )

    def _on_published(self, session: Session, receipt: Receipt) -> None:
        self._new_channels.published(session, receipt, now=self._clock())

    def _subscribe(self, session: Session, command: Subscribe) -> None:
        member = session.authorise(command)
        if is_joined(session, command.channel):
            # A client that did not know it, or that begins again elsewhere.
            self.attachments.unsubscribe(session.subscriptions[command.channel])
        session.check_subscribable(command.channel)
        self._user_limits.check_channel(session)
        self.attachments.check_room_for(command.channel, session.limits.node_channels_max)
        channel = self._hub.channels.get(command.channel)
        if member is not None and self._hub.rules.of(command.channel).has_members:
            check_members(session, channel, member=member)
            size = JOIN_BYTES + len(member.info or b"")
            take_fanout(session, channel, size=size, now=self._clock())
        if command.proof is not None:
            session.prove()
        if not session.is_proven and not session.sink.take_guest():
            return
        if channel is None:
            self._new_channels.take_subscription(session, self._clock())
        if session.tab is not None:
            command = session.tab.resuming(command)
        self.attachments.subscribe(self._hub.subscribe(session, command, member=member))

    def _unsubscribe(self, session: Session, command: Unsubscribe) -> None:
        session.authorise(command)
        subscription = session.subscriptions.get(command.channel)
        if subscription is not None:
            if subscription.request is not None:
                cancelled = RiverError(ErrorCode.CANCELLED, "unsubscribed before it was live")
                session.fail(subscription.request.id, cancelled)
            self.attachments.unsubscribe(subscription)
        session.reply(Unsubscribed(command.id, command.channel))

    def _on_claimed(self, session: Session, commands: list[Command]) -> None:
        """Take what a page's client asked before its row was there."""
        now = self._clock() + self.authentication.unix_ahead_s
        for command in commands:
            if not session.closed:
                self._take(session, command, size=HELD_BYTES, now=now)

    # Orders.

    def _on_reloaded(self, has_lost: bool, /) -> None:  # noqa: FBT001  a callback's argument
        """Close those who are refused; after orders may have been missed, move all the others."""
        now = self._clock() + self.authentication.unix_ahead_s
        revocations = self.control.revocations
        revocations.expire(now)
        self._tasks.start(self.users.close_refused(lambda claims: revocations.check(claims, now)))
        if has_lost:
            self._tasks.start(self.users.move_all())

    # Background.

    def _on_flushed(self, flushed: Flushed) -> None:
        self.tabs.flushed(flushed.channels)

    def _report_counts(self) -> None:
        self._counts.report_all(self._hub.channels)
        self.watchlists.report_all()

    def _channel(self, name: str) -> Channel | None:
        return self.attachments.channel(name)

    def _count(self, name: str) -> int:
        channel = self._hub.channels.get(name)
        return 0 if channel is None else channel.subscribers

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            # By name: who holds channels ends them later, all at once.
            async for names in keys_in_portions(self._hub.channels, PORTION // 2):
                some = [one for name in names if (one := self._channel(name)) is not None]
                self._hub.expire(self._clock(), some)

    async def _compare_always(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self._compare(on_its_way_s=ON_ITS_WAY_S)

    async def _compare(self, *, on_its_way_s: float) -> None:
        # A broker that went away again reports that, and this is done then.
        with suppress(RiverError):
            await self.attachments.compare(on_its_way_s=on_its_way_s)
