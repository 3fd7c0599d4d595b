"""The close codes of River's own protocol (contract, "Close codes")."""

from enum import IntEnum

from riverd.errors import Reason
from riverd.websocket.close_codes import CloseCode


class NativeCloseCode(IntEnum):
    """Codes that only River's own protocol has."""

    NOT_THE_PROTOCOL = 4400
    NOT_AUTHENTICATED = 4401
    DISCONNECTED = 4403
    AUTH_TIMEOUT = 4408
    TOO_LARGE = 4413
    TOO_FAST = 4429
    UNAVAILABLE = 4503


NATIVE_CLOSE_CODES: dict[Reason, int] = {
    Reason.NOT_THE_PROTOCOL: NativeCloseCode.NOT_THE_PROTOCOL,
    Reason.NOT_AUTHENTICATED: NativeCloseCode.NOT_AUTHENTICATED,
    Reason.AUTH_TIMEOUT: NativeCloseCode.AUTH_TIMEOUT,
    Reason.DISCONNECTED: NativeCloseCode.DISCONNECTED,
    Reason.TOO_LARGE: NativeCloseCode.TOO_LARGE,
    Reason.TOO_FAST: NativeCloseCode.TOO_FAST,
    Reason.TOO_SLOW: NativeCloseCode.TOO_FAST,
    Reason.SILENT: CloseCode.GOING_AWAY,
    Reason.FULL: NativeCloseCode.UNAVAILABLE,
    Reason.DRAINING: NativeCloseCode.UNAVAILABLE,
    Reason.INTERNAL: CloseCode.INTERNAL,
}
