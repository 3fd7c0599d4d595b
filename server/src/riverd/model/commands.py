"""What clients ask, whatever their protocol."""

from collections.abc import Mapping

import msgspec

from riverd.model.log import Position
from riverd.model.replies import Authenticated, RequestId


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
