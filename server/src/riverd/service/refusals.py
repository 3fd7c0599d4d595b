"""Counts what clients were refused, and logs each at the level debug."""

import structlog

from riverd.errors import RiverError
from riverd.service.metrics import LabelledReading

log = structlog.get_logger()


class Refusals:
    """Refusals by the code that the client got: a token, a channel without a grant, an origin."""

    def __init__(self) -> None:
        self._by_code: dict[str, float] = {}

    def refused(self, error: RiverError, user: str | None) -> None:
        """A request of a client was refused; its user is None before it brought a good token."""
        code = error.error.code
        self._by_code[code] = self._by_code.get(code, 0) + 1
        log.debug("client_refused", code=code, reason=error.message, user=user)

    def reading(self) -> LabelledReading:
        """What is scraped of it."""
        return LabelledReading(
            "river_client_refused",
            "Requests and tokens of clients that were refused, by code.",
            "code",
            lambda: self._by_code,
        )
