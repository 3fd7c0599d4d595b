"""Everything that is counted in a run."""

from collections import Counter

from riverd.commands.loadtest.delays import Delays

KINDS_MAX = 200
OTHER = "other kinds of error"


class LoadTally:
    """What became of connections and messages so far. Numbers only rise, but for `up`.

    `holes` were passed over in silence, `missing` had not come at the end, `lost_with_gap` were
    announced as lost (a gap, or a resume that could not be). `moves` are clients that a server
    that stops sent elsewhere: no error, if they come back and miss nothing.
    """

    def __init__(self) -> None:
        self.up = 0
        self.joins = 0
        self.rejoins = 0
        self.moves = 0
        self.deliveries = 0
        self.holes = 0
        self.doubled = 0
        self.gaps = 0
        self.lost_with_gap = 0
        self.missing = 0
        self.accepted = 0
        self.refused = 0
        self.late = 0
        self.errors: Counter[str] = Counter()
        self.delays = Delays()
        self.joining = Delays()
        self.recent = Delays()

    def error(self, kind: str) -> None:
        """One more error of a kind; there are only so many kinds that a server can make up."""
        if kind not in self.errors and len(self.errors) >= KINDS_MAX:
            kind = OTHER
        self.errors[kind] += 1

    def delivered(self, delay_ns: int | None) -> None:
        """A message that was due for a client has come."""
        self.deliveries += 1
        if delay_ns is not None:
            self.delays.add(delay_ns)
            self.recent.add(delay_ns)

    @property
    def lost(self) -> int:
        """Deliveries that did not come, with a gap or without."""
        return self.holes + self.missing + self.lost_with_gap

    @property
    def is_clean(self) -> bool:
        """Whether all went as it should."""
        return not (self.lost or self.doubled or self.gaps or self.refused or self.errors)
