"""Writes docs/clients/capabilities.md from runs of protocol/cases; with --check only compares."""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "clients" / "capabilities.md"
CASES = ROOT / "protocol" / "cases"
PYTHON_RUN = ROOT / "clients" / "python" / "tests" / "case_runner.py"

HEAD = """# What the clients do

Every client library runs the conversations of [protocol/cases](../protocol-cases.md) against a
real server, and fails none. Written from those runs by `scripts/capabilities.py`.

Below are those that do not concern every client: a letter gives the [reason](#why-not), **yes** is
a pass.
"""


@dataclass(frozen=True)
class Run:
    """What one client made of the cases, by file and name."""

    client: str
    cases: dict[str, dict[str, str]]


class Reasons:
    """Letters for reasons, in the order in which they come up."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def cell(self, result: str) -> str:
        """What stands in the table."""
        if result == "passed":
            return "yes"
        why = result.removeprefix("not applicable: ")
        if why == result:
            raise SystemExit(f"a client did not pass: {result}")
        return self._letters.setdefault(why, chr(ord("a") + len(self._letters)))

    def lines(self) -> list[str]:
        """A table of them."""
        rows = [f"| {letter} | {why} |" for why, letter in self._letters.items()]
        return ["## Why not", "", "| | |", "|---|---|", *rows]


def page(runs: list[Run]) -> str:
    """The whole page, in Markdown."""
    reasons = Reasons()
    lines = [HEAD, *_totals(runs)]
    for file in runs[0].cases:
        shown = [name for name in runs[0].cases[file] if not _all_hold(runs, file, name)]
        if not shown:
            continue
        about = json.loads((CASES / f"{file}.json").read_text(encoding="utf-8"))["about"]
        lines += ["", f"## {file.capitalize()}", "", str(about), "", *_head("conversation", runs)]
        for name in shown:
            cells = [reasons.cell(run.cases[file][name]) for run in runs]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *reasons.lines()]) + "\n"


def _all_hold(runs: list[Run], file: str, name: str) -> bool:
    return all(run.cases[file][name] == "passed" for run in runs)


def _all_held(runs: list[Run], file: str) -> bool:
    return all(_all_hold(runs, file, name) for name in runs[0].cases[file])


def _totals(runs: list[Run]) -> list[str]:
    lines = _head("conversations held", runs)
    for file in runs[0].cases:
        results = [run.cases[file].values() for run in runs]
        cells = [f"{sum(one == 'passed' for one in each)} of {len(each)}" for each in results]
        title = file if _all_held(runs, file) else f"[{file}](#{file})"
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def _head(first: str, runs: list[Run]) -> list[str]:
    names = [run.client.partition("(")[2].rstrip(")") for run in runs]
    return [f"| {first} | {' | '.join(names)} |", "|---" * (len(runs) + 1) + "|"]


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
