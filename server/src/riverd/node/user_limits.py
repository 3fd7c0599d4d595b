"""What one user may use over all its connections to a node, and roughly to all of them."""

from collections.abc import Callable, Mapping

import msgspec

from riverd.core.budget import Budget, drop_some
from riverd.core.session import Session
from riverd.errors import ErrorCode, RiverError
from riverd.model.claims import Claims
from riverd.model.orders import UserUse

ASKED_FROM = 16
"""From one of so many parts of a limit on, others are asked what a user has on them."""


class SpentBudgets(msgspec.Struct, frozen=True):
    """What a user's last connection has left of its budgets; None where it used nothing."""

    messages: Budget | None
    read_bytes: Budget | None
    sent_bytes: Budget | None

    def is_over(self, *, clock_s: float, now: float) -> bool:
        """Whether all of them are full again; see `UserLimits.share` for the two times."""
        return (
            (self.messages is None or self.messages.is_full(now))
            and (self.read_bytes is None or self.read_bytes.is_full(clock_s))
            and (self.sent_bytes is None or self.sent_bytes.is_full(clock_s))
        )


class UserLimits:
    """Limits the users of a node; `users` has their sessions. The numbers are those of a session.

    A user with one connection has the budgets of that. From the second on they share them. Who
    ends all and connects again has what was left. Connections and channels count together with
    those that a user has `elsewhere`, as far as that is known; budgets are each node's own.
    """

    def __init__(
        self,
        users: Mapping[str, Mapping[Session, None]],
        *,
        elsewhere: Callable[[str], UserUse],
    ) -> None:
        self._users = users
        self._elsewhere = elsewhere
        self._spent: dict[str, SpentBudgets] = {}
        """Of users who have no connection, until their budgets are full again."""

    def check_connection(self, session: Session, claims: Claims) -> None:
        """Find out whether a user may have one more connection.

        Raises:
            RiverError: too_many_connections.
        """
        most = session.limits.user_connections_max
        sessions = self._users.get(claims.user, ())
        if len(sessions) * ASKED_FROM < most:
            return
        left = most - self._elsewhere(claims.user).connections
        # Those that are over may wait to be taken out.
        if len(sessions) >= left and sum(not one.closed for one in sessions) >= left:
            raise RiverError(
                ErrorCode.TOO_MANY_CONNECTIONS, f"more than {most} connections of one user"
            )

    def check_channel(self, session: Session) -> None:
        """Find out whether a session's user may subscribe to one more channel.

        Raises:
            RiverError: too_many_channels.
        """
        if session.claims is None:
            return
        user, most = session.claims.user, session.limits.user_channels_max
        sessions = self._users.get(user, {})
        if len(sessions) < 2:  # noqa: PLR2004  one has the limit of a connection
            return
        channels = sum(one.channel_count for one in sessions if not one.closed)
        if channels * ASKED_FROM < most:
            return
        if channels + self._elsewhere(user).channels >= most:
            raise RiverError(
                ErrorCode.TOO_MANY_CHANNELS,
                f"more than {most} channels on all connections of one user",
            )

    def share(self, session: Session, *, clock_s: float, now: float) -> None:
        """Have a session that was added use the budgets of its user's other connections.

        `clock_s` is the time of the clock that budgets in bytes go by, `now` is in unix seconds.
        """
        assert session.claims is not None, "it is a user's"
        first = next(iter(self._users[session.claims.user]))
        if first is session:
            self._take_up(session, session.claims.user)
            return
        limits = session.limits
        if first.user_messages is None:
            first.user_messages = _messages(session, now)
        if first.read_bytes is None:
            first.read_bytes = limits.read_budget(clock_s)
        if first.sent_bytes is None:
            first.sent_bytes = limits.fanout_budget(clock_s)
        session.user_messages = first.user_messages
        session.read_bytes, session.sent_bytes = first.read_bytes, first.sent_bytes

    def end(self, session: Session, *, clock_s: float, now: float) -> None:
        """A session was removed: if it was its user's last one, note what it has used."""
        assert session.claims is not None, "it was a user's"
        if session.claims.user in self._users:
            return
        messages, owed = session.user_messages, session.owed(now)
        if messages is None and owed > 0:
            messages = _messages(session, now)
            messages.take(owed, now=now)
        if messages or session.read_bytes or session.sent_bytes:
            spent = SpentBudgets(messages, session.read_bytes, session.sent_bytes)
            if not spent.is_over(clock_s=clock_s, now=now):
                self._spent[session.claims.user] = spent
        if self._spent:
            drop_some(self._spent, lambda one: one.is_over(clock_s=clock_s, now=now))

    def _take_up(self, session: Session, user: str) -> None:
        spent = self._spent.pop(user, None)
        if spent is not None:
            session.user_messages = spent.messages
            session.read_bytes, session.sent_bytes = spent.read_bytes, spent.sent_bytes


def _messages(session: Session, now: float) -> Budget:
    rate = session.limits.user_rate
    return Budget(rate, rate + session.limits.user_channels_max, now=now)
