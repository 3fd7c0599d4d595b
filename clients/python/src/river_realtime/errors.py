"""What can go wrong, with the server's own code."""


class RiverError(Exception):
    """River refused: `code` is the contract's (such as `channel_invalid`), `status` is HTTP's.

    For what came over a WebSocket, `status` is the close code, or 0.
    """

    def __init__(self, code: str, message: str, *, status: int = 0) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class UnreachableError(RiverError):
    """No answer, however often it was tried. What was to be published may be tried again."""

    def __init__(self, message: str) -> None:
        super().__init__("unreachable", message)
