"""Measure River beside the best: the same work for each, in turn, and one table."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import loader
from facts import facts
from keys import RunKeys
from measure import Size, one_round
from peers import CONTENDERS
from peers.contender import UnavailableError
from report import chapter, figures, page
from scenarios import SCENARIOS, Scenario
from storm import storm_round
from tree import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from peers.contender import Contender

    Round = dict[str, object]
    Tree = dict[str, object]

RESULTS = Path(__file__).resolve().parent / "results"
ROUNDS = 3
TRIES = 3
DISTURBED_CORES = 0.3


@dataclass(frozen=True)
class Form:
    """How long and how often everything runs."""

    size: Size
    rounds: int
    short: bool
    tries: int = 1

    def sized(self, scenario: Scenario) -> Scenario:
        """The scenario with the steps that this form takes."""
        short = tuple(scenario.steps[place] for place in scenario.steps_short)
        return replace(scenario, steps=short) if self.short and short else scenario


def disturbed(found: Round) -> float:
    """How many cores other programs had during a round."""
    return (number(found, "machine.others") or 0.0) + (number(found, "machine.stolen") or 0.0)


@dataclass
class Course:
    """One scenario on its way: the rounds of each contender, step by step.

    Attributes:
        rounds: By the contender's name, then by step, in order.
        trouble: What kept a contender from going on.
    """

    scenario: Scenario
    contenders: dict[str, Contender]
    rounds: dict[str, list[list[Round]]] = field(default_factory=dict[str, "list[list[Round]]"])
    trouble: dict[str, str] = field(default_factory=dict[str, str])

    def run(self, form: Form) -> None:
        """Every step; in each, all contenders in turn, as often as there are rounds.

        They take turns round by round, so that whatever the machine does meanwhile hits all alike.
        """
        going = dict(self.contenders)
        self.rounds = {name: [] for name in going}
        for step in self.scenario.steps or ({},):
            for name in going:
                self.rounds[name].append([])
            for nth in range(form.rounds):
                for name, contender in list(going.items()):
                    label = f" {step['step']:g} {self.scenario.step_unit}" if step else ""
                    print(
                        f"{self.scenario.name}{label}: {name}, round {nth + 1}",
                        file=sys.stderr,
                        flush=True,
                    )
                    if not self._one(contender, form, step=step):
                        del going[name]
            for name in list(going):
                if self._is_over(name):
                    del going[name]

    def _one(self, contender: Contender, form: Form, *, step: Mapping[str, float]) -> bool:
        size = replace(form.size, step=step)
        try:
            found = self._undisturbed(contender, size, tries=form.tries)
        except (RuntimeError, OSError) as error:
            print(f"{self.scenario.name}: {contender.name}: {error}", file=sys.stderr)
            self.trouble[contender.name] = str(error)[:300]
            return False
        self.rounds[contender.name][-1].append(found)
        return True

    def _undisturbed(self, contender: Contender, size: Size, *, tries: int) -> Round:
        """The round that other programs disturbed least; the first one that they left alone."""
        measured = storm_round if self.scenario.nodes > 1 else one_round
        found = measured(self.scenario, contender, keys=RunKeys(), size=size)
        while tries > 1 and disturbed(found) > DISTURBED_CORES:
            tries -= 1
            again = measured(self.scenario, contender, keys=RunKeys(), size=size)
            found = min(found, again, key=disturbed)
        return found

    def _is_over(self, name: str) -> bool:
        """Whether a larger step says no more: this one already is far over what can be used."""
        if len(self.rounds[name]) < self.scenario.steps_least:
            return False
        path, ceiling = self.scenario.step_ends
        seen = [number(one, path) or 0.0 for one in self.rounds[name][-1]] if path else []
        return bool(seen) and min(seen) > ceiling


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description=__doc__)
    parser.add_argument("scenario", nargs="*", help="which to run (all)")
    parser.add_argument("--peers", help=f"who takes part, comma-separated ({','.join(CONTENDERS)})")
    parser.add_argument("--short", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--rounds", type=int, help=f"how often each runs ({ROUNDS}, or 1)")
    parser.add_argument("--seconds", type=float, help="the length of a window")
    parser.add_argument(
        "--patience",
        type=float,
        help="seconds to wait for a quiet machine before each round, and repeat disturbed ones",
    )
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    parser.add_argument("--install", action="store_true", help="get all peers ready and end")
    parser.add_argument(
        "--record", action="store_true", help="put it into what is kept: results/recorded.json"
    )
    return parser.parse_args(words)


def _chosen(kind: str, names: list[str], *, known: list[str]) -> list[str]:
    unknown = [name for name in names if name not in known]
    if unknown:
        print(
            f"no such {kind}: {', '.join(unknown)} (there are: {', '.join(known)})", file=sys.stderr
        )
        raise SystemExit(2)
    return names or known


def _installed(names: list[str]) -> tuple[dict[str, Contender], dict[str, dict[str, object]]]:
    """Those that can be had, and what a result says of each."""
    ready: dict[str, Contender] = {}
    told: dict[str, dict[str, object]] = {}
    for name in names:
        contender = CONTENDERS[name]
        print(f"{name}: getting it ready", file=sys.stderr, flush=True)
        told[name] = {"title": contender.title, "differs": list(contender.differs)}
        try:
            told[name]["version"] = contender.install()
            ready[name] = contender
        except UnavailableError as error:
            told[name]["skipped"] = str(error)
            print(f"{name}: skipped: {error}", file=sys.stderr)
    return ready, told


def fits(scenario: Scenario, contender: Contender) -> bool:
    """Whether a contender takes part in a scenario."""
    if scenario.only:
        return contender.name in scenario.only
    lacks_limit = contender.name == "limit" and not scenario.server_options
    return scenario.needs <= contender.offers and not lacks_limit


@dataclass
class RunResult:
    """What a run leaves: written after each scenario, so that a broken one leaves something."""

    form: Form
    told: dict[str, dict[str, object]]
    found: dict[str, object] = field(default_factory=dict[str, object])
    known: dict[str, object] = field(default_factory=facts)

    @property
    def path(self) -> Path:
        """A file of its own for each run."""
        moment = str(self.known["at"]).replace(":", "").replace("+0000", "Z")
        return RESULTS / f"{moment}-{str(self.known['commit']).rstrip('+')}.json"

    def add(self, name: str, found: dict[str, object]) -> None:
        """One scenario's outcome, with the commit and the time that it is of."""
        of = {"commit": self.known["commit"], "at": self.known["at"]}
        self.found[name] = {**of, **found}

    def write(self, path: Path) -> None:
        """Everything so far."""
        size = self.form.size
        form = {"seconds": size.seconds, "rounds": self.form.rounds, "short": self.form.short}
        result = {"facts": self.known, "form": form}
        path.parent.mkdir(exist_ok=True)
        _write(path, {**result, "contenders": self.told, "scenarios": self.found})


