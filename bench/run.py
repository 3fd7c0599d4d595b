"""Measure River: start it, load it, print the figures beside their goals."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import loader
import report
from facts import commit, facts
from keys import Keys
from measure import one_round
from scenarios import SCENARIOS, Scenario

RESULTS = Path(__file__).resolve().parent / "results"
ROUNDS = 5
SECONDS = 5.0
SECONDS_SHORT = 3.0


@dataclass(frozen=True)
class Form:
    """How long and how often everything runs."""

    seconds: float
    rounds: int
    short: bool

    def rounds_of(self, scenario: Scenario) -> int:
        """The short form repeats long scenarios less often."""
        return min(self.rounds, scenario.rounds_short) if self.short else self.rounds


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    parser.add_argument("scenario", nargs="*", help="which to run (all)")
    parser.add_argument("--short", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--rounds", type=int, help=f"how often each runs ({ROUNDS}, short: 3)")
    parser.add_argument("--seconds", type=float, help="the length of a window")
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    parser.add_argument(
        "--record", action="store_true", help="also write results/recorded.json, which is kept"
    )
    return parser.parse_args(words)


def _chosen(names: list[str]) -> list[Scenario]:
    known = {scenario.name: scenario for scenario in SCENARIOS}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no such scenario: {', '.join(unknown)} (see --list)", file=sys.stderr)
        raise SystemExit(2)
    return [known[name] for name in names] or list(SCENARIOS)


def _run(scenario: Scenario, form: Form) -> list[dict[str, object]]:
    """Every round that could be run; a failed one is told and left out."""
    rounds: list[dict[str, object]] = []
    for nth in range(form.rounds_of(scenario)):
        print(f"{scenario.name}: round {nth + 1}", file=sys.stderr, flush=True)
        try:
            rounds.append(one_round(scenario, Keys(), seconds=form.seconds))
        except RuntimeError as error:
            print(f"{scenario.name}: {error}", file=sys.stderr)
            break
    return rounds


def _write(found: dict[str, object], form: Form, *, record: bool) -> Path:
    known = facts()
    result = {
        "facts": known,
        "form": {"seconds": form.seconds, "rounds": form.rounds, "short": form.short},
        "scenarios": found,
    }
    text = json.dumps(result, indent=1) + "\n"
    moment = str(known["at"]).replace(":", "").replace("+0000", "Z")
    path = RESULTS / f"{moment}-{commit().rstrip('+')}.json"
    RESULTS.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    if record:
        (RESULTS / "recorded.json").write_text(text, encoding="utf-8")
    return path


def main(words: list[str] | None = None) -> int:
    """Run what was asked for. 1 when a scenario could not be run; a missed goal is no failure."""
    asked = _arguments(words)
    if asked.list:
        for scenario in SCENARIOS:
            print(f"{scenario.name:15} {scenario.about}")
        return 0
    chosen = _chosen(asked.scenario)
    form = Form(
        seconds=asked.seconds or (SECONDS_SHORT if asked.short else SECONDS),
        rounds=asked.rounds or (3 if asked.short else ROUNDS),
        short=asked.short,
    )
    loader.build()
    found: dict[str, object] = {}
    for scenario in chosen:
        rounds = _run(scenario, form)
        if rounds:
            found[scenario.name] = report.as_json(scenario, rounds)
            print(report.table(scenario, rounds), flush=True)
    print(f"written: {_write(found, form, record=asked.record).relative_to(RESULTS.parent.parent)}")
    return 0 if len(found) == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
