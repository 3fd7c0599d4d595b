"""River's own protocol (contract, "WebSocket, native dialect"): its codec and its rules."""

from riverd.auth.session_secrets import SessionSecrets
from riverd.channels.rules import ChannelRules
from riverd.errors import ErrorCode, Reason, RiverError
from riverd.http.request import Request
from riverd.model.claims import Claims
from riverd.model.commands import GetMembers, PublishCommand, SignIn, Subscribe, Unsubscribe
from riverd.model.log import Member
from riverd.model.replies import Bye
from riverd.model.tabs import PageIdentity
from riverd.protocols.interface import (
    ADDRESS,
    ChannelCommand,
    ClientIdentity,
    ClientProtocol,
    TurnedAway,
)
from riverd.protocols.native import codec, events
from riverd.protocols.native.close_codes import NATIVE_CLOSE_CODES

PATH = "/ws"
MEMBERS_MAX = 100


class Native:
    """See `ClientProtocol`. A client is who its token says, in every channel."""

    name = "native"
    refuses_upgrades = True
    echoes = True
    joins_channels = True
    needs_token = True
    shows_counts = False
    members_max: int | None = MEMBERS_MAX
    presence_max: int | None = None
    connections_max: int | None = None
    publish_rate: float | None = None

    # Not methods that call these: each is on a path that is counted in instructions.
    decode = staticmethod(codec.decode)
    encode = staticmethod(codec.encode)
    encode_parts = staticmethod(codec.encode_parts)
    publications = staticmethod(events.publications)
    ephemerals = staticmethod(events.ephemerals)
    changes = staticmethod(events.changes)

    def __init__(self, rules: ChannelRules, secrets: SessionSecrets) -> None:
        self.rules = rules
        self.secrets = secrets
        self.session_secret = secrets.of
        self.session_of = secrets.session

    def authorise(self, command: ChannelCommand, client: ClientIdentity) -> Member | None:
        """The token's user, if its grants cover what is asked."""
        claims, channel, kind = client.claims, command.channel, type(command)
        if claims is None:
            self._check_guest(command)
        elif kind is PublishCommand:
            if not self.rules.may_publish(claims.grants, channel):
                raise RiverError(ErrorCode.FORBIDDEN, f"no grant to publish to {channel}")
        elif kind is not Unsubscribe and not self.rules.may_subscribe(claims.grants, channel):
            raise RiverError(ErrorCode.FORBIDDEN, f"no grant to subscribe to {channel}")
        if kind is GetMembers and not self.rules.has_members(channel):
            raise RiverError(ErrorCode.INVALID_FIELD, f"{channel} has no list of members")
        return None if claims is None else Member(claims.user, claims.info)

    def _check_guest(self, command: ChannelCommand) -> None:
        """Without a token a client listens where the rules say so, and does nothing else."""
        if isinstance(command, PublishCommand) or not self.rules.admits_guests(command.channel):
            raise RiverError(ErrorCode.UNAUTHENTICATED, "send a token first")

    def named_user(self, command: Subscribe) -> str:
        """Tokens say who somebody is, and nothing else does."""
        del command
        return ""

    def signed_in(self, command: SignIn, client: ClientIdentity) -> Claims:
        """There is no such command."""
        del command, client
        raise AssertionError("clients send tokens")

    def page_of(self, path: str) -> PageIdentity | None:
        """Clients keep their positions themselves."""
        del path
        return None

    def turned_away(self, bye: Bye) -> TurnedAway:
        """When to come again, and the contract's code."""
        reason = Reason.TOO_FAST if bye.reason == ADDRESS else Reason.FULL
        return TurnedAway(codec.encode(bye), NATIVE_CLOSE_CODES[reason], "come again later")

    def close_code(self, reason: Reason) -> int:
        """The contract's number for a reason."""
        return NATIVE_CLOSE_CODES[reason]


class NativePath:
    """Lets everybody in who asks for River's own path."""

    def __init__(self, protocol: ClientProtocol) -> None:
        self._protocol = protocol

    def enter(self, request: Request) -> ClientProtocol | TurnedAway | None:
        """The native protocol."""
        return self._protocol if request.path == PATH else None
