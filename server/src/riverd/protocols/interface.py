"""What a protocol is: a codec, its greeting, its way to authorise, and its close codes."""

from collections.abc import Callable, Iterator
from typing import Protocol

from riverd.errors import Reason
from riverd.model import (
    Change,
    Claims,
    Command,
    GetHistory,
    GetMembers,
    HistoryReply,
    Member,
    Publication,
    PublishCommand,
    Reply,
    Subscribe,
    Unsubscribe,
)

ChannelCommand = Subscribe | Unsubscribe | PublishCommand | GetMembers | GetHistory
"""What a client asks of a channel: each of these is authorised."""


class ClientProtocol(Protocol):
    """One way of speaking with clients. It keeps nothing of any one client.

    What it has no message for it encodes as `b""`: nothing is sent then. A client that cannot be
    asked to move (`Bye`) is closed instead.
    """

    def decode(self, payload: bytes) -> Command:
        """The command in a complete text message (valid UTF-8).

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

    def changes(self, channel: str) -> Callable[[Change], bytes]:
        """What makes frames of a channel's joins and leaves."""
        ...

    def authorise(
        self, command: ChannelCommand, *, session_id: str, claims: Claims | None
    ) -> Member | None:
        """Who the client is in the channel; None where it may act without being anybody.

        `claims` are those of its token, if it has sent one.

        Raises:
            RiverError: unauthenticated, forbidden, or that the channel has no such thing.
        """
        ...

    def close_code(self, reason: Reason) -> int:
        """The number that a close frame carries for a reason."""
        ...
