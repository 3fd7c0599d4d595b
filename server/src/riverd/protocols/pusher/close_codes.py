"""The codes of Pusher's protocol: what its clients do at each decides which is sent for what."""

from enum import IntEnum

from riverd.errors import Reason
from riverd.websocket.close_codes import CloseCode


class PusherCode(IntEnum):
    """Close codes, and codes of `pusher:error`.

    At 4000 to 4099 a client stays away for good, at 4100 to 4199 it comes again after a second, at
    4200 to 4299 at once. From 4300 on they are for events only: as a close code such a one ends a
    client for good.
    """

    UNKNOWN_APP = 4001
    DISABLED = 4003
    OVER_QUOTA = 4004
    WRONG_PATH = 4005
    BAD_VERSION = 4006
    UNSUPPORTED_PROTOCOL = 4007
    NO_PROTOCOL = 4008
    UNAUTHORIZED = 4009
    OVER_CAPACITY = 4100
    RECONNECT = 4200
    NO_PONG = 4201
    TOO_MANY_EVENTS = 4301
    WATCHLIST_TOO_LONG = 4302


PUSHER_CLOSE_CODES: dict[Reason, int] = {
    Reason.NOT_THE_PROTOCOL: PusherCode.UNSUPPORTED_PROTOCOL,
    Reason.NOT_AUTHENTICATED: PusherCode.UNAUTHORIZED,
    Reason.AUTH_TIMEOUT: PusherCode.UNAUTHORIZED,
    Reason.DISCONNECTED: PusherCode.UNAUTHORIZED,
    # At once would be a loop: what was too large or too fast is likely to be so again.
    Reason.TOO_LARGE: CloseCode.TOO_LARGE,
    Reason.TOO_FAST: PusherCode.OVER_CAPACITY,
    Reason.TOO_SLOW: PusherCode.OVER_CAPACITY,
    Reason.SILENT: PusherCode.NO_PONG,
    Reason.FULL: PusherCode.OVER_CAPACITY,
    Reason.DRAINING: PusherCode.RECONNECT,
    Reason.INTERNAL: CloseCode.INTERNAL,
}
