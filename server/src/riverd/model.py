"""The values that rooms exchange: publications, positions, members, commands, replies."""

from collections.abc import Mapping

import msgspec

RequestId = int | str | None
"""A client's own number for a request; the answer carries it too."""


class Position(msgspec.Struct, frozen=True, gc=False):
    """How far a channel's log goes, or a reader of it. A new epoch is a log that began again."""

    epoch: str
    offset: int

    def why_lost(self, newest: "Position", *, oldest: int) -> str | None:
        """Why a log has not all that came after this position; None if it has.

        The log holds everything after the offset `oldest`, up to `newest`. The reasons are the
        contract's: `epoch` (the log began again), `unknown` (no such offset was given yet) and
        `window` (too long ago).
        """
        if self.epoch != newest.epoch:
            return "epoch"
        if self.offset > newest.offset:
            return "unknown"
        if self.offset < oldest:
            return "window"
        return None


class Message(msgspec.Struct, frozen=True, gc=False):
    """What a publisher wants published. `data` is JSON text, as it was received.

    `key` makes it idempotent: a message with a key that the channel has seen is not published
    again. `user` is the client that published it over its WebSocket. Without `keep` it is an
    `Ephemeral`. `exclude` is the session that does not get it.
    """

    channel: str
    event: str
    data: bytes
    key: str | None = None
    user: str | None = None
    keep: bool = True
    exclude: str | None = None

    @property
    def size(self) -> int:
        """What its publication counts for in a window that is bounded in bytes."""
        return len(self.data) + len(self.event)


class After(msgspec.Struct, frozen=True, gc=False):
    """The position that an ephemeral event follows: it has none of its own."""

    epoch: str
    after: int


class FirstAfter(After, frozen=True, gc=False):
    """The same where the broker had nothing of the channel before."""


Receipt = Position | After
"""What an accepted message is answered with."""


class Publication(msgspec.Struct, frozen=True, gc=False):
    """One entry of a channel's log. `exclude` is the session that is not sent it."""

    offset: int
    event: str
    data: bytes
    user: str | None = None
    exclude: str | None = None

    @property
    def size(self) -> int:
        """What it counts for in a window that is bounded in bytes."""
        return len(self.data) + len(self.event)


class Ephemeral(msgspec.Struct, frozen=True, gc=False):
    """An event that no log keeps: for those who are at the offset `after`, or beyond it."""

    after: int
    event: str
    data: bytes
    user: str | None = None
    exclude: str | None = None


class Member(msgspec.Struct, frozen=True, gc=False):
    """A user present in a channel; `info` is JSON text from the token, or nothing."""

    user: str
    info: bytes | None = None


class Change(msgspec.Struct, frozen=True, gc=False):
    """One join or leave; `offset` counts the versions of the channel's list of members."""

    offset: int
    joined: bool
    member: Member

    @property
    def size(self) -> int:
        """Nothing: changes are bounded by their number."""
        return 0


class Tail(msgspec.Struct, frozen=True):
    """The end of a log as the broker has it: its position and its last publications."""

    position: Position
    publications: tuple[Publication, ...] = ()


class Roster(msgspec.Struct, frozen=True):
    """Members of a channel at one version of the list, and how many it has."""

    position: Position
    members: dict[str, Member]
    count: int


class Occupancy(msgspec.Struct, frozen=True):
    """How many connections are subscribed to a channel, and how many users are its members."""

    subscribers: int
    users: int | None = None


class Authenticated(msgspec.Struct, frozen=True, gc=False):
    """The token, or what the back end signed, was accepted. `expires_at` is in unix seconds.

    `session` answers a `resume_session`: the session that is continued, or else the own one.
    `own` says where the channel of the client's user is live from, where that is known.
    """

    id: RequestId
    user: str
    expires_at: float | None
    session: str | None = None
    own: "Subscribed | None" = None


# What clients ask.


class Authenticate(msgspec.Struct, frozen=True, gc=False):
    """Says who the client is; again at any time to renew.

    `resume_session` is the secret of the session that it continues, `positions` where it stands in
    the channels that its token has the server subscribe, `user_position` in its user's own.
    """

    id: RequestId
    token: str
    resume_session: str | None = None
    positions: Mapping[str, Position] | None = None
    user_position: Position | None = None


class Proof(msgspec.Struct, frozen=True, gc=False):
    """What the client's back end signed: its signature, and the text about the client in it."""

    signature: str
    data: str | None = None


class SignIn(msgspec.Struct, frozen=True, gc=False):
    """Says who the client is by a signature of its back end over `user_data`."""

    id: RequestId
    signature: str
    user_data: str


