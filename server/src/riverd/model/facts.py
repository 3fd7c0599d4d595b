"""What gateways remember of users' sessions, as they say it when they are asked.

Times are unix seconds; 0 says that it has not happened, or that nobody knows when. A stretch is
what one subscription was sent of one log: everything after one offset, up to another.
"""

from typing import TypeAlias

import msgspec

from riverd.model.log import Position

SESSIONS_MAX = 100
FACTS_MAX = 400
"""Of each kind, in one node's answer: the newest ones."""


class SessionFacts(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One connection: how it came, whose it was, how it ended.

    Args:
        client: what it calls itself; nobody has checked that.
        continues: the session that it says it continues.
        confirmed_at: when what had been written by then was proven to have arrived.
    """

    session: str
    protocol: str
    connected_at: float
    client: str = ""
    address: str | None = None
    continues: str | None = None
    authenticated_at: float = 0
    ended_at: float = 0
    ended_by: str = ""
    blocked_since: float = 0
    confirmed_at: float = 0


class Stretch(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a subscription was sent.

    Args:
        upto: written to the socket up to this offset.
        confirmed: proven to have arrived up to this offset; `after` or less is nothing.
        had: the position that the client had already.
        lost: why it could not go on there, if so: it was notified of that.
        newest: where its gateway's copy of the log stands, while it is subscribed.
    """

    session: str
    channel: str
    epoch: str
    after: int
    began_at: float
    upto: int
    confirmed: int = -1
    had: Position | None = None
    lost: str | None = None
    ended_at: float = 0
    ended_by: str = ""
    newest: int = -1


class GapFact(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session was sent a gap: what lies after `after`, up to `upto`, was not sent."""

    session: str
    channel: str
    epoch: str
    after: int
    upto: int
    at: float


class RefusedFact(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session was refused a subscription, or "" before it began: a stream.

    Args:
        named: whom the request said that it was for, where nothing has proven that.
    """

    session: str
    channel: str
    code: str
    at: float
    named: str = ""


Fact: TypeAlias = SessionFacts | Stretch | GapFact | RefusedFact


class RestartFact(msgspec.Struct, frozen=True, omit_defaults=True):
    """The log of a channel went on at another position: all its subscribers were sent a gap."""

    channel: str
    before: Position
    after: Position
    at: float


class UserFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one gateway knows of a user and a channel.

    Args:
        since: when its memory began.
        forgot_until: something of before that was dropped, for want of room.
        taken_at: when it was given the publication that was asked about.
        channels: others that the user has subscribed to here.
        forbidden: why a connection that is open now may not subscribe; its code.
    """

    node: str
    since: float
    forgot_until: float = 0
    taken_at: float = 0
    sessions: list[SessionFacts] = []
    stretches: list[Stretch] = []
    gaps: list[GapFact] = []
    refused: list[RefusedFact] = []
    restarts: list[RestartFact] = []
    channels: list[str] = []
    forbidden: str = ""
    remembers: bool = True


class TraceFilter(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose doings are followed: what fits one of these that are named."""

    user: str = ""
    channel: str = ""
    session: str = ""
    address: str = ""
    payloads: bool = False


class TraceLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened. `data` only where payloads were asked for."""

    at: float
    kind: str
    session: str = ""
    channel: str = ""
    node: str = ""
    offset: int = -1
    event: str = ""
    size: int = 0
    text: str = ""
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class NodeState(msgspec.Struct, frozen=True, omit_defaults=True):
    """One gateway process: what it is, and what it has done since it started.

    Args:
        lag_s: by how much its loop was late last.
        rules: the digest of its channel rules, which has to be that of all.
        deliveries, gaps, refused: counted since `started_at`.
    """

    node: str
    version: str
    started_at: float
    connections: int
    users: int
    channels: int
    deliveries: int
    gaps: int
    refused: int
    lag_s: float
    rules: str
    is_draining: bool = False
    history_bytes: int = 0


class ConnectedUsers(msgspec.Struct, frozen=True):
    """The first users of a node, by name, with how many connections each has there."""

    users: dict[str, int]
    more: bool = False


_decode_node = msgspec.json.Decoder(NodeState).decode
_decode_users = msgspec.json.Decoder(ConnectedUsers).decode


def node_of(body: bytes) -> NodeState | None:
    """A node's answer; nothing if it is no such answer."""
    try:
        return _decode_node(body)
    except msgspec.DecodeError:
        return None


def users_of(body: bytes) -> ConnectedUsers | None:
    """A node's answer; nothing if it is no such answer."""
    try:
        return _decode_users(body)
    except msgspec.DecodeError:
        return None


_decode = msgspec.json.Decoder(UserFacts).decode


def facts_of(body: bytes) -> UserFacts | None:
    """A node's answer; nothing if it is no such answer: it may be of another version."""
    try:
        return _decode(body)
    except msgspec.DecodeError:
        return None
