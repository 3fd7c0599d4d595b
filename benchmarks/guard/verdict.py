"""Whether a path has grown: its figure held against a recorded one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guard.calibration import NAME as CALIBRATION
from guard.figures import Figures, version_of
from guard.path import Path

SAME_BUILD = 0.02
"""Builds whose calibration differs by less are one."""
GROWTH_MAX = 0.10
OTHER_BUILD_MAX = 0.20
"""Another build of the same Python: in units of the calibration, paths differ that much at most."""
ELSEWHERE_MAX = 0.30
"""Another Python, machine or library: only what is badly wrong shows."""


@dataclass(frozen=True)
class PathVerdict:
    """One path's figure beside the recorded one.

    Attributes:
        path: The name.
        count: What was counted.
        growth: By how much it is above the record: 0.1 is a tenth. None without any record.
        allowed: How much it may be.
        against: What it was held against, when that is not this very environment.
    """

    path: str
    count: float
    growth: float | None
    allowed: float = GROWTH_MAX
    against: str = ""

    @property
    def has_grown(self) -> bool:
        """Whether it is more than it may be."""
        return self.growth is not None and self.growth > self.allowed


def judge(paths: Sequence[Path], now: Figures, *, records: Sequence[Figures]) -> list[PathVerdict]:
    """A verdict on every path that was counted."""
    return [_judged(path, now, records=records) for path in paths if path.name != CALIBRATION]


def _judged(path: Path, now: Figures, *, records: Sequence[Figures]) -> PathVerdict:
    count = now.counts[path.name]
    known = [entry for entry in records if path.name in entry.counts]
    if not known:
        return PathVerdict(path.name, count, None)
    nearest = min(known, key=lambda entry: _distance(entry, now))
    before = nearest.counts[path.name]
    in_units = count / now.unit / (before / nearest.unit) - 1
    elsewhere = _elsewhere(path, now, entry=nearest)
    if elsewhere:
        return PathVerdict(path.name, count, in_units, ELSEWHERE_MAX, elsewhere)
    if abs(now.unit / nearest.unit - 1) > SAME_BUILD:
        return PathVerdict(path.name, count, in_units, OTHER_BUILD_MAX, f"Python {nearest.build}")
    return PathVerdict(path.name, count, count / before - 1)


def _distance(entry: Figures, now: Figures) -> tuple[bool, int]:
    return entry.machine != now.machine, abs(version_of(entry)[1] - version_of(now)[1])


def _elsewhere(path: Path, now: Figures, *, entry: Figures) -> str:
    """What makes the two environments different for this path; nothing if they are alike."""
    if entry.place != now.place:
        return f"Python {entry.python} on {entry.machine}"
    others = [
        f"{name} {entry.versions.get(name, 'unknown')}"
        for name in path.uses
        if _minor(entry.versions.get(name, "")) != _minor(now.versions[name])
    ]
    return ", ".join(others)


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]
