"""Orders to all nodes, which are entries of one log, and what of them stays in force."""

from enum import Enum

import msgspec

from riverd.model.log import Position

LIFTED_S = 86_400.0
"""How long it is remembered that a block was lifted: older copies of it are not taken any more."""


class OrderKind(Enum):
    """What nodes are ordered to do."""

    DISCONNECT = "disconnect"
    REVOKE = "revoke"
    BLOCK = "block"
    UNBLOCK = "unblock"
    REMOVE = "remove"
    DRAIN = "drain"
    RELOAD = "reload"
    """Revocations and blocks were given back to a broker that had lost them: read them again."""


class StandingKind(Enum):
    """What stays in force after an order was obeyed."""

    REVOKED = "revoked"
    BLOCKED = "blocked"


class Standing(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A user's revocation or block. Times are unix seconds.

    Args:
        at: when it was ordered; of two for the same user the later one counts.
        ends_at: None is for good.
        before: a revocation refuses tokens that were issued up to then.
        lifted: the block ended before its time.
    """

    kind: StandingKind
    user: str
    at: float
    ends_at: float | None = None
    before: float = 0
    lifted: bool = False


def is_over(standing: Standing, now: float) -> bool:
    """Whether it refuses nobody any more."""
    return standing.ends_at is not None and standing.ends_at <= now


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of the control log. Times are unix seconds.

    Args:
        id: an order with an id that the log has is not appended again.
        ends_at: of a revocation or a block; None is for good.
        before: as in `Standing`.
        was: its position in a log that the broker lost, where a node has given it back.
    """

    id: str
    kind: OrderKind
    at: float = 0
    user: str = ""
    channel: str = ""
    node: str = ""
    ends_at: float | None = None
    before: float = 0
    was: Position | None = None

    def standing(self) -> Standing | None:
        """What stays in force after it."""
        match self.kind:
            case OrderKind.REVOKE:
                kind = StandingKind.REVOKED
                return Standing(kind, self.user, self.at, self.ends_at, self.before)
            case OrderKind.BLOCK:
                return Standing(StandingKind.BLOCKED, self.user, self.at, self.ends_at)
            case OrderKind.UNBLOCK:
                ends_at = self.at + LIFTED_S
                return Standing(
                    StandingKind.BLOCKED, self.user, self.at, ends_at=ends_at, lifted=True
                )
            case _:
                return None


class Question(msgspec.Struct, frozen=True):
    """What all nodes are asked. Each answers under the id; a kind that it does not know it ignores.

    Args:
        kind: which question it is; nodes of an older River answer all as "connections".
        offset: the publication that is asked about, if one is; `epoch` is that of its log.
        limit: how much is wanted, where there may be much.
        filter: of a trace, as JSON.
        session: the connection that is asked about, where it is not a user.
    """

    id: str
    user: str = ""
    kind: str = "connections"
    channel: str = ""
    epoch: str = ""
    offset: int = 0
    limit: int = 0
    filter: str = ""
    session: str = ""


class DepartedNode(msgspec.Struct, frozen=True):
    """A node that is not connected any more. Times are unix seconds."""

    name: str
    started_at: float
    seen_at: float


class UserConnection(msgspec.Struct, frozen=True):
    """One connection of a user, as its node describes it.

    Args:
        since: in unix seconds.
        client: what it calls itself; nobody has checked that. Older nodes do not say it.
        channels: the first of them; `channels_more` are not listed.
        more: on the last connection that is listed, how many the node has beyond it.
    """

    session: str
    since: float
    channels: list[str]
    client: str = ""
    channels_more: int = 0
    more: int = 0


class UserUse(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How many connections a user has on a node, and to how many channels they are subscribed."""

    connections: int
    channels: int


_decode_order = msgspec.json.Decoder(Order).decode
_decode_standing = msgspec.json.Decoder(Standing).decode
_decode_question = msgspec.json.Decoder(Question).decode
_decode_connections = msgspec.json.Decoder(list[UserConnection]).decode
_decode_user_use = msgspec.json.Decoder(UserUse).decode

encode = msgspec.json.Encoder().encode


def order_of(body: bytes) -> Order | None:
    """The order in an entry; nothing if it is of a kind that only a newer River knows."""
    try:
        return _decode_order(body)
    except msgspec.DecodeError:
        return None


def standing_of(body: bytes) -> Standing:
    """The revocation or block in a body."""
    return _decode_standing(body)


def question_of(body: bytes) -> Question:
    """The question in a body."""
    return _decode_question(body)


def user_use_of(body: bytes) -> UserUse | None:
    """A node's answer to a question; nothing if it is no such answer."""
    try:
        return _decode_user_use(body)
    except msgspec.DecodeError:
        return None


def connections_of(body: bytes) -> list[UserConnection] | None:
    """A node's answer to a question; nothing if it is no such answer."""
    try:
        return _decode_connections(body)
    except msgspec.DecodeError:
        return None


def reached_in(body: bytes) -> int | None:
    """How many connections an order has reached, as a node answers it; nothing if it does not."""
    try:
        return int(body)
    except ValueError:
        return None
