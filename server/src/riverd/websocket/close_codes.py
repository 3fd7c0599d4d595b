"""The close codes of RFC 6455 (section 7.4) that a server sends or reads."""

from enum import IntEnum

from riverd.errors import Reason
from riverd.websocket import frames


class CloseCode(IntEnum):
    """Codes that mean the same in every protocol over WebSocket."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    NO_STATUS = 1005
    ABNORMAL = 1006
    INVALID_TEXT = 1007
    POLICY_VIOLATION = 1008
    TOO_LARGE = 1009
    INTERNAL = 1011


RECEIVABLE = (range(1000, 1004), range(1007, 1015), range(3000, 5000))
"""The codes that a peer may send, by the RFC and its registry."""


def fault_in(payload: bytes) -> CloseCode | None:
    """The code to answer a peer's close frame with, if the frame is not as the RFC wants it."""
    code = int.from_bytes(payload[:2])
    if payload and not any(code in codes for codes in RECEIVABLE):
        return CloseCode.PROTOCOL_ERROR
    return None if frames.is_utf8(payload[2:]) else CloseCode.INVALID_TEXT


def code_for(reason: Reason) -> CloseCode:
    """The code for a reason, where no protocol on top has one of its own."""
    match reason:
        case Reason.INTERNAL:
            return CloseCode.INTERNAL
        case Reason.TOO_LARGE:
            return CloseCode.TOO_LARGE
        case _:
            return CloseCode.POLICY_VIOLATION
