"""A result file read: who took part, and each figure of each scenario."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, cast

from tree import at, number, words

if TYPE_CHECKING:
    from pathlib import Path

RIVER = "river"
LIMIT = "limit"


@dataclass(frozen=True)
class Seen:
    """One figure of one contender over its rounds."""

    name: str
    middle: float
    low: float
    high: float
    unit: str
    at_most: bool

    def beats(self, other: Seen) -> bool:
        """Whether this is the better of two."""
        return self.middle < other.middle if self.at_most else self.middle > other.middle

    def times_better(self, other: Seen) -> float:
        """How many times better this is; below 1: it is worse."""
        mine, theirs = (other.middle, self.middle) if self.at_most else (self.middle, other.middle)
        return mine / theirs if theirs else float("inf") if mine else 1.0


@dataclass(frozen=True)
class Outcome:
    """What one run of the bench found.

    Attributes:
        tree: The file as it stands.
    """

    tree: dict[str, object]

    @classmethod
    def read(cls, path: Path) -> Outcome:
        """The outcome that a result file holds."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    @cached_property
    def contenders(self) -> dict[str, dict[str, object]]:
        """Everyone who was asked to take part."""
        return cast("dict[str, dict[str, object]]", self.tree["contenders"])

    @property
    def short(self) -> bool:
        """Whether it was the short form."""
        return at(self.tree, "form.short") is True

    @cached_property
    def scenarios(self) -> list[str]:
        """What was run, in that order."""
        return list(cast("dict[str, object]", self.tree["scenarios"]))

    def title(self, name: str) -> str:
        """How a contender is called."""
        return str(self.contenders[name]["title"]) if name in self.contenders else name

    def about(self, scenario: str) -> str:
        """A scenario in one line."""
        return str(at(self.tree, f"scenarios.{scenario}.about") or "")

    def source(self, scenario: str) -> str:
        """Which commit a scenario's figures are of, and when they were taken."""
        of = (str(at(self.tree, f"scenarios.{scenario}.{name}") or "") for name in ("commit", "at"))
        return ", ".join(part[:16] for part in of if part)

    def names(self, scenario: str) -> list[str]:
        """Those of whom there are figures, in the order in which they took turns."""
        found = at(self.tree, f"scenarios.{scenario}.contenders") or {}
        return [name for name, steps in cast("dict[str, list[object]]", found).items() if steps]

    def _steps(self, scenario: str, name: str) -> list[dict[str, object]]:
        found = at(self.tree, f"scenarios.{scenario}.contenders.{name}") or []
        return cast("list[dict[str, object]]", found)

    def steps(self, scenario: str, name: str) -> list[float]:
        """The sizes at which one was seen; empty for a scenario without steps."""
        found = (number(one, "step") for one in self._steps(scenario, name))
        return [step for step in found if step is not None]

    def seen(self, scenario: str, label: str, *, step: float | None = None) -> dict[str, Seen]:
        """A figure of everybody, by name."""
        found: dict[str, Seen] = {}
        for name in self.names(scenario):
            for one in self._steps(scenario, name):
                figure = at(one, "figures")
                value = cast("dict[str, object]", figure).get(label) if figure else None
                if number(one, "step") == step and value is not None:
                    found[name] = Seen(
                        name,
                        number(value, "median") or 0.0,
                        number(value, "min") or 0.0,
                        number(value, "max") or 0.0,
                        str(at(value, "unit") or ""),
                        at(value, "at_most") is True,
                    )
        return found

    def labels(self, scenario: str, *, step: float | None = None) -> list[str]:
        """The figures of a scenario, the first one being its own."""
        found: dict[str, None] = {}
        for name in self.names(scenario):
            for one in self._steps(scenario, name):
                if number(one, "step") == step:
                    found.update(dict.fromkeys(cast("dict[str, object]", at(one, "figures") or {})))
        return list(found)

    def rounds(self, scenario: str, name: str, *, step: float | None = None) -> list[object]:
        """Everything that was seen of one, round by round."""
        for one in self._steps(scenario, name):
            if number(one, "step") == step:
                return cast("list[object]", one["rounds"])
        return []

    def disturbed(self, scenario: str) -> float:
        """How many cores other programs had in the middle round of a scenario."""
        seen = [
            (number(one, "machine.others") or 0.0) + (number(one, "machine.stolen") or 0.0)
            for name in self.names(scenario)
            for step in self._steps(scenario, name)
            for one in cast("list[object]", step["rounds"])
        ]
        return median(seen) if seen else 0.0

    def trouble(self, scenario: str) -> dict[str, str]:
        """Who could not go on, and why."""
        found = at(self.tree, f"scenarios.{scenario}.trouble") or {}
        return cast("dict[str, str]", found)

    def notes(self, scenario: str) -> list[str]:
        """What a reader must know, each once, with the contender's name."""
        said = (
            f"{self.title(name)}: {note}"
            for name in self.names(scenario)
            for one in self._steps(scenario, name)
            for note in words(one, "notes")
        )
        return list(dict.fromkeys(said))


def best(found: dict[str, Seen], *, without: frozenset[str] = frozenset()) -> Seen | None:
    """The best of all peers: neither River nor the machine's own bound."""
    leader: Seen | None = None
    for one in found.values():
        is_peer = one.name not in (RIVER, LIMIT) and one.name not in without
        if is_peer and (leader is None or one.beats(leader)):
            leader = one
    return leader
