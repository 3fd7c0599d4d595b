"""The promises of a broker about pages whose clients keep no positions."""

from collections.abc import Sequence
from typing import Protocol

from riverd.errors import RiverError
from riverd.model.tabs import TabRow, TabWrite, Written


class BrokerTabs(Protocol):
    """Rows of cursors by page and connection; each page's rows live so long after the last write.

    Every method raises `BrokerError` when the broker is away: it may have been done or not, and
    doing it again changes nothing.
    """

    @property
    def since(self) -> float:
        """Of pages that began before, rows may be lost: unix seconds, 0 if that is not known."""
        ...

    async def claim(self, key: str, session: str, *, life_s: float) -> TabRow | None:
        """One row, the session's, replaces all rows of the page: None if there is none.

        Atomic. It has the lowest cursor of each channel. Where two pages have one identity nobody
        knows whose a row is: then all are left.
        """
        ...

    async def save(
        self, writes: Sequence[TabWrite], *, life_s: float
    ) -> list[Written | RiverError]:
        """Change rows, each in one step."""
        ...
