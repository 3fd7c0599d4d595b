"""What a protocol is: a codec, its greeting, its way to authorise, and its close codes."""

from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from riverd.errors import Reason
from riverd.http.request import Request
from riverd.model.claims import Claims
from riverd.model.commands import (
    Command,
    GetHistory,
    GetMembers,
    PublishCommand,
    SignIn,
    Subscribe,
    Unsubscribe,
)
from riverd.model.log import Change, Ephemeral, Member, Publication
from riverd.model.replies import Bye, HistoryReply, Reply
from riverd.model.tabs import PageIdentity

QUOTA = "quota"
"""The reason of a `Bye` to one more client of a protocol with a limit on its clients."""
ADDRESS = "address"
"""The reason of a `Bye` to one more client of an address that has too many."""
ORIGIN = "origin"
"""The reason of a `Bye` to a page that may not connect."""

ChannelCommand = Subscribe | Unsubscribe | PublishCommand | GetMembers | GetHistory
"""What a client asks of a channel: each of these is authorised."""


class ClientIdentity(Protocol):
    """Who asks, as far as a protocol has to know."""

    @property
    def id(self) -> str:
        """The session's id."""
        ...

    @property
    def claims(self) -> Claims | None:
        """Those of its token, or of what its back end signed, if it has sent one."""
        ...

    def is_subscribed(self, channel: str) -> bool:
        """Whether it gets what is published there."""
        ...

    def member_in(self, channel: str) -> Member | None:
        """Who it is in a channel that it has subscribed to."""
        ...


class TurnedAway(msgspec.Struct, frozen=True):
    """Why somebody is not let in: what is sent, then a close code and its text."""

    frames: bytes
    code: int
    text: str


class ClientProtocol(Protocol):
    """One way of speaking with clients. It keeps nothing of any one client.

    What it has no message for it encodes as `b""`: nothing is sent then. A client that cannot be
    asked to move (`Bye`) is closed instead.

    Attributes:
        name: What it is called where connections are described.
        refuses_upgrades: Whether one that may not come in is answered by an HTTP status where there
            is one for it; otherwise it is always let in, and closed with a reason. Such clients
            come again at once: they are served also by a node that is late, which costs it less.
        echoes: Whether a client that publishes an event gets it too.
        joins_channels: Whether the node subscribes its clients to the channels that a token names.
        needs_token: Whether a client that has not proven who it is in time is closed.
        members_max: How many members of a channel a client is sent at once; None for all.
        presence_max: How many members a channel may have for one more to come in; None for any.
        shows_counts: Whether it has a message for how many subscribers a channel has.
        connections_max: How many clients of one gateway may speak it, if that has a limit.
        publish_rate: How many events a second a client may publish, if that has a limit of its own.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  see above

    @property
    def refuses_upgrades(self) -> bool: ...  # noqa: D102

    @property
    def echoes(self) -> bool: ...  # noqa: D102

    @property
    def joins_channels(self) -> bool: ...  # noqa: D102

    @property
    def needs_token(self) -> bool: ...  # noqa: D102

    @property
    def members_max(self) -> int | None: ...  # noqa: D102

    @property
    def presence_max(self) -> int | None: ...  # noqa: D102

    @property
    def shows_counts(self) -> bool: ...  # noqa: D102

    @property
    def connections_max(self) -> int | None: ...  # noqa: D102

    @property
    def publish_rate(self) -> float | None: ...  # noqa: D102

    def decode(self, payload: bytes) -> Command | None:
        """The command in a complete text message (valid UTF-8); None if it asks for nothing.

        Raises:
            DecodeError: for everything that is not one.
        """
        ...

    def encode(self, reply: Reply) -> bytes:
        """A reply as frames; a `Welcome` is the greeting."""
        ...

    def encode_parts(self, reply: HistoryReply) -> Iterator[bytes]:
        """A long reply as the frames of one message, each made when it is asked for."""
        ...

    def publications(self, channel: str) -> Callable[[Publication], bytes]:
        """What makes frames of a channel's publications. The same function for equal frames."""
        ...

    def ephemerals(self, channel: str) -> Callable[[Ephemeral], bytes]:
        """What makes frames of a channel's events that no log keeps."""
        ...

    def changes(self, channel: str) -> Callable[[Change], bytes]:
        """What makes frames of a channel's joins and leaves."""
        ...

    def session_secret(self, session_id: str) -> str:
        """What proves later, on any node, who had this session."""
        ...

    def session_of(self, secret: str) -> str | None:
        """The session that a secret is of; None if it is of none."""
        ...

    def authorise(self, command: ChannelCommand, client: ClientIdentity) -> Member | None:
        """Who the client is in the channel; None where it may act without being anybody.

        Raises:
            RiverError: unauthenticated, forbidden, or that the channel has no such thing.
        """
        ...

    def named_user(self, command: Subscribe) -> str:
        """Whom a subscription says that it is for, of which nothing is proven; or ""."""
        ...

    def signed_in(self, command: SignIn, client: ClientIdentity) -> Claims:
        """What the client's back end says of it. Not called where `decode` gives no `SignIn`.

        Raises:
            TokenError: the signature is not that of the back end.
        """
        ...

    def turned_away(self, bye: Bye) -> TurnedAway:
        """What a client is sent that cannot be let in now."""
        ...

    def page_of(self, path: str) -> PageIdentity | None:
        """How the page behind a connection names itself, if its client keeps no positions."""
        ...

    def close_code(self, reason: Reason) -> int:
        """The number that a close frame carries for a reason."""
        ...


class ProtocolPath(Protocol):
    """Decides by the head of an upgrade which protocol a connection speaks."""

    def enter(self, request: Request) -> ClientProtocol | TurnedAway | None:
        """The protocol; or why there is none for this client; None if the path is of none."""
        ...
