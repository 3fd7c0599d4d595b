"""Pages and their cursors inside one process."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from riverd.errors import RiverError
from riverd.model.log import NOWHERE, Position
from riverd.model.tabs import TabRow, TabTraits, TabWrite, Written, lowest

PAGES_MAX = 100_000


class _Row:
    __slots__ = ("cursors", "number", "owes_gaps", "traits")

    def __init__(self, cursors: dict[str, Position], traits: TabTraits, *, number: int) -> None:
        self.cursors = cursors
        self.traits = traits
        self.number = number
        self.owes_gaps = False


def _owe_gaps(rows: Iterable[_Row]) -> None:
    """Two pages have had one identity: what these rows began with may have been the other's."""
    for row in rows:
        row.cursors = dict.fromkeys(row.cursors, NOWHERE)
        row.owes_gaps = True


class TabStore:
    """The rows of all pages; those that were written to longest ago make room.

    `since` is when it began, in unix seconds.
    """

    def __init__(self, *, since: float = 0.0) -> None:
        self.since = since
        self._pages: OrderedDict[str, tuple[float, dict[str, _Row]]] = OrderedDict()

    def claim(self, key: str, session: str, *, life_s: float, now: float) -> TabRow | None:
        """See `BrokerTabs`."""
        rows = self._rows(key, now)
        if not rows:
            return None
        cursors = lowest(row.cursors for row in rows.values())
        traits = TabTraits()
        for row in rows.values():
            traits = traits.joined(row.traits)
        traits = traits.joined(TabTraits(sessions=(session,)))
        number = rows[session].number if session in rows else 0
        kept = rows if traits.is_shared else {}
        kept[session] = _Row(cursors, traits, number=number)
        self._keep(key, kept, until=now + life_s)
        return TabRow(dict(cursors), traits)

    def save(self, write: TabWrite, *, life_s: float, now: float) -> Written:
        """See `BrokerTabs`."""
        rows = self._rows(write.key, now)
        row = rows.get(write.session)
        if row is None:
            if not write.begins:
                return Written.REPLACED if rows else Written.UNKNOWN
            if write.traits.is_shared:
                _owe_gaps(rows.values())
            row = rows[write.session] = _Row({}, write.traits, number=0)
        elif row.owes_gaps and not write.traits.is_shared:
            self._keep(write.key, rows, until=now + life_s)
            return Written.ROBBED
        if write.number > row.number:
            row.number, row.traits, row.owes_gaps = write.number, write.traits, False
            for channel, position in write.cursors.items():
                if position is None:
                    row.cursors.pop(channel, None)
                else:
                    row.cursors[channel] = position
        self._keep(write.key, rows, until=now + life_s)
        return Written.TAKEN

    def expire(self, now: float) -> None:
        """Drop pages that nobody wrote to."""
        while self._pages and next(iter(self._pages.values()))[0] < now:
            self._pages.popitem(last=False)

    def _rows(self, key: str, now: float) -> dict[str, _Row]:
        until, rows = self._pages.get(key, (0.0, {}))
        return rows if until >= now else {}

    def _keep(self, key: str, rows: dict[str, _Row], *, until: float) -> None:
        self._pages[key] = until, rows
        self._pages.move_to_end(key)
        if len(self._pages) > PAGES_MAX:
            self._pages.popitem(last=False)


class MemoryTabs:
    """See `BrokerTabs` for the promises."""

    def __init__(self, store: TabStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    @property
    def since(self) -> float:
        """What a process before this one knew of pages, nobody can say."""
        return self._store.since

    async def claim(self, key: str, session: str, *, life_s: float) -> TabRow | None:
        """One step, since nothing here waits."""
        return self._store.claim(key, session, life_s=life_s, now=self._clock())

    async def save(
        self, writes: Sequence[TabWrite], *, life_s: float
    ) -> list[Written | RiverError]:
        """One step each."""
        now = self._clock()
        self._store.expire(now)
        return [self._store.save(write, life_s=life_s, now=now) for write in writes]
