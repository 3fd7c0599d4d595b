"""One client's session: who it is, what it may ask, how fast, and what it has subscribed to.

    state           | claims | left by
    ----------------+--------+---------------------------------------------------------------
    unauthenticated | None   | `authenticate`; `wake` at the deadline closes it
    authenticated   | set    | `authenticate` renews it; `wake` closes it when its token ends
    closed          | any    | nothing is taken and nothing is sent any more

A session may stay unauthenticated and have subscriptions all the same, where its protocol
authorises each by itself. `blocked` is apart from that: the socket takes no more at the moment,
and the hub keeps the session's cursors where they are.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from msgspec.structs import replace

from riverd.core.budget import Budget
from riverd.core.session_limits import SessionLimits
from riverd.core.sink import NO_SINK, Sink
from riverd.core.starts import SessionStart, SubscriptionStart
from riverd.core.tab import Tab
from riverd.errors import DecodeError, ErrorCode, Reason, RiverError, TokenError
from riverd.model.claims import Claims
from riverd.model.commands import Authenticate, Command, Ping, SignIn, Subscribe
from riverd.model.log import Member, Position
from riverd.model.replies import (
    Authenticated,
    ErrorReply,
    HistoryReply,
    Pong,
    Reply,
    RequestId,
    Welcome,
)
from riverd.protocols import ChannelCommand, ClientProtocol

LOST = -1
"""The offset of a cursor whose channel began again: its session has to be sent a gap."""


class SubscriptionState(Enum):
    """See `Subscription`."""

    PENDING = 0
    BEHIND = 1
    LIVE = 2
    REMOVED = 3


# An enumeration's members are slow to look up.
PENDING, BEHIND, LIVE, REMOVED = SubscriptionState


class Subscription:
    """One session's subscription of one channel: where it stands.

    The hub makes subscriptions, moves them from state to state and removes them; others ask.

        state   | request | what it is sent
        --------+---------+------------------------------------------------------------------
        pending | set     | nothing yet: the node attaches the channel, or waits for a
                |         | position or for its presence entry
        behind  | None    | what comes after its own cursor, when its socket can take it
        live    | None    | every flush; the cursor is the channel's
        removed | -       | nothing

        pending --admit--> behind --caught up--> live --block--> behind
        any --unsubscribe--> removed

    (`offset`, `version`) is the cursor of one that is behind. One whose log began again stays live
    until it is sent that, as one of a `LostCrowd`. `member` is who the client is in this
    channel: not every client is somebody, and not everywhere the same. `start` is its witness's
    note of how it began, if that keeps one; `ended_by` says why it is over, where its client has
    not asked for that.
    """

    __slots__ = (
        "channel",
        "ended_by",
        "member",
        "offset",
        "request",
        "session",
        "start",
        "state",
        "version",
    )

    def __init__(self, session: Session, request: Subscribe, *, member: Member | None) -> None:
        self.session = session
        self.channel = request.channel
        self.member = member
        self.request: Subscribe | None = request
        self.state = PENDING
        self.offset = 0
        self.version = 0
        self.start: SubscriptionStart | None = None
        self.ended_by = ""

    @property
    def is_live(self) -> bool:
        """Whether it gets each flush as it is."""
        return self.state is LIVE

    @property
    def is_admitted(self) -> bool:
        """Whether it is live or behind."""
        return self.state is LIVE or self.state is BEHIND


def _ignore(_error: RiverError, _user: str | None) -> None:
    """Count no refusals."""


class Session:
    """One client, whatever carries its bytes. No clock: the time comes with each call."""

    __slots__ = (
        "__weakref__",
        "_refused",
        "_spent",
        "_spent_at",
        "_verify",
        "address",
        "authenticated_at",
        "blocked",
        "claims",
        "closed",
        "confirmed_at",
        "continues",
        "ended_by",
        "id",
        "is_proven",
        "limits",
        "ordered_at",
        "own_channel",
        "protocol",
        "published",
        "read_bytes",
        "sent_bytes",
        "sink",
        "start",
        "subscriptions",
        "tab",
        "user_messages",
    )

    def __init__(
        self,
        session_id: str,
        sink: Sink,
        *,
        protocol: ClientProtocol,
        limits: SessionLimits,
        verify: Callable[[str, float], Claims],
        refused: Callable[[RiverError, str | None], None] = _ignore,
    ) -> None:
        self.id = session_id
        self.address: str | None = None
        """Whom it is counted for while it has no user, if for anybody."""
        self.continues: str | None = None
        """The session whose exclusions are its own too."""
        self.sink: Sink = sink
        self.protocol = protocol
        self.claims: Claims | None = None
        self.subscriptions: dict[str, Subscription] = {}
        """By channel. The hub keeps it."""
        self.own_channel: str | None = None
        """That of its user, among its subscriptions without having been asked for."""
        self.blocked = False
        self.closed = False
        self.ended_by = ""
        """Why it is over, for people."""
        self.start: SessionStart | None = None
        """Its witness's note of how it began, if that keeps one."""
        self.confirmed_at = 0.0
        """When what was written last was proven to have arrived, by its carrier's clock."""
        self.authenticated_at = 0.0
        """When it was first, in unix seconds."""
        self.ordered_at: Position | None = None
        """Where the log of orders stood at its authentication: older ones do not concern it."""
        # Made when they are first used: most clients only listen.
        self.read_bytes: Budget | None = None
        self.sent_bytes: Budget | None = None
        self.user_messages: Budget | None = None
        """Of all connections of its user, if it has several."""
        self.published: Budget | None = None
        """Of events, where the protocol has a rate of its own for them."""
        self.tab: Tab | None = None
        """What its page has, where the client itself does not know."""
        self.is_proven = False
        """Its back end has said something for it: a token or a signature."""
        self.limits = limits
        self._verify = verify
        self._refused = refused
        self._spent = 0.0
        self._spent_at = 0.0

    def welcome(self) -> bytes:
        """The greeting, as frames: the carrier of the bytes sends it before all others."""
        welcome = Welcome(
            self.id,
            self.protocol.session_secret(self.id),
            self.limits.auth_timeout_s,
            self.limits.message_bytes_max,
        )
        return self.protocol.encode(welcome)

    def receive(self, payload: bytes, now: float) -> Command | None:
        """Take one message at `now` (unix seconds); the command in it, if it is to be carried out.

        What is no command, or comes too fast, was answered; so was a ping.
        """
        if self.closed:
            return None
        if not self._spend(now):
            self._end_too_fast(f"more than {self.limits.rate:g} messages a second")
            return None
        if self.user_messages is not None and not self._spend_of_user(self.user_messages, now):
            rate = self.limits.user_rate
            self._end_too_fast(
                f"more than {rate:g} messages a second on all of a user's connections"
            )
            return None
        try:
            command = self.protocol.decode(payload)
        except DecodeError as error:
            self._refuse(error)
            return None
        # Quicker than `isinstance`, which asks the classes of structs each time.
        if type(command) is Ping:
            self.reply(Pong(command.id))
            return None
        return command

    def authenticate(
        self,
        command: Authenticate | SignIn,
        now: float,
        *,
        check: Callable[[Session, Claims], None],
    ) -> Authenticated | None:
        """Take a token, or what the back end signed. `check` raises RiverError for a user too many.

        The caller sends the answer that this gives, then calls `prove`. None if it was refused,
        and the session closed with it.
        """
        try:
            claims = self._claims_in(command, now)
            if self.claims is not None and self.claims.user != claims.user:
                raise TokenError(ErrorCode.USER_MISMATCH, "the token is for another user")
            if self.claims is None:
                check(self, claims)
        except RiverError as error:
            self.fail(command.id, error)
            reason = error.reason if isinstance(error, TokenError) else Reason.TOO_FAST
            self.close(reason, error.message)
            return None
        self.claims = claims
        session = None
        if isinstance(command, Authenticate) and command.resume_session is not None:
            self.continues = self.protocol.session_of(command.resume_session)
            session = self.continues or self.id
        return Authenticated(command.id, claims.user, claims.expires_at, session)

    def prove(self) -> None:
        """The client's back end has said something for it, perhaps once more."""
        renewed, self.is_proven = self.is_proven, True
        self.sink.on_authenticated(renewed=renewed)

    def authorise(self, command: ChannelCommand) -> Member | None:
        """Who the client is in the channel, if it is somebody.

        Raises:
            RiverError: what is asked is not allowed.
        """
        return self.protocol.authorise(command, self)

    def is_subscribed(self, channel: str) -> bool:
        """Whether it gets what is published there: not yet while the subscription is made."""
        subscription = self.subscriptions.get(channel)
        return subscription is not None and subscription.request is None

    def member_in(self, channel: str) -> Member | None:
        """Who the client is in a channel that it has subscribed to."""
        subscription = self.subscriptions.get(channel)
        return None if subscription is None else subscription.member

    def ids(self) -> tuple[str, ...]:
        """Under which ids it is excluded from what is sent to it again."""
        own = (self.id,) if self.continues is None else (self.id, self.continues)
        return own if self.tab is None else (*own, *self.tab.earlier_sessions)

    @property
    def channel_count(self) -> int:
        """How many channels it has asked for."""
        return len(self.subscriptions) - (self.own_channel is not None)

    def check_subscribable(self, channel: str) -> None:
        """Find out whether one more channel can be subscribed.

        Raises:
            RiverError: already_subscribed, too_many_channels.
        """
        if channel in self.subscriptions:
            raise RiverError(ErrorCode.ALREADY_SUBSCRIBED, f"already in {channel}")
        if self.channel_count >= self.limits.channels_max:
            raise RiverError(
                ErrorCode.TOO_MANY_CHANNELS,
                f"more than {self.limits.channels_max} channels on one connection",
            )

    def wake(self, now: float) -> None:
        """Close if the time for a token is over (call at the deadline) or the token's is."""
        if self.closed:
            return
        if self.claims is None:
            # A guest stays for as long as it is subscribed to something.
            if not self.subscriptions:
                self.close(Reason.AUTH_TIMEOUT, "no token in time")
        elif (ends_at := self.claims.ends_at) is not None and ends_at <= now:
            self.reply(ErrorReply(None, ErrorCode.TOKEN_EXPIRED.code, "the token has expired"))
            self.close(Reason.NOT_AUTHENTICATED, "the token has expired")

    def reply(self, reply: Reply) -> None:
        """Send the client a reply, if its protocol can say it."""
        if not self.closed and (frames := self.protocol.encode(reply)):
            self.sink.write(frames)

    def reply_at_length(self, reply: HistoryReply) -> None:
        """Send a long reply as the client takes it. Not while the session is blocked."""
        if not self.closed:
            self.sink.write_parts(self.protocol.encode_parts(reply))

    def fail(self, request_id: RequestId, error: RiverError) -> None:
        """Answer that a request was not served."""
        self._refused(error, None if self.claims is None else self.claims.user)
        code, retry_after_ms = error.error.code, error.retry_after_ms
        self.reply(ErrorReply(request_id, code, error.public, retry_after_ms))

    def close(self, reason: Reason, text: str) -> None:
        """End the connection. Its carrier reports to the node when it is gone."""
        if not self.closed:
            self.closed = True
            self.ended_by = text
            self.sink.close(self.protocol.close_code(reason), text)

    def end(self, why: str = "") -> None:
        """The connection is closed, or about to: nothing more is sent. Its carrier calls this."""
        self.closed = True
        self.ended_by = self.ended_by or why
        self.sink = NO_SINK

    def _claims_in(self, command: Authenticate | SignIn, now: float) -> Claims:
        if isinstance(command, SignIn):
            # It was signed for this very connection: no older one can be used again.
            return replace(self.protocol.signed_in(command, self), issued_at=now)
        return self._verify(command.token, now)

    def owed(self, now: float) -> float:
        """How many messages it has sent beyond its rate."""
        spent = self._spent
        if now > self._spent_at:
            spent -= (now - self._spent_at) * self.limits.rate
        return spent if spent > 0 else 0.0

    def _spend(self, now: float) -> bool:
        """Take one message out of the budget. False if there was none left."""
        limits = self.limits
        spent = self._spent
        # Of no connection's clock is it certain that it never goes back.
        if now > self._spent_at:
            spent -= (now - self._spent_at) * limits.rate
        self._spent_at = now
        self._spent = spent = spent + 1 if spent > 0 else 1
        # The burst is worked out only for one that may be beyond it.
        return spent <= limits.rate or spent <= limits.burst

    def _spend_of_user(self, budget: Budget, now: float) -> bool:
        """Take one message out of the user's budget. False if there was none left."""
        is_spent = budget.is_spent(now)
        if not is_spent:
            budget.take(1, now=now)
        return not is_spent

    def _end_too_fast(self, message: str) -> None:
        self.reply(ErrorReply(None, ErrorCode.TOO_FAST.code, message))
        self.close(Reason.TOO_FAST, message)

    def _refuse(self, error: DecodeError) -> None:
        self.fail(error.request_id, error)
        if error.fatal:
            self.close(Reason.NOT_THE_PROTOCOL, error.message)
