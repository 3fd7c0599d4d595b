"""Who is connected to a node, by user, and what orders do to them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from heapq import nsmallest
from itertools import islice

from msgspec.structs import replace

from riverd.channels.names import INTERNAL
from riverd.core.session import Session, Subscription
from riverd.errors import ErrorCode, Reason, RiverError, TokenError
from riverd.model.claims import Claims
from riverd.model.facts import ConnectedUsers
from riverd.model.orders import Order, OrderKind, UserConnection, UserUse
from riverd.model.replies import Unsubscribed
from riverd.node.replicas.attaching import Attachments
from riverd.scheduling.portions import PORTION, do_all, keys_in_portions, portions
from riverd.scheduling.tasks import Tasks

LISTED_MAX = 1_000
"""Connections of a user, in one answer."""
CHANNELS_MAX = 100
"""Of one connection; fewer where there are many connections."""
CHANNELS_MIN = 10
NAMES_MAX = 10_000
"""Names of channels in one answer, where connections have so many."""
OBEYED_AT_ONCE = 100
"""Connections of a user that are closed, or leave a channel, before it is others' turn."""
MOVED_AT_ONCE = 200
MOVE_EVERY_S = 0.1


def _always(_session: Session) -> bool:
    return True


class Users:
    """The authenticated sessions of a node, by user."""

    def __init__(self, attachments: Attachments, *, tasks: Tasks) -> None:
        self.drain_asked: Callable[[str], int] = _ignore
        """Called with the names of nodes that are to drain; gives how many clients that moves."""
        self._attachments = attachments
        self._tasks = tasks
        self.sessions: dict[str, dict[Session, None]] = {}
        """By user. Nobody else changes it."""

    async def in_portions(self, size: int = PORTION) -> AsyncIterator[Sequence[Session]]:
        """All sessions, so many at a time at most."""
        async for names in keys_in_portions(self.sessions, size):
            found = [one for name in names for one in self.sessions.get(name, ())]
            async for some in portions(found, size):
                yield some

    def add(self, user: str, session: Session) -> bool:
        """The session is the user's. Whether it was not before."""
        sessions = self.sessions.setdefault(user, {})
        is_new = session not in sessions
        sessions[session] = None
        return is_new

    def remove(self, user: str, session: Session) -> None:
        """The session is over."""
        sessions = self.sessions.get(user, {})
        sessions.pop(session, None)
        if not sessions:
            self.sessions.pop(user, None)

    def use_of(self, user: str) -> UserUse:
        """How much a user uses here."""
        sessions = self.sessions.get(user, {})
        return UserUse(len(sessions), sum(one.channel_count for one in sessions))

    def describe(self, user: str) -> list[UserConnection]:
        """The connections of a user, and the channels of each: the first of both."""
        sessions = self.sessions.get(user, {})
        each = max(CHANNELS_MIN, min(CHANNELS_MAX, NAMES_MAX // (len(sessions) or 1)))
        found = [_described(one, each) for one in islice(sessions, LISTED_MAX)]
        if len(sessions) > LISTED_MAX:
            found[-1] = replace(found[-1], more=len(sessions) - LISTED_MAX)
        return found

    async def connected(self, prefix: str, limit: int) -> ConnectedUsers:
        """The first users whose ids begin so."""
        first: list[str] = []
        async for some in keys_in_portions(self.sessions):
            named = [one for one in some if one.startswith(prefix) and not one.startswith(INTERNAL)]
            if named:
                first = nsmallest(limit + 1, first + named)
        counts = {one: len(self.sessions[one]) for one in first[:limit] if one in self.sessions}
        return ConnectedUsers(counts, len(first) > limit)

    def of(self, user: str) -> list[Session]:
        """The sessions of a user."""
        return list(self.sessions.get(user, ()))

    def obey(self, order: Order, concerns: Callable[[Session], bool] = _always) -> int:
        """Carry out an order; how many connections it reached.

        `concerns` says whether it came after a session was authenticated.
        """
        match order.kind:
            case OrderKind.DRAIN:
                return self.drain_asked(order.node)
            case OrderKind.UNBLOCK:
                return 0
            case _:
                concerned = [one for one in self.of(order.user) if concerns(one)]
        if order.kind is OrderKind.REMOVE:
            found = [one.subscriptions.get(order.channel) for one in concerned]
            # Those that are there now: what is subscribed later is not meant.
            meant = [one for one in found if one is not None]
            do_all(meant, self._remove, tasks=self._tasks, size=OBEYED_AT_ONCE)
            return len(meant)
        do_all(concerned, _disconnect, tasks=self._tasks, size=OBEYED_AT_ONCE)
        return len(concerned)

    async def move_all(self) -> None:
        """Have all clients connect again, spread over time: what was ordered is not known."""
        async for some in self.in_portions(MOVED_AT_ONCE):
            for session in some:
                session.close(Reason.DRAINING, "orders may have been missed: connect again")
            await asyncio.sleep(MOVE_EVERY_S)

    async def close_refused(self, check: Callable[[Claims], None]) -> None:
        """Close those whose claims are refused: `check` raises TokenError then."""
        async for some in self.in_portions():
            for session in some:
                assert session.claims is not None, "users have tokens"
                try:
                    check(session.claims)
                except TokenError as error:
                    session.close(error.reason, error.message)

    def _remove(self, subscription: Subscription) -> None:
        session, channel = subscription.session, subscription.channel
        if session.subscriptions.get(channel) is not subscription:
            return
        request, subscription.ended_by = subscription.request, "removed by the back end"
        self._attachments.unsubscribe(subscription, lingers=False)
        if request is not None:
            removed = RiverError(ErrorCode.CANCELLED, "removed from the channel by the back end")
            session.fail(request.id, removed)
        else:
            session.reply(Unsubscribed(None, channel, "removed"))


def _disconnect(session: Session) -> None:
    session.close(Reason.DISCONNECTED, "disconnected by the back end")


def _ignore(_node: str) -> int:
    return 0


def _described(session: Session, channels_max: int) -> UserConnection:
    """A connection, with so many of its channels: looking through all would take too long."""
    # Its own channel is among the first, and is not counted.
    looked = list(islice(session.subscriptions, channels_max + 1))
    names = [name for name in looked if not name.startswith(INTERNAL)]
    listed = sorted(names[:channels_max])
    unlisted = len(names) - len(listed) + len(session.subscriptions) - len(looked)
    client = "" if session.start is None else session.start.client
    return UserConnection(session.id, session.authenticated_at, listed, client, unlisted)
