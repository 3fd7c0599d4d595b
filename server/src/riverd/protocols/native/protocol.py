"""River's own protocol (contract, "WebSocket, native dialect"): its codec and its rules."""

from riverd.channel_rules import ChannelRules
from riverd.errors import ErrorCode, Reason, RiverError
from riverd.model import Claims, GetMembers, Member, PublishCommand, Unsubscribe
from riverd.protocols.interface import ChannelCommand
from riverd.protocols.native import codec
from riverd.protocols.native.close_codes import NATIVE_CLOSE_CODES


class Native:
    """See `ClientProtocol`. A client is who its token says, in every channel."""

    # Not methods that call these: each is on a path that is counted in instructions.
    decode = staticmethod(codec.decode)
    encode = staticmethod(codec.encode)
    encode_parts = staticmethod(codec.encode_parts)
    publications = staticmethod(codec.publications)
    changes = staticmethod(codec.changes)

    def __init__(self, rules: ChannelRules) -> None:
        self._rules = rules

    def authorise(
        self, command: ChannelCommand, *, session_id: str, claims: Claims | None
    ) -> Member | None:
        """The token's user, if its grants cover what is asked."""
        del session_id
        if claims is None:
            raise RiverError(ErrorCode.UNAUTHENTICATED, "send a token first")
        channel = command.channel
        match command:
            case PublishCommand():
                if not self._rules.may_publish(claims.grants, channel):
                    raise RiverError(ErrorCode.FORBIDDEN, f"no grant to publish to {channel}")
            case Unsubscribe():
                pass
            case _:
                if not self._rules.may_subscribe(claims.grants, channel):
                    raise RiverError(ErrorCode.FORBIDDEN, f"no grant to subscribe to {channel}")
        if isinstance(command, GetMembers) and not self._rules.has_members(channel):
            raise RiverError(ErrorCode.INVALID_FIELD, f"{channel} has no list of members")
        return Member(claims.user, claims.info)

    def close_code(self, reason: Reason) -> int:
        """The contract's number for a reason."""
        return NATIVE_CLOSE_CODES[reason]
