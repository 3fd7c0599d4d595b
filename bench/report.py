"""Rounds made into figures, and figures into a table with the goals beside them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from tree import number, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios import Figure, Scenario

LOAD_BUSY = 0.95  # cores
OTHERS_BUSY = 0.2  # cores
THOUSAND = 1000
TEN = 10
HEAD = ("figure", "median", "from", "to", "goal", "")


@dataclass(frozen=True)
class Row:
    """One figure of one scenario over all rounds."""

    label: str
    unit: str
    values: tuple[float, ...]
    goal: float | None
    at_most: bool

    @property
    def middle(self) -> float:
        """The median of the rounds."""
        return median(self.values)

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the goal, None when there is none."""
        if self.goal is None:
            return None
        return self.middle <= self.goal if self.at_most else self.middle >= self.goal

    def as_json(self) -> dict[str, object]:
        """How a result file has it."""
        return {
            "unit": self.unit,
            "median": self.middle,
            "min": min(self.values),
            "max": max(self.values),
            "goal": self.goal,
            "at_most": self.at_most,
            "reached": self.reached,
        }


def rows(scenario: Scenario, rounds: Sequence[dict[str, object]]) -> list[Row]:
    """The scenario's figures that were seen in at least one round."""

    def row(figure: Figure) -> Row:
        seen = (number(one, figure.path) for one in rounds)
        values = tuple(value for value in seen if value is not None)
        return Row(figure.label, figure.unit, values, figure.goal, figure.at_most)

    return [made for made in map(row, scenario.figures) if made.values]


def _said(one: dict[str, object]) -> list[str]:
    return [
        *words(one, "load.notes"),
        *(f"client was told: {word}" for word in words(one, "load.total.words")),
        *(f"API answered: {word}" for word in words(one, "load.publish.words")),
    ]


def notes(rounds: Sequence[dict[str, object]]) -> list[str]:
    """What a reader must know before believing the figures, each once."""
    said = [word for one in rounds for word in _said(one)]
    if any((number(one, "load.window.load_cpu") or 0.0) > LOAD_BUSY for one in rounds):
        said.append("the generator used its whole core: the figure may be its own bound")
    others = max(
        ((number(one, "machine.others") or 0.0) + (number(one, "machine.stolen") or 0.0))
        for one in rounds
    )
    if others > OTHERS_BUSY:
        said.append(f"other work had up to {others:.1f} cores of this machine meanwhile")
    return list(dict.fromkeys(said))


def _text(value: float) -> str:
    if abs(value) >= THOUSAND:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= TEN else f"{value:.3g}"


def _cells(row: Row) -> tuple[str, ...]:
    unit = "" if row.unit in ("", "/s") else f" {row.unit}"
    goal = ""
    if row.goal is not None:
        goal = ("at most " if row.at_most else "at least ") + _text(row.goal) + unit
    verdict = {True: "reached", False: "MISSED", None: ""}[row.reached]
    spread = (_text(min(row.values)), _text(max(row.values)))
    return (row.label, _text(row.middle) + unit, *spread, goal, verdict)


def table(scenario: Scenario, rounds: Sequence[dict[str, object]]) -> str:
    """One scenario as lines of text."""
    lines = [HEAD, *(_cells(row) for row in rows(scenario, rounds))]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    title = f"{scenario.name}: {scenario.about} ({len(rounds)} rounds)"
    body = [
        "  "
        + "  ".join(
            cell.ljust(width) if place in (0, 4) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([title, *body, *(f"  note: {note}" for note in notes(rounds)), ""])


def as_json(scenario: Scenario, rounds: Sequence[dict[str, object]]) -> dict[str, object]:
    """One scenario as a result file has it: figures first, then every round whole."""
    return {
        "about": scenario.about,
        "server": scenario.server,
        "load": list(scenario.load),
        "figures": {row.label: row.as_json() for row in rows(scenario, rounds)},
        "notes": notes(rounds),
        "rounds": list(rounds),
    }
