"""What a gateway counts for its metrics: whom it refused and why, how connections ended."""

from collections.abc import Iterable

from riverd.websocket.close_codes import CloseCode


class GatewayTally:
    """See the attributes.

    Attributes:
        refused: Clients that found no room.
        refused_by_limit: Which limits they met.
        refused_address: The last address that had too many connections, if one had.
        closed_by_code: Connections that River ended, or that were lost (1006).
        closed_by_clients: Connections that clients ended, by their close codes.
    """

    def __init__(self, close_codes: Iterable[int]) -> None:
        self.refused = 0
        self.refused_by_limit: dict[str, float] = {}
        self.refused_address: str | None = None
        self.closed_by_code: dict[str, float] = {}
        self.closed_by_clients: dict[str, float] = {}
        self._codes = frozenset(CloseCode) | frozenset(close_codes)

    def met(self, limit: str, address: str | None) -> None:
        """A client met a limit: that of an address, if one is named."""
        self.refused_by_limit[limit] = self.refused_by_limit.get(limit, 0) + 1
        self.refused_address = address or self.refused_address

    def closed(self, code: int, *, by_client: bool) -> None:
        """A connection has ended. Codes that only clients use are counted as one."""
        label = str(code) if code in self._codes else "other"
        counts = self.closed_by_clients if by_client else self.closed_by_code
        counts[label] = counts.get(label, 0) + 1
