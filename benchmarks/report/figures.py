"""Rounds made into figures, and figures into a table with the goals beside them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from tree import number, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scenarios import GoalFigure, Scenario

LOAD_BUSY = 0.95  # cores
OTHERS_BUSY = 0.2  # cores
THOUSAND = 1000
TEN = 10


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

    def row(figure: GoalFigure) -> Row:
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
        (
            (number(one, "machine.others") or 0.0) + (number(one, "machine.stolen") or 0.0)
            for one in rounds
        ),
        default=0.0,
    )
    if others > OTHERS_BUSY:
        said.append(f"other work had up to {others:.1f} cores of this machine meanwhile")
    return list(dict.fromkeys(said))


def _text(value: float) -> str:
    if abs(value) >= THOUSAND:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= TEN else f"{value:.3g}"


def cell(row: Row) -> str:
    """The median and, where rounds differ, the spread."""
    low, high = min(row.values), max(row.values)
    spread = f" ({_text(low)}-{_text(high)})" if _text(low) != _text(high) else ""
    return _text(row.middle) + spread


def _goal(figure: GoalFigure, row: Row | None) -> str:
    if figure.goal is None:
        return ""
    goal = ("at most " if figure.at_most else "at least ") + _text(figure.goal)
    verdict = {True: " reached", False: " MISSED", None: ""}[row.reached if row else None]
    return goal + verdict


def _lines(scenario: Scenario, by_name: Mapping[str, Sequence[dict[str, object]]]) -> list[str]:
    """The figures of one step, a line each, a column for each contender."""
    seen = {
        name: {row.label: row for row in rows(scenario, rounds)} for name, rounds in by_name.items()
    }
    held = "river" if "river" in by_name else next(iter(by_name), "")
    head = ("figure", *by_name, "goal of River" if held == "river" else "goal")
    lines = [head]
    for figure in scenario.figures:
        cells = [cell(row) if (row := seen[name].get(figure.label)) else "-" for name in by_name]
        if set(cells) != {"-"}:
            unit = f", {figure.unit}" if figure.unit not in ("", "/s") else ""
            goal = _goal(figure, seen[held].get(figure.label))
            lines.append((figure.label + unit, *cells, goal))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if place in (0, len(head) - 1) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def table(scenario: Scenario, rounds: Mapping[str, Sequence[Sequence[dict[str, object]]]]) -> str:
    """One scenario as lines of text: each contender's rounds, step by step."""
    lines = [f"{scenario.name}: {scenario.about}"]
    for nth in range(max((len(steps) for steps in rounds.values()), default=0)):
        by_name = {
            name: steps[nth] for name, steps in rounds.items() if len(steps) > nth and steps[nth]
        }
        if scenario.steps:
            lines.append(f"  {scenario.steps[nth]['step']:g} {scenario.step_unit}")
        if by_name:
            lines += _lines(scenario, by_name)
        lines += [f"  note: {name}: {note}" for name in by_name for note in notes(by_name[name])]
    return "\n".join([*lines, ""])


def as_json(
    scenario: Scenario,
    rounds: Mapping[str, Sequence[Sequence[dict[str, object]]]],
    *,
    trouble: Mapping[str, str],
) -> dict[str, object]:
    """One scenario as a result file has it: for each contender and step figures, then rounds."""

    def step(nth: int, seen: Sequence[dict[str, object]]) -> dict[str, object]:
        return {
            "step": scenario.steps[nth]["step"] if scenario.steps else None,
            "figures": {row.label: row.as_json() for row in rows(scenario, seen)},
            "notes": notes(seen),
            "rounds": list(seen),
        }

    return {
        "about": scenario.about,
        "load": list(scenario.load),
        "step_unit": scenario.step_unit,
        "trouble": dict(trouble),
        "contenders": {
            name: [step(nth, seen) for nth, seen in enumerate(steps) if seen]
            for name, steps in rounds.items()
        },
    }
