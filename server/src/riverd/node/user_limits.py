"""What one user may use over all its connections to a node."""

from collections.abc import Mapping

from riverd.core.budget import ByteBudget
from riverd.core.session import Session
from riverd.errors import ErrorCode, RiverError
from riverd.grants import Claims


class UserLimits:
    """Limits the users of a node; `users` has their sessions. The numbers are those of a session.

    A user with one connection has the budgets of that. From the second on they share them.
    """

    def __init__(self, users: Mapping[str, Mapping[Session, None]]) -> None:
        self._users = users

    def check_connection(self, session: Session, claims: Claims) -> None:
        """Find out whether a user may have one more connection.

        Raises:
            RiverError: too_many_connections.
        """
        most = session.limits.user_connections_max
        if len(self._users.get(claims.user, ())) >= most:
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
        sessions = self._users.get(session.claims.user, {})
        most = session.limits.user_channels_max
        if len(sessions) > 1 and sum(one.channel_count for one in sessions) >= most:
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
            return
        limits = session.limits
        if first.user_messages is None:
            rate = limits.user_rate
            first.user_messages = ByteBudget(rate, rate + limits.user_channels_max, now=now)
        if first.read_bytes is None:
            first.read_bytes = limits.read_budget(clock_s)
        if first.sent_bytes is None:
            first.sent_bytes = limits.fanout_budget(clock_s)
        session.user_messages = first.user_messages
        session.read_bytes, session.sent_bytes = first.read_bytes, first.sent_bytes
