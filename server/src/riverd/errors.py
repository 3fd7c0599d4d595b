"""The catalogue of error codes and of reasons to close, and the one exception tree."""

from enum import Enum


class Reason(Enum):
    """Why River ends a connection. Each protocol has a close code of its own for it."""

    NOT_THE_PROTOCOL = "not the protocol"
    NOT_AUTHENTICATED = "no valid token any more"
    AUTH_TIMEOUT = "no token in time"
    DISCONNECTED = "disconnected by the back end"
    TOO_LARGE = "a message too large"
    TOO_FAST = "too many messages"
    TOO_SLOW = "too slow to read"
    SILENT = "no sign of life"
    FULL = "no room for one more client"
    DRAINING = "this gateway stops"
    INTERNAL = "a fault of River's own"


class ErrorCode(Enum):
    """What went wrong, as clients and publishers see it: a code and its HTTP status."""

    NOT_JSON = ("not_json", 400)
    NOT_AN_OBJECT = ("not_an_object", 400)
    BINARY_UNSUPPORTED = ("binary_unsupported", 400)
    UNKNOWN_TYPE = ("unknown_type", 400)
    INVALID_FIELD = ("invalid_field", 400)
    TOO_DEEP = ("too_deep", 400)
    CHANNEL_INVALID = ("channel_invalid", 400)
    EVENT_INVALID = ("event_invalid", 400)
    BATCH_TOO_LARGE = ("batch_too_large", 400)
    USER_CHANNELS_OFF = ("user_channels_off", 400)
    UNAUTHENTICATED = ("unauthenticated", 401)
    API_KEY_INVALID = ("api_key_invalid", 401)
    TOKEN_INVALID = ("token_invalid", 401)
    TOKEN_EXPIRED = ("token_expired", 401)
    TOKEN_NOT_YET_VALID = ("token_not_yet_valid", 401)
    TOKEN_REVOKED = ("token_revoked", 401)
    TOKEN_REVOKED_RECENTLY = ("token_revoked_recently", 401)
    USER_MISMATCH = ("user_mismatch", 401)
    FORBIDDEN = ("forbidden", 403)
    USER_BLOCKED = ("user_blocked", 403)
    NOT_FOUND = ("not_found", 404)
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405)
    BODY_LATE = ("body_late", 408)
    ALREADY_SUBSCRIBED = ("already_subscribed", 409)
    CANCELLED = ("cancelled", 409)
    UNRECOVERABLE = ("unrecoverable", 410)
    TOO_LARGE = ("too_large", 413)
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", 415)
    TOO_MANY_CHANNELS = ("too_many_channels", 429)
    TOO_MANY_CONNECTIONS = ("too_many_connections", 429)
    TOO_MANY_MEMBERS = ("too_many_members", 429)
    TOO_MANY_WATCHED = ("too_many_watched", 429)
    TOO_FAST = ("too_fast", 429)
    INTERNAL = ("internal", 500)
    BROKER_UNAVAILABLE = ("broker_unavailable", 503)
    UNAVAILABLE = ("unavailable", 503)
    UNKNOWN = ("unknown", 504)

    def __init__(self, code: str, status: int) -> None:
        self.code = code
        self.status = status


class RiverError(Exception):
    """An error with a code, written for the client or publisher that caused it."""

    retry_after_ms: int | None = None
    """When the same may succeed, where that is known."""

    def __init__(self, error: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.message = message

    @property
    def public(self) -> str:
        """The message for clients, which know nothing of what is behind a gateway."""
        return self.message


def for_client(error: RiverError) -> RiverError:
    """The error as a client may see it, for answers that back ends get with all of its message."""
    shown = RiverError(error.error, error.public)
    shown.retry_after_ms = error.retry_after_ms
    return shown


class TokenError(RiverError):
    """A token that does not prove who a client is. `reason` is why its connection ends."""

    reason = Reason.NOT_AUTHENTICATED


class BlockedError(TokenError):
    """A token of a user whom the back end has blocked: another token changes nothing."""

    reason = Reason.DISCONNECTED

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.USER_BLOCKED, message)


class DecodeError(RiverError):
    """A message that does not follow the client's protocol.

    `request_id` is the message's id where it could be read. `fatal` says that the sender does not
    speak the protocol at all: its connection is closed.
    """

    def __init__(
        self,
        error: ErrorCode,
        message: str,
        *,
        request_id: int | str | None = None,
        fatal: bool = False,
    ) -> None:
        super().__init__(error, message)
        self.request_id = request_id
        self.fatal = fatal


class BrokerError(RiverError):
    """The broker is away: nothing was accepted, and the same call may be made again."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.BROKER_UNAVAILABLE, message)

    @property
    def public(self) -> str:
        """Not what the broker or the system said: that names servers and how they are set up."""
        return "the broker is away: ask again later"


class OutcomeUnknownError(RiverError):
    """The broker did not answer in time: what was asked may have been done, or be done later.

    The same message with the same key settles it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.UNKNOWN, message)

    @property
    def public(self) -> str:
        """Not what the broker or the system said."""
        return "the broker did not answer: it may have accepted this, or may do so later"


class SettingsError(Exception):
    """A setting that is wrong or missing; the message is one line that names it."""
