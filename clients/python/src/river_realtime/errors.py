"""What can go wrong, with the server's own code."""


class RiverError(Exception):
    """River refused: `code` is the contract's (such as `channel_invalid`), `status` is HTTP's.

    For what came over a WebSocket, `status` is the close code, or 0. `key` is the idempotency key
    of a publication: with it, trying again later publishes once, whatever became of this attempt.
    """

    def __init__(self, code: str, message: str, *, status: int = 0, key: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.key = key


class UnreachableError(RiverError):
    """No answer of River's, however often it was tried. What was published is not known."""

    def __init__(self, message: str, *, status: int = 0, key: str | None = None) -> None:
        super().__init__("unreachable", message, status=status, key=key)


class LostError(Exception):
    """A connection ended, or did not come about: another may be made.

    `code` is the close code (1006 without one), `told` the code of the server's last error,
    `retry_after_s` what it asked for, `wrong_place` says that something else than River answered.
    """

    def __init__(
        self,
        reason: str,
        *,
        code: int = 1006,
        told: str = "",
        retry_after_s: float = 0.0,
        wrong_place: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.told = told
        self.retry_after_s = retry_after_s
        self.wrong_place = wrong_place
