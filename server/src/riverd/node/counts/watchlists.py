"""Sends users who have signed in which of those whom they watch are connected, to any node.

a user's first connection here begins, or its last one ended a while ago -> this node reports
that, and all nodes are notified -> those where somebody watches the user read the sum
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from functools import partial

from riverd.broker.counts import BrokerCounts
from riverd.core.session import Session
from riverd.errors import ErrorCode, RiverError
from riverd.model.replies import WatchedUsers
from riverd.node.counts.reporting import SubscriberCounts
from riverd.node.counts.sum_reader import SumReader
from riverd.node.users import Users
from riverd.scheduling.portions import PORTION, portions
from riverd.scheduling.tasks import Tasks

WATCHED_MAX = 100
SENT_AT_ONCE = 100
"""Sessions, each all that it watches."""


def _nobody(_user: str) -> bool:
    return False


class Watchlists:
    """See the drawing. `is_counted` says whether anybody may watch a user.

    A user whose last connection ended counts as connected for `leave_s` more: it may come back.
    """

    def __init__(
        self,
        counts: BrokerCounts,
        users: Users,
        *,
        tasks: Tasks,
        clock: Callable[[], float],
        leave_s: float,
    ) -> None:
        self.is_counted: Callable[[str], bool] = _nobody
        self._counts = counts
        self._users = users
        self._tasks = tasks
        self._clock = clock
        self._leave_s = leave_s
        self._reports = SubscriberCounts(
            counts.report_users, tasks, count=self._count, of_users=True
        )
        self._leaving: dict[str, float] = {}
        """Users without connections, and when that is reported: the first is the next."""
        self._watchers: dict[str, dict[Session, None]] = {}
        self._watching: dict[Session, tuple[str, ...]] = {}
        self._connected: dict[str, bool] = {}
        """What those who watch a user were sent last."""
        self._sums = SumReader(self._read, tasks, known=lambda: self._watchers)
        self._new: dict[Session, None] = {}
        """Sessions that were sent nothing yet."""

    # Who is connected here.

    def began(self, session: Session) -> None:
        """A session is a user's, or has proven anew who it is."""
        claims = session.claims
        assert claims is not None, "it is authenticated"
        if not self.is_counted(claims.user):
            return
        if self._leaving.pop(claims.user, None) is None and self._count(claims.user) == 1:
            self._reports.changed(claims.user)
        self._watch(session, claims.watches)

    def ended(self, session: Session) -> None:
        """A session is over; its user has one connection less already."""
        if self._watching:
            self._unwatch(session)
        claims = session.claims
        if claims is None or not self.is_counted(claims.user) or self._count(claims.user):
            return
        has_task = bool(self._leaving)
        self._leaving[claims.user] = self._clock() + self._leave_s
        if not has_task:
            self._tasks.start(self._report_left())

    def report_all(self) -> None:
        """The broker may have lost what was reported."""
        self._reports.report_all(self._users.sessions, channels_of=partial(filter, self.is_counted))

    def _count(self, user: str) -> int:
        return len(self._users.sessions.get(user, ()))

    async def _report_left(self) -> None:
        while self._leaving:
            user, at = next(iter(self._leaving.items()))
            wait_s = at - self._clock()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
                continue
            del self._leaving[user]
            self._reports.changed(user)

    # Who watches whom.

    def recounted(self, users: Iterable[str]) -> None:
        """A node has reported how many connections these users have on it."""
        self._sums.read_soon([user for user in users if user in self._watchers])

    def _watch(self, session: Session, watched: tuple[str, ...]) -> None:
        self._unwatch(session)
        if not watched:
            return
        if len(watched) > WATCHED_MAX:
            message = f"a watchlist has no more than {WATCHED_MAX} users: this one is not obeyed"
            session.fail(None, RiverError(ErrorCode.TOO_MANY_WATCHED, message))
            return
        self._watching[session] = watched
        for user in watched:
            self._watchers.setdefault(user, {})[session] = None
        self._new[session] = None
        self._sums.read_soon(watched)

    def _unwatch(self, session: Session) -> None:
        self._new.pop(session, None)
        for user in self._watching.pop(session, ()):
            watchers = self._watchers[user]
            del watchers[session]
            if not watchers:
                del self._watchers[user]
                self._connected.pop(user, None)

    async def _read(self, users: list[str]) -> None:
        found: dict[str, bool] = {}
        async for some in portions(users):
            counts = await self._counts.connections(some)
            found |= {user: count > 0 for user, count in zip(some, counts, strict=True)}
        await self._send(found)

    async def _send(self, found: Mapping[str, bool]) -> None:
        """Send those who watch what has changed, and new ones all of it.

        In portions, and the next read waits for its end. Meanwhile sessions may end, or watch
        others: these are new again, and are sent all of that.
        """
        changed: dict[Session, dict[str, bool]] = {}
        async for session, user in self._concerned(found):
            if session not in self._new:
                changed.setdefault(session, {})[user] = found[user]
        async for some in portions(list(changed), SENT_AT_ONCE):
            for session in some:
                if session in self._watching and session not in self._new:
                    _reply(session, changed[session])
        async for some in portions(list(self._new), SENT_AT_ONCE):
            for session in some:
                self._send_all(session, found)

    async def _concerned(self, found: Mapping[str, bool]) -> AsyncIterator[tuple[Session, str]]:
        """Who watches whom of those that are not as they were: a user may have many watchers."""
        count = 0
        for user, is_connected in found.items():
            is_changed = user in self._watchers and self._connected.get(user) is not is_connected
            if is_changed:
                self._connected[user] = is_connected
            for session in (None, *(self._watchers[user] if is_changed else ())):
                if session is not None:
                    yield session, user
                count += 1
                if count % PORTION == 0:
                    await asyncio.sleep(0)

    def _send_all(self, session: Session, found: Mapping[str, bool]) -> None:
        """Send a new one all that it watches, if that was read."""
        watched = self._watching.get(session, ())
        if session not in self._new or not found.keys() >= {*watched}:
            return
        del self._new[session]
        for user in watched:
            # One whom nobody watched when that was compared.
            self._connected.setdefault(user, found[user])
        _reply(session, {user: found[user] for user in watched})


def _reply(session: Session, states: Mapping[str, bool]) -> None:
    online = tuple(user for user, is_connected in states.items() if is_connected)
    offline = tuple(user for user, is_connected in states.items() if not is_connected)
    if states:
        session.reply(WatchedUsers(online, offline))
