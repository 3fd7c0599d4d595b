"""Takes tokens: when the node knows who is refused, and with the channel of the client's user.

    a client waits for                | its token | its commands | until
    ----------------------------------+-----------+--------------+---------------------------------
    the node to know who is refused   | held      | held         | it knows; the auth timeout
    its user's channel to be attached | taken     | held         | it is live; `OWN_S_MAX`: then it
                                      |           |              | is answered without a position

A user's channel is a channel as others are, in which the server subscribes all connections of the
user. What it costs is shared by them: see `Attachments`.
"""

import asyncio
from collections.abc import Callable

import msgspec

from riverd.channels.names import user_channel
from riverd.core.hub import Hub
from riverd.core.session import Session
from riverd.errors import RiverError
from riverd.model.claims import Claims
from riverd.model.commands import Authenticate, Command, SignIn, Subscribe
from riverd.model.log import Position
from riverd.model.replies import Authenticated, Unsubscribed
from riverd.node.control import CONFIRM_S, UNCONFIRMED_S_MAX, Control
from riverd.node.joining import to_join
from riverd.node.replicas.attaching import Attachments
from riverd.node.user_limits import UserLimits
from riverd.node.users import Users
from riverd.node.waiting import WaitingRoom
from riverd.scheduling.portions import do_all
from riverd.scheduling.tasks import Tasks

AUTHENTICATION_BYTES = 16_384
"""What a token that waits counts for, as long as it may be."""
HELD_BYTES = 1_000
"""What a command counts for that waits once more."""
RELEASED_AT_ONCE = 50
"""Clients whose tokens waited: each token is verified."""
OWN_S_MAX = 0.25
"""How long the answer to a token waits for the position of the user's channel."""
_LATE_S = UNCONFIRMED_S_MAX - 2 * CONFIRM_S

# A union would be made for each message.
CREDENTIALS = (Authenticate, SignIn)


