"""Sends users who have signed in which of those whom they watch are connected, to any node.

    a user's first connection here begins, or its last one ended a while ago -> this node reports
    that, and all nodes are notified -> those where somebody watches the user read the sum

As in `count_events`, all sums are read again every few seconds.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from riverd.broker.counts import BrokerCounts
from riverd.core.session import Session
from riverd.errors import ErrorCode, RiverError
from riverd.model import WatchedUsers
from riverd.node.reporting import SubscriberCounts
from riverd.node.users import Users
from riverd.portions import portions
from riverd.tasks import Tasks

WATCHED_MAX = 100
COMPARE_S = 5.0
RETRY_S = 1.0


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
        self._due: dict[str, None] = {}
        self._new: dict[Session, None] = {}
        """Sessions that were sent nothing yet."""
        self._reading = False
        self._comparing = False

    # Who is connected here.

    def began(self, session: Session) -> None:
        """A session is a user's, or has proven anew who it is."""
        claims = session.claims
        assert claims is not None, "it is authenticated"
        if not self.is_counted(claims.user):
            return
        if self._leaving.pop(claims.user, None) is None and self._count(claims.user) == 1:
            self._reports.report((claims.user,))
        self._watch(session, claims.watches)

    def ended(self, session: Session) -> None:
        """A session is over; its user has one connection less already."""
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
        self._reports.report([one for one in self._users.sessions if self.is_counted(one)])

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
            self._reports.report((user,))

    # Who watches whom.

    def recounted(self, users: Iterable[str]) -> None:
        """A node has reported how many connections these users have on it."""
        self._read_soon([user for user in users if user in self._watchers])

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
        self._read_soon(watched)

    def _unwatch(self, session: Session) -> None:
        self._new.pop(session, None)
        for user in self._watching.pop(session, ()):
            watchers = self._watchers[user]
            del watchers[session]
            if not watchers:
                del self._watchers[user]
                self._connected.pop(user, None)

    def _read_soon(self, users: Iterable[str]) -> None:
        self._due |= dict.fromkeys(users)
        if self._due and not self._reading:
            self._reading = True
            self._tasks.start(self._read())
        if self._watchers and not self._comparing:
            self._comparing = True
            self._tasks.start(self._compare())

    async def _read(self) -> None:
        """Read what is due, until nothing is: one read is under way at a time."""
        try:
            while due := self._due:
                self._due = {}
                new, self._new = self._new, {}
                try:
                    found = await self._connected_of([*due])
                except RiverError:
                    self._due |= due
                    self._new |= {one: None for one in new if one in self._watching}
                    await asyncio.sleep(RETRY_S)
                else:
                    self._send(found, new=new)
        finally:
            self._reading = False

    async def _connected_of(self, users: list[str]) -> dict[str, bool]:
        found: dict[str, bool] = {}
        async for some in portions(users):
            counts = await self._counts.connections(some)
            found |= {user: count > 0 for user, count in zip(some, counts, strict=True)}
        return found

    def _send(self, found: Mapping[str, bool], *, new: Mapping[Session, None]) -> None:
        """Send those who watch what has changed, and new ones all of it."""
        changed: dict[Session, dict[str, bool]] = {}
        for user, is_connected in found.items():
            watchers = self._watchers.get(user, {})
            if watchers and self._connected.get(user) is not is_connected:
                self._connected[user] = is_connected
                for session in watchers:
                    if session not in new and session not in self._new:
                        changed.setdefault(session, {})[user] = is_connected
        for session in new:
            watched = self._watching.get(session, ())
            changed[session] = {user: found[user] for user in watched if user in found}
        for session, states in changed.items():
            online = tuple(user for user, is_connected in states.items() if is_connected)
            offline = tuple(user for user, is_connected in states.items() if not is_connected)
            if states:
                session.reply(WatchedUsers(online, offline))

    async def _compare(self) -> None:
        """Read all now and then while anybody watches."""
        try:
            while self._watchers:
                await asyncio.sleep(COMPARE_S)
                self._read_soon([*self._watchers])
        finally:
            self._comparing = False