class Subscribe(msgspec.Struct, frozen=True, gc=False):
    """Subscribes: from now, after a position, or with the last `history` events.

    `proof` stands for a grant in protocols where the back end signs each subscription.
    `wants_last`: the answer has the newest publication that no client made. `greeting` is what is
    answered together with it.
    """

    id: RequestId
    channel: str
    position: Position | None = None
    history: int = 0
    proof: Proof | None = None
    wants_last: bool = False
    greeting: Authenticated | None = None


class Unsubscribe(msgspec.Struct, frozen=True, gc=False):
    """Ends a subscription."""

    id: RequestId
    channel: str


class PublishCommand(msgspec.Struct, frozen=True, gc=False):
    """Publishes an event."""

    id: RequestId
    channel: str
    event: str
    data: bytes
    keep: bool = True
    exclude: str | None = None


class GetMembers(msgspec.Struct, frozen=True, gc=False):
    """Asks for the members of a presence channel."""

    id: RequestId
    channel: str


class GetHistory(msgspec.Struct, frozen=True, gc=False):
    """Asks for publications after a position, or for the last ones."""

    id: RequestId
    channel: str
    position: Position | None = None
    limit: int | None = None


class Ping(msgspec.Struct, frozen=True, gc=False):
    """Asks for a `Pong`."""

    id: RequestId


class Reached(msgspec.Struct, frozen=True, gc=False):
    """Answers the last `Barrier`: what was sent before it has arrived."""

    id: RequestId = None


Command = (
    Authenticate
    | SignIn
    | Subscribe
    | Unsubscribe
    | PublishCommand
    | GetMembers
    | GetHistory
    | Ping
    | Reached
)


# What clients are sent.


class Welcome(msgspec.Struct, frozen=True, gc=False):
    """The greeting on a new connection. `resume_session` proves later who had this session."""

    session: str
    resume_session: str
    auth_timeout_s: float
    message_bytes_max: int


class MemberList(msgspec.Struct, frozen=True):
    """The count of a channel's members and the first of them."""

    count: int
    members: tuple[Member, ...]


class Subscribed(msgspec.Struct, frozen=True):
    """The channel is live from `position` on; `reason` says why a resume was not possible.

    `member` is who the subscriber is there; `last` what it wanted with `wants_last`.
    """

    id: RequestId
    channel: str
    position: Position
    recovered: bool = False
    reason: str | None = None
    presence: MemberList | None = None
    member: Member | None = None
    last: Publication | None = None


class Unsubscribed(msgspec.Struct, frozen=True, gc=False):
    """Nothing more comes from the channel. `reason` says why, where no client has asked for it."""

    id: RequestId
    channel: str
    reason: str | None = None


class Published(msgspec.Struct, frozen=True, gc=False):
    """The publication was accepted, at this position of its channel or after it."""

    id: RequestId
    position: Receipt


class Members(msgspec.Struct, frozen=True):
    """A channel's members: the answer to a request, or (without one) a list that replaces."""

    id: RequestId
    channel: str
    list: MemberList


class HistoryReply(msgspec.Struct, frozen=True):
    """A part of a channel's log, and the log's position."""

    id: RequestId
    channel: str
    tail: Tail


class Pong(msgspec.Struct, frozen=True, gc=False):
    """The answer to a `Ping`."""

    id: RequestId


class Barrier(msgspec.Struct, frozen=True, gc=False):
    """Asks whether all that was sent before has arrived."""


class SubscriberCount(msgspec.Struct, frozen=True, gc=False):
    """How many connections are subscribed to a channel now, on all nodes."""

    channel: str
    count: int


class WatchedUsers(msgspec.Struct, frozen=True):
    """Which of the users that a client watches are connected now, and which are not."""

    online: tuple[str, ...]
    offline: tuple[str, ...]


class Gap(msgspec.Struct, frozen=True, gc=False):
    """What came before `position` is lost to this client: it has to load its state anew.

    Not at once: many are sent gaps together, and each has a delay of its own.
    """

    channel: str
    position: Position
    reload_after_ms: int = 0


class Bye(msgspec.Struct, frozen=True, gc=False):
    """This connection will be closed: open another after `retry_after_ms`."""

    reason: str
    retry_after_ms: int


class ErrorReply(msgspec.Struct, frozen=True, gc=False):
    """A request that was not served, and why."""

    id: RequestId
    code: str
    message: str
    retry_after_ms: int | None = None


Reply = (
    Welcome
    | Authenticated
    | Subscribed
    | Unsubscribed
    | Published
    | Members
    | HistoryReply
    | Pong
    | Barrier
    | SubscriberCount
    | WatchedUsers
    | Gap
    | Bye
    | ErrorReply
)