class Authentication:
    """See the table above. `carry_out` does what a session asks."""

    def __init__(
        self,
        hub: Hub,
        attachments: Attachments,
        *,
        users: Users,
        limits: UserLimits,
        clock: Callable[[], float],
        carry_out: Callable[[Session, Command], None],
    ) -> None:
        self.waiting = WaitingRoom()
        self.counted: Callable[[str], None] = _ignore
        """Called with users that have one connection more."""
        self.identified: Callable[[Session], None] = _ignore_session
        """Called with sessions that have proven who they are."""
        self.control: Control
        self.tasks: Tasks
        """Both are set before anything is authenticated."""
        self.unix_ahead_s = 0.0
        """Unix time less the node's clock."""
        self._hub = hub
        self._attachments = attachments
        self._users = users
        self._limits = limits
        self._clock = clock
        self._carry_out = carry_out
        self._greeting: dict[Session, asyncio.TimerHandle] = {}
        """Those whose user's channel is not live yet."""
        attachments.greeted = self._on_greeted

    def authenticate(self, session: Session, command: Authenticate | SignIn, *, now: float) -> None:
        """Take a token or a signature, or hold it. `now` is in unix seconds."""
        self.unix_ahead_s = now - self._clock()
        if not self.control.is_confirmed:
            self.waiting.hold(session, command, size=AUTHENTICATION_BYTES)
        else:
            self._identify(session, command, now=now)

    def on_confirmed(self) -> None:
        """Take the tokens that waited, and what followed them."""
        if self.waiting.held and self.control.is_confirmed:
            waiting = list(self.waiting.held)
            do_all(waiting, self._release_confirmed, tasks=self.tasks, size=RELEASED_AT_ONCE)

    def drop(self, session: Session) -> None:
        """The session is over."""
        self.waiting.drop(session)
        timer = self._greeting.pop(session, None)
        if timer is not None:
            timer.cancel()

    def _release_confirmed(self, session: Session) -> None:
        if session not in self._greeting and self.control.is_confirmed:
            self._release(session)

    def _release(self, session: Session) -> None:
        """Do what was held, up to what has to wait again."""
        for command in self.waiting.take(session):
            if session.closed:
                return
            if session in self.waiting.held:
                self.waiting.hold(session, command, size=HELD_BYTES)
            elif isinstance(command, CREDENTIALS):
                self.authenticate(session, command, now=self._clock() + self.unix_ahead_s)
            else:
                self._carry_out(session, command)

    def _identify(self, session: Session, command: Authenticate | SignIn, *, now: float) -> None:
        token = command if isinstance(command, Authenticate) else None
        check = self._check_signed if token is None else self._limits.check_connection
        answer = session.authenticate(command, now, check=check)
        if answer is None:
            return
        claims = session.claims
        assert claims is not None, "a token was accepted"
        self._greet(session, answer, at=None if token is None else token.user_position)
        session.prove()
        session.ordered_at = self.control.position
        if self._users.add(claims.user, session):
            session.authenticated_at = now
            self.counted(claims.user)
            self._limits.share(session, clock_s=self._clock(), now=now)
        self.identified(session)
        if token is None:
            return
        if session.subscriptions:
            self._end_ungranted(session)
        for joining in to_join(session, token) if claims.join else ():
            if session in self.waiting.held:
                self.waiting.hold(session, joining, size=0)
            else:
                self._carry_out(session, joining)

    def _check_signed(self, session: Session, claims: Claims) -> None:
        """Check a user that the back end has signed for; tokens are looked at when verified."""
        self._limits.check_connection(session, claims)
        self.control.revocations.check(claims, self._clock() + self.unix_ahead_s)

    def _end_ungranted(self, session: Session) -> None:
        """End the subscriptions that the token does not cover: it may have been renewed."""
        for subscription in list(session.subscriptions.values()):
            if subscription.channel == session.own_channel:
                continue
            try:
                session.authorise(Subscribe(None, subscription.channel))
            except RiverError as error:
                request = subscription.request
                subscription.ended_by = "its new token does not grant it"
                self._attachments.unsubscribe(subscription)
                if request is not None:
                    session.fail(request.id, error)
                else:
                    session.reply(Unsubscribed(None, subscription.channel, "grant"))

    # The user's channel.

    def subscribe_own(self, session: Session, *, at: Position | None) -> None:
        """Subscribe an authenticated client to its user's channel, from where it says it stands."""
        assert session.claims is not None, "a token was accepted"
        self._subscribe_own(session, session.claims.user, at=at, greeting=None)

    def _greet(self, session: Session, greeting: Authenticated, *, at: Position | None) -> None:
        has_own = self._hub.rules.user_channels and session.protocol.joins_channels
        if not has_own or (session.own_channel is not None and at is None):
            session.reply(greeting)
            return
        # While the broker is away its answer is not waited for.
        is_late = self._clock() > self.control.confirmed_until - _LATE_S
        if is_late:
            session.reply(greeting)
        user = greeting.user
        self._subscribe_own(session, user, at=at, greeting=None if is_late else greeting)

    def _subscribe_own(
        self, session: Session, user: str, *, at: Position | None, greeting: Authenticated | None
    ) -> None:
        if session.own_channel is not None:
            # A client that begins again elsewhere.
            self._attachments.unsubscribe(session.subscriptions[session.own_channel])
        session.own_channel = user_channel(user)
        request = Subscribe(None, session.own_channel, at, greeting=greeting)
        subscription = self._hub.subscribe(session, request, member=None)
        self._attachments.subscribe(subscription)
        if greeting is not None and subscription.request is not None:
            self.waiting.admit(session)
            self._greeting[session] = asyncio.get_running_loop().call_later(
                OWN_S_MAX, self._give_up, session
            )

    def _give_up(self, session: Session) -> None:
        """Answer without a position: `subscribed` follows when it is known."""
        assert session.own_channel is not None, "it waits for it"
        subscription = session.subscriptions[session.own_channel]
        request = subscription.request
        assert request is not None, "it is not live"
        assert request.greeting is not None, "it was not answered"
        subscription.request = msgspec.structs.replace(request, greeting=None)
        session.reply(request.greeting)
        self._on_greeted(session)

    def _on_greeted(self, session: Session) -> None:
        timer = self._greeting.pop(session, None)
        if timer is not None:
            timer.cancel()
            self._release(session)


def _ignore(_user: str) -> None:
    """Nobody counts."""


def _ignore_session(_session: Session) -> None:
    """Nobody watches."""
