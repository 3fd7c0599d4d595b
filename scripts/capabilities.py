"""Writes protocol/cases/clients.md from runs of protocol/cases; with --check only compares."""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "protocol" / "cases" / "clients.md"
PYTHON_RUN = ROOT / "clients" / "python" / "tests" / "case_runner.py"

HEAD = """# What the clients do

Every client library runs the conversations of `protocol/cases` against a
real server, and fails none. Written from those runs by `scripts/capabilities.py`.
"""
WHY_NOT = """
## Why not all of them

| what the client does otherwise | JavaScript | Python |
|---|---|---|"""
NOT_APPLICABLE = "not applicable: "


@dataclass(frozen=True)
class Run:
    """What one client made of the cases, by file and name."""

    client: str
    cases: dict[str, dict[str, str]]


def page(runs: list[Run]) -> str:
    """The whole page, in Markdown."""
    counts = [Counter(_reasons(run)) for run in runs]
    rows = [
        f"| {why} | {' | '.join(str(count[why]) for count in counts)} |"
        for why in sorted({*counts[0], *counts[1]})
    ]
    return "\n".join([HEAD, *_totals(runs), WHY_NOT, *rows]) + "\n"


def _reasons(run: Run) -> Iterator[str]:
    """Why a client does not hold conversations, each as often as there are of them."""
    for results in run.cases.values():
        for result in results.values():
            if result.startswith(NOT_APPLICABLE):
                yield result.removeprefix(NOT_APPLICABLE)
            elif result != "passed":
                raise SystemExit(f"a client did not pass: {result}")


def _totals(runs: list[Run]) -> list[str]:
    lines = ["| conversations held | JavaScript | Python |", "|---|---|---|"]
    for file in runs[0].cases:
        results = [run.cases[file].values() for run in runs]
        cells = [f"{sum(one == 'passed' for one in each)} of {len(each)}" for each in results]
        lines.append(f"| {file} | {' | '.join(cells)} |")
    return lines


def run_of(kept: Path | None, command: list[str], **environment: str) -> Run:
    """What a client's run told, or tells now."""
    if kept is not None:
        return _read(kept.read_text(encoding="utf-8"))
    done = subprocess.run(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True, text=True
    )
    return _read(done.stdout)


def _read(text: str) -> Run:
    told = json.loads(text)
    return Run(str(told["client"]), cast("dict[str, dict[str, str]]", told["cases"]))


def main() -> None:
    """Write the page, or see that nothing is to be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--javascript", type=Path, help="a file with the JavaScript client's run")
    parser.add_argument("--python", type=Path, help="a file with the Python client's run")
    given = parser.parse_args()
    npm = ["npm", "--prefix", str(ROOT / "clients" / "js"), "run", "--silent", "cases"]
    python = [sys.executable, str(PYTHON_RUN)]
    text = page(
        [
            run_of(given.javascript, npm),
            run_of(given.python, python, PYTHONPATH=str(ROOT / "server" / "tests" / "support")),
        ]
    )
    if not given.check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
    elif text != PAGE.read_text(encoding="utf-8"):
        raise SystemExit(f"{PAGE.name} is not what the runs say: run scripts/capabilities.py")


if __name__ == "__main__":
    main()
