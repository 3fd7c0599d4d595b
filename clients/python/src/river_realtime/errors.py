"""What can go wrong, with the server's own code."""


class RiverError(Exception):
    """River refused, or could not be asked. Everything that this library raises is one.

    Attributes:
        code: for programs: the server's (such as `channel_invalid`), or the library's own
            `unreachable`, `timeout`, `unexpected_answer`, `data_invalid`, `option_invalid`.
        message: for people: what happened, and what to change.
        status: the HTTP status of the answer; over a WebSocket the close code; 0 without one.
        id: the idempotency key of a publication: publishing again with it publishes once, whatever
            became of this attempt.
        uncertain: nobody knows whether the server did what it was asked.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 0,
        id: str | None = None,
        uncertain: bool = False,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.id = id
        self.uncertain = uncertain

    @property
    def key(self) -> str | None:
        """The idempotency key, as `id`."""
        return self.id


class UnreachableError(RiverError):
    """No answer of River's, however often it was tried: nothing there, too late, or not River."""


class UsageError(RiverError, ValueError):
    """An option or a value that cannot work, found before anything was sent."""


class ConnectionLostError(Exception):
    """A connection ended, or could not be opened: another may be opened.

    Attributes:
        code: the close code, 1006 without one.
        error_code: the code of the server's last error message, "" without one.
        retry_after_s: how long the server asked to wait.
        is_wrong_address: something else than River's gateway answered.
    """

    def __init__(
        self,
        reason: str,
        *,
        code: int = 1006,
        error_code: str = "",
        retry_after_s: float = 0.0,
        is_wrong_address: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.error_code = error_code
        self.retry_after_s = retry_after_s
        self.is_wrong_address = is_wrong_address