def _write(path: Path, tree: Tree) -> None:
    path.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")


def merged(kept: Tree, new: Tree) -> Tree:
    """A kept result with what was run anew in the place of what it had of the same names."""
    parts = {
        name: {**_part(kept, name), **_part(new, name)} for name in ("contenders", "scenarios")
    }
    return {**new, **parts}


def _part(tree: Tree, name: str) -> Tree:
    found = tree.get(name)
    return cast("Tree", found) if isinstance(found, dict) else {}


def record(result: Path) -> None:
    """Put a result into the one that is kept, and draw its report and chapter anew."""
    kept = RESULTS / "recorded.json"
    before: Tree = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    _write(kept, merged(before, json.loads(result.read_text(encoding="utf-8"))))
    page.main([])
    chapter.main([])


def _form(asked: argparse.Namespace) -> Form:
    short: bool = asked.short
    size = Size(
        seconds=asked.seconds or (2.0 if short else 5.0),
        # The long one has a ping to each client in it.
        rest=3.0 if short else 30.0,
        quiet_s=asked.patience or (2.0 if short else 15.0),
    )
    tries = TRIES if asked.patience else 1
    return Form(
        size=size, rounds=asked.rounds or (1 if short else ROUNDS), short=short, tries=tries
    )


def main(words: list[str] | None = None) -> int:
    """Run what was asked for. 1 when River could not be run; a missed goal is no failure."""
    asked = _arguments(words)
    if asked.list:
        for scenario in SCENARIOS:
            print(f"{scenario.name:20} {scenario.about}")
        return 0
    known = [scenario.name for scenario in SCENARIOS]
    names = _chosen("scenario", asked.scenario, known=known)
    wanted = asked.peers.split(",") if asked.peers else []
    ready, told = _installed(_chosen("peer", wanted, known=list(CONTENDERS)))
    if asked.install:
        return 0
    form = _form(asked)
    loader.build()
    result = RunResult(form, told)
    failed = False
    for scenario in (form.sized(one) for one in SCENARIOS if one.name in names):
        course = Course(scenario, {n: c for n, c in ready.items() if fits(scenario, c)})
        if course.contenders:
            course.run(form)
            failed = failed or "river" in course.trouble
            outcome = figures.as_json(scenario, course.rounds, trouble=course.trouble)
            result.add(scenario.name, outcome)
            print(figures.table(scenario, course.rounds), flush=True)
            result.write(result.path)
    if asked.record:
        record(result.path)
    page.main([str(result.path), "--to", str(result.path.with_suffix(".html"))])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
