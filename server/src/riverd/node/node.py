"""Carries out what sessions ask, and tells them what happens: the only awaits of the data path."""

import asyncio
from collections.abc import Callable

from riverd.broker import Broker
from riverd.core.hub import Hub
from riverd.core.presence import LISTED_MAX
from riverd.core.session import Session
from riverd.errors import CloseCode, ErrorCode, RiverError
from riverd.model import (
    Authenticate,
    Change,
    Command,
    GetHistory,
    GetMembers,
    History,
    Member,
    MemberList,
    Members,
    Message,
    Publication,
    Publish,
    Published,
    Subscribe,
    Tail,
    Unsubscribe,
)
from riverd.node.replicas import Replicas
from riverd.tasks import Tasks

SWEEP_S = 5.0
ON_ITS_WAY_S = 0.5

CROWD = 500
PAUSE_S_EACH = 30e-6
PAUSE_S_MAX = 0.25
"""Joins and leaves that a crowd hears are told together, the more rarely the larger it is: about as
much time is left as the writing takes here and the reading there. A publication waits for none."""


class Node:
    """One process that holds sessions: the feed's listener and the sessions' servant.

    `compare_s` is how often positions are compared with a broker whose feed can lose something.
    """

    def __init__(
        self,
        broker: Broker,
        hub: Hub,
        *,
        clock: Callable[[], float],
        failed: Callable[[BaseException], None],
        linger_s: float = 5.0,
        compare_s: float | None = None,
    ) -> None:
        self.sessions: set[Session] = set()
        self.drain_asked: Callable[[str], None] = _ignore
        """Told the names of nodes that are asked to drain: for whoever knows what this one's is."""
        self._broker = broker
        self._hub = hub
        self._clock = clock
        self._tasks = Tasks(failed)
        self._users: dict[str, dict[Session, None]] = {}
        self._reporting = False
        self._flush_due = False
        self._pause: asyncio.TimerHandle | None = None
        self._compare_s = compare_s
        self.replicas = Replicas(
            broker,
            hub,
            tasks=self._tasks,
            clock=clock,
            changed=self._flush_soon,
            linger_s=linger_s,
        )

    async def start(self) -> None:
        """Listen to the broker."""
        await self._broker.attach(self)
        self._tasks.start(self._sweep())
        if self._compare_s is not None:
            self._tasks.start(self._compare_always(self._compare_s))

    async def close(self) -> None:
        """Let go of the broker and of all background work. Sessions are to be closed before."""
        if self._pause is not None:
            self._pause.cancel()
        await self._tasks.close()
        await self._broker.close()

    # What the gateway tells.

    def opened(self, session: Session) -> None:
        """A session began."""
        self.sessions.add(session)

    def closed(self, session: Session) -> None:
        """A session is over: it hears nothing any more. Calling it again does nothing."""
        if session not in self.sessions:
            return
        self.sessions.discard(session)
        if session.claims is None:
            return
        user = session.claims.user
        for subscription in list(session.subscriptions.values()):
            self.replicas.unsubscribe(subscription, user)
        session.subscriptions.clear()
        sessions = self._users.get(user, {})
        sessions.pop(session, None)
        if not sessions:
            self._users.pop(user, None)

    def blocked(self, session: Session) -> None:
        """A session's socket takes no more."""
        self._hub.block(session)

    def drained(self, session: Session) -> None:
        """A session's socket takes more again."""
        self._hub.unblock(session)
        self._flush_soon()

    def execute(self, session: Session, command: Command) -> None:
        """Carry out a command that the session has checked."""
        match command:
            case Authenticate():
                self.authenticated(session)
            case Subscribe():
                self._subscribe(session, command)
            case Unsubscribe():
                self._unsubscribe(session, command)
            case Publish():
                self._tasks.start(self._publish(session, command))
            case GetMembers():
                self._tasks.start(self._members(session, command))
            case GetHistory():
                self._tasks.start(self._history(session, command))
            case _:
                raise AssertionError(f"the session answers {type(command).__name__} itself")

    def authenticated(self, session: Session) -> None:
        """A session's user is known, or was confirmed."""
        assert session.claims is not None, "called after a token was accepted"
        self._users.setdefault(session.claims.user, {})[session] = None

    # What the broker tells.

    def on_publication(self, channel: str, epoch: str, publication: Publication) -> None:
        """See `Feed`."""
        self.replicas.on_publication(channel, epoch, publication)
        if self._pause is not None:
            self._end_pause(self._pause)

    def on_change(self, channel: str, epoch: str, change: Change) -> None:
        """See `Feed`."""
        self.replicas.on_change(channel, epoch, change)

    def on_disconnect(self, user: str) -> None:
        """See `Feed`."""
        for session in list(self._users.get(user, ())):
            session.close(CloseCode.DISCONNECTED, "disconnected by the back end")

    def on_drain(self, node: str) -> None:
        """See `Feed`."""
        self.drain_asked(node)

    def on_interrupted(self) -> None:
        """See `Feed`."""
        self._tasks.start(self._compare(on_its_way_s=0))
        self._report_all()

    def on_presence_lost(self) -> None:
        """See `Feed`."""
        self.replicas.retake_seats()
        self._report_all()

    # Commands.

    def _subscribe(self, session: Session, command: Subscribe) -> None:
        claims = session.claims
        assert claims is not None, "the session serves only authenticated clients"
        member = Member(claims.user, claims.info)
        subscription = session.subscriptions[command.channel]
        self.replicas.subscribe(subscription, command, member=member)

    def _unsubscribe(self, session: Session, command: Unsubscribe) -> None:
        claims = session.claims
        assert claims is not None, "the session serves only authenticated clients"
        self.replicas.unsubscribe(session.subscriptions.pop(command.channel), claims.user)

    async def _publish(self, session: Session, command: Publish) -> None:
        user = None if session.claims is None else session.claims.user
        message = Message(command.channel, command.event, command.data, user=user)
        try:
            position = await self._broker.publish(message)
        except RiverError as error:
            session.fail(command.id, error)
        else:
            session.reply(Published(command.id, position))

    async def _members(self, session: Session, command: GetMembers) -> None:
        try:
            listed = await self._listed(command.channel)
        except RiverError as error:
            session.fail(command.id, error)
        else:
            self._reply_at_length(session, Members(command.id, command.channel, listed))

    async def _listed(self, name: str) -> MemberList:
        channel = self.replicas.channel(name)
        if channel is not None and channel.presence is not None:
            return channel.presence.listed()
        roster = await self._broker.members(name, limit=LISTED_MAX)
        return MemberList(roster.count, tuple(roster.members.values()))

    async def _history(self, session: Session, command: GetHistory) -> None:
        try:
            tail = await self._tail(command)
        except RiverError as error:
            session.fail(command.id, error)
        else:
            self._reply_at_length(session, History(command.id, command.channel, tail))

    def _reply_at_length(self, session: Session, reply: Members | History) -> None:
        """Give a long answer, unless the client does not even read the ones before it."""
        if session.blocked:
            unread = RiverError(ErrorCode.TOO_FAST, "read what was sent before asking for more")
            session.fail(reply.id, unread)
        else:
            session.reply(reply)

    async def _tail(self, command: GetHistory) -> Tail:
        """The asked part of a log: from this node's replica where that has it."""
        channel, wanted = self.replicas.channel(command.channel), command.position
        if channel is not None and wanted is None:
            after = channel.log.last(command.limit or self._hub.history_size)
            return Tail(channel.log.position, tuple(channel.log.since(after) or ()))
        if channel is not None and wanted is not None and wanted.epoch == channel.log.epoch:
            held = channel.log.since(wanted.offset) if wanted.offset <= channel.log.offset else None
            if held is not None:
                return Tail(channel.log.position, tuple(held[: command.limit]))
        return await self._broker.read(command.channel, after=wanted, limit=command.limit)

    # Background.

    def _flush_soon(self) -> None:
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due, self._pause = False, None
        more = self._hub.flush(self._clock())
        crowd = self._hub.told_of_changes - CROWD
        if crowd > 0:
            self._flush_due = True
            pause_s = min(PAUSE_S_MAX, crowd * PAUSE_S_EACH)
            self._pause = asyncio.get_running_loop().call_later(pause_s, self._flush)
        elif more:
            self._flush_soon()
        self._report_soon()

    def _end_pause(self, pause: asyncio.TimerHandle) -> None:
        pause.cancel()
        self._flush_due, self._pause = False, None
        self._flush_soon()

    def _report_soon(self) -> None:
        if self._hub.recounted and not self._reporting:
            self._reporting = True
            self._tasks.start(self._report())

    def _report_all(self) -> None:
        self._hub.recounted |= dict.fromkeys(self._hub.channels)
        self._report_soon()

    async def _report(self) -> None:
        """Tell the broker the counts that changed; those that change meanwhile, after that."""
        try:
            while names := self._hub.recounted:
                self._hub.recounted = {}
                counts = {name: self._count(name) for name in names}
                try:
                    await self._broker.report(counts)
                except RiverError:
                    self._hub.recounted |= names
                    await asyncio.sleep(SWEEP_S)
        finally:
            self._reporting = False

    def _count(self, name: str) -> int:
        channel = self.replicas.channel(name)
        return 0 if channel is None else channel.subscribers

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._hub.expire(self._clock())

    async def _compare_always(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self._compare(on_its_way_s=ON_ITS_WAY_S)

    async def _compare(self, *, on_its_way_s: float) -> None:
        try:
            await self.replicas.compare(on_its_way_s=on_its_way_s)
        except RiverError:
            # The broker went away again: it will say so, and this is done then.
            return


def _ignore(_node: str) -> None:
    pass
