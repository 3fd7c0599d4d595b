"""What clients are sent, whatever their protocol."""

import msgspec

from riverd.model.log import Member, Position, Publication, Receipt, Tail

RequestId = int | str | None
"""A client's own number for a request; the answer carries it too."""


class Welcome(msgspec.Struct, frozen=True, gc=False):
    """The greeting on a new connection. `resume_session` proves later who had this session."""

    session: str
    resume_session: str
    auth_timeout_s: float
    message_bytes_max: int


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


class MemberList(msgspec.Struct, frozen=True):
    """The count of a channel's members and the first of them."""

    count: int
    members: tuple[Member, ...]


class Subscribed(msgspec.Struct, frozen=True):
    """The channel is live from `position` on; `reason` says why a resume was not possible.

    `member` is who the subscriber is there; `last` what it wanted with `wants_last`;
    `reload_after_ms` how long it waits, where a resume was not possible, as with a `Gap`.
    """

    id: RequestId
    channel: str
    position: Position
    recovered: bool = False
    reason: str | None = None
    presence: MemberList | None = None
    member: Member | None = None
    last: Publication | None = None
    reload_after_ms: int = 0


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
