"""One client's state machine: who it is, what it hears, what it may ask."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from riverd.channels import has_members, may_publish, may_subscribe
from riverd.errors import CloseCode, DecodeError, ErrorCode, RiverError, TokenError
from riverd.model import (
    Authenticate,
    Authenticated,
    Claims,
    Command,
    Failure,
    GetHistory,
    GetMembers,
    Ping,
    Pong,
    Publish,
    Reply,
    RequestId,
    Subscribe,
    Unsubscribe,
    Unsubscribed,
    Welcome,
)
from riverd.protocols import Dialect


class Sink(Protocol):
    """Where a session's frames go."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Takes ready frames. May block this session (and no other) at once."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Close the connection after what was written."""
        ...


class Limits(msgspec.Struct, frozen=True):
    """What one connection may use. `rate` is in messages a second."""

    auth_timeout_s: float = 15
    channels_max: int = 100
    rate: float = 50

    @property
    def burst(self) -> float:
        """Messages at once: a client that comes back subscribes all its channels together."""
        return self.channels_max + 2 * self.rate


class Subscription:
    """One session's place in one channel.

    Pending while `request` is there. Then live (it gets each flush), or behind: a cursor at
    (`offset`, `version`), from which the hub goes on when the session can take more.
    """

    __slots__ = ("channel", "live", "offset", "request", "session", "version")

    def __init__(self, session: "Session", request: Subscribe) -> None:
        self.session = session
        self.channel = request.channel
        self.request: Subscribe | None = request
        self.live = False
        self.offset = 0
        self.version = 0


class Session:
    """One client, whatever carries its bytes. No clock: the time comes with each call.

    `receive` answers what the session can answer itself, and gives back the command that the node
    has to carry out. A command that comes back has been checked: the client is authenticated,
    the channel granted, the limits kept.
    """

    __slots__ = (
        "_budget",
        "_budget_at",
        "_limits",
        "_sink",
        "_verify",
        "blocked",
        "claims",
        "closed",
        "dialect",
        "id",
        "subscriptions",
        "write",
    )

    def __init__(
        self,
        session_id: str,
        sink: Sink,
        *,
        dialect: Dialect,
        limits: Limits,
        verify: Callable[[str, float], Claims],
    ) -> None:
        self.id = session_id
        self.dialect = dialect
        self.claims: Claims | None = None
        self.subscriptions: dict[str, Subscription] = {}
        self.blocked = False
        self.closed = False
        self.write = sink.write
        self._sink = sink
        self._limits = limits
        self._verify = verify
        self._budget = limits.burst
        self._budget_at = 0.0

    def welcome(self) -> bytes:
        """The first words, as a frame: whoever carries the bytes sends it before all others."""
        return self.dialect.reply(Welcome(self.id, self._limits.auth_timeout_s))

    def receive(self, payload: bytes, now: float) -> Command | None:
        """Take one text message at `now` (unix seconds); the command to carry out, if any."""
        if self.closed or not self._within_rate(now):
            return None
        try:
            command = self.dialect.decode(payload)
        except DecodeError as error:
            self._refuse(error)
            return None
        return self._checked(command, now)

    def authenticate(self, token: str, now: float, *, request_id: RequestId = None) -> bool:
        """Take a token; False if it was refused, and with it the connection."""
        try:
            claims = self._verify(token, now)
            if self.claims is not None and self.claims.user != claims.user:
                raise TokenError(ErrorCode.USER_MISMATCH, "the token is for another user")
        except TokenError as error:
            self.fail(request_id, error)
            self.close(CloseCode.NOT_AUTHENTICATED, error.message)
            return False
        self.claims = claims
        self.reply(Authenticated(request_id, claims.user, claims.expires_at))
        return True

    def wake(self, now: float) -> None:
        """Close if the time for a token is over (call at the deadline) or the token's is."""
        if self.closed:
            return
        if self.claims is None:
            self.close(CloseCode.AUTH_TIMEOUT, "no token in time")
        elif self.claims.ends_at is not None and self.claims.ends_at <= now:
            self.reply(Failure(None, ErrorCode.TOKEN_EXPIRED.code, "the token has expired"))
            self.close(CloseCode.NOT_AUTHENTICATED, "the token has expired")

    def reply(self, reply: Reply) -> None:
        """Tell the client something."""
        if not self.closed:
            self.write(self.dialect.reply(reply))

    def fail(self, request_id: RequestId, error: RiverError) -> None:
        """Tell the client that a request was not served."""
        self.reply(Failure(request_id, error.error.code, error.public))

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection. Whoever carries it tells the node when it is gone."""
        if not self.closed:
            self.closed = True
            self._sink.close(code, reason)

    def _within_rate(self, now: float) -> bool:
        limits = self._limits
        earned = max(0.0, now - self._budget_at) * limits.rate
        self._budget_at = now
        self._budget = min(limits.burst, self._budget + earned) - 1
        if self._budget >= 0:
            return True
        message = f"more than {limits.rate:g} messages a second"
        self.reply(Failure(None, ErrorCode.TOO_FAST.code, message))
        self.close(CloseCode.TOO_FAST, message)
        return False

    def _refuse(self, error: DecodeError) -> None:
        self.fail(error.request_id, error)
        if error.fatal:
            self.close(CloseCode.NOT_THE_PROTOCOL, error.message)

    def _checked(self, command: Command, now: float) -> Command | None:
        match command:
            case Ping():
                self.reply(Pong(command.id))
                return None
            case Authenticate():
                accepted = self.authenticate(command.token, now, request_id=command.id)
                return command if accepted else None
            case _:
                pass
        try:
            return self._granted(command)
        except RiverError as error:
            self.fail(command.id, error)
            return None

    def _granted(
        self, command: Subscribe | Unsubscribe | Publish | GetMembers | GetHistory
    ) -> Command | None:
        claims = self.claims
        if claims is None:
            raise RiverError(ErrorCode.UNAUTHENTICATED, "send a token first")
        channel = command.channel
        match command:
            case Publish():
                if not may_publish(claims.grants, channel):
                    raise RiverError(ErrorCode.FORBIDDEN, f"no grant to publish to {channel}")
            case Unsubscribe():
                return self._unsubscribe(command)
            case _:
                if not may_subscribe(claims.grants, channel):
                    raise RiverError(ErrorCode.FORBIDDEN, f"no grant to subscribe to {channel}")
        if isinstance(command, GetMembers) and not has_members(channel):
            raise RiverError(ErrorCode.INVALID_FIELD, "only presence- channels have members")
        if isinstance(command, Subscribe):
            self._add(command)
        return command

    def _add(self, command: Subscribe) -> None:
        if command.channel in self.subscriptions:
            raise RiverError(ErrorCode.ALREADY_SUBSCRIBED, f"already in {command.channel}")
        if len(self.subscriptions) >= self._limits.channels_max:
            raise RiverError(
                ErrorCode.TOO_MANY_CHANNELS,
                f"more than {self._limits.channels_max} channels on one connection",
            )
        self.subscriptions[command.channel] = Subscription(self, command)

    def _unsubscribe(self, command: Unsubscribe) -> Command | None:
        subscription = self.subscriptions.get(command.channel)
        if subscription is None:
            self.reply(Unsubscribed(command.id, command.channel))
            return None
        if subscription.request is not None:
            cancelled = RiverError(ErrorCode.CANCELLED, "unsubscribed before it was live")
            self.fail(subscription.request.id, cancelled)
        self.reply(Unsubscribed(command.id, command.channel))
        return command
