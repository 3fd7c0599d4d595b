"""Counts, with what they depend on; and the file that keeps them."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path as File

from guard.calibration import NAME as CALIBRATION
from guard.path import Path

RECORD = File(__file__).with_name("recorded.json")
MOVED = 0.03
"""A figure that moved by more, recorded anew here, is no longer what other environments have."""


@dataclass(frozen=True)
class Figures:
    """What was counted in one environment.

    Attributes:
        python: Its minor version, as in 3.11.
        machine: The architecture.
        build: The whole version and the compiler of Python, for people.
        versions: Of the distributions whose compiled code the paths use.
        counts: Instructions for each time, by path; the calibration's too.
    """

    python: str
    machine: str
    build: str
    versions: Mapping[str, str]
    counts: Mapping[str, float]

    @property
    def place(self) -> tuple[str, str]:
        """What has a record of its own."""
        return self.python, self.machine

    @property
    def unit(self) -> float:
        """The calibration's count."""
        return self.counts[CALIBRATION]


def here(counts: Mapping[str, float], paths: Iterable[Path]) -> Figures:
    """Counts that were made in this environment."""
    used = sorted({name for path in paths for name in path.uses})
    return Figures(
        ".".join(platform.python_version_tuple()[:2]),
        platform.machine(),
        f"{platform.python_version()}, {platform.python_compiler()}",
        {name: metadata.version(name) for name in used},
        {name: round(count, 1) for name, count in counts.items()},
    )


def load(file: File = RECORD) -> list[Figures]:
    """What is recorded, for several environments perhaps."""
    return [Figures(**entry) for entry in json.loads(file.read_text(encoding="utf-8"))]


def save(records: Sequence[Figures], file: File = RECORD) -> None:
    """Keep them, in an order that does not change by itself."""
    ordered = [asdict(entry) for entry in sorted(records, key=lambda entry: entry.place)]
    file.write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")


def recorded(records: Sequence[Figures], now: Figures) -> list[Figures]:
    """The records with this environment's figures.

    The code has changed where a figure of this environment moved: what other environments had
    there before is dropped, and they are held against the nearest one that was recorded since.
    """
    before = next((entry for entry in records if entry.place == now.place), None)
    moved = set[str]() if before is None else _moved(before, now)
    others = [
        replace(
            entry, counts={name: one for name, one in entry.counts.items() if name not in moved}
        )
        for entry in records
        if entry.place != now.place
    ]
    return [now, *others]


def _moved(before: Figures, now: Figures) -> set[str]:
    # In units of the calibration: another build of Python moves everything.
    return {
        name
        for name in before.counts
        if name != CALIBRATION
        and (
            name not in now.counts
            or abs(now.counts[name] / now.unit / (before.counts[name] / before.unit) - 1) > MOVED
        )
    }


def version_of(entry: Figures) -> tuple[int, ...]:
    """The Python version, to tell which is near."""
    return tuple(map(int, entry.python.split(".")))
