"""Judges what was sampled for hours: whether something only grows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

POINTS_MAX = 120
"""Slopes between all pairs of so many points: more of them say nothing more."""
WARM_UP = 0.4
"""This part of a run is not judged: memory that is used for the first time is new."""


@dataclass(frozen=True)
class GrowthLimit:
    """How much a series may grow from the end of the warm-up to the end."""

    part: float
    """Of its median."""
    least: float
    """So much is noise, whatever the median."""


@dataclass(frozen=True)
class Growth:
    """What became of one series."""

    name: str
    first: float
    last: float
    growth: float
    """By the median of all slopes, from the end of the warm-up to the end."""
    limit: float

    @property
    def is_steady(self) -> bool:
        """Whether it does not grow."""
        return self.growth <= self.limit


def growth(name: str, series: Sequence[float], limit: GrowthLimit) -> Growth:
    """How much a series grows. Samples are at equal distances; a single peak changes nothing."""
    judged = series[int(len(series) * WARM_UP) :]
    step = -(-len(judged) // POINTS_MAX)
    points = [median(judged[at : at + step]) for at in range(0, len(judged), step)]
    slopes = [
        (points[later] - points[sooner]) / (later - sooner)
        for sooner, later in combinations(range(len(points)), 2)
    ]
    grown = median(slopes) * (len(points) - 1) if slopes else 0.0
    allowed = max(limit.least, limit.part * median(judged))
    return Growth(name, points[0], points[-1], grown, allowed)


def growths(
    series: Mapping[str, Sequence[float]], limits: Mapping[str, GrowthLimit]
) -> list[Growth]:
    """All of them; a limit is found by the last word of a series' name."""
    return [growth(name, one, limits[name.rpartition(" ")[2]]) for name, one in series.items()]
