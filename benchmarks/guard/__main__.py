"""Holds the hot paths against the record, or records them: `make guard`, `make guard-record`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path as File

from guard.calibration import NAME as CALIBRATION
from guard.count import CountError, count
from guard.figures import Figures, here, load, recorded, save
from guard.path import Path
from guard.verdict import PathVerdict, judge
from guard.worker import paths


def report(verdicts: Sequence[PathVerdict]) -> str:
    """A table of all paths, and under it what is to be done."""
    lines = [f"{'path':20}{'instructions':>14}{'change':>9}{'allowed':>9}"]
    for one in verdicts:
        change = "new" if one.growth is None else f"{one.growth:+.1%}"
        line = f"{one.path:20}{one.count:14,.0f}{change:>9}{one.allowed:>+9.0%}"
        lines.append(f"{line}  {'GROWN' if one.has_grown else ''}".rstrip())
    against = sorted({one.against for one in verdicts if one.against})
    if against:
        lines.append(
            "Counted in another environment than recorded, compared in units of a program that "
            "never changes, and so more loosely: the record has " + "; ".join(against)
        )
        lines.append("`make guard-record` records this one too.")
    if any(one.growth is None for one in verdicts):
        lines.append("What is new is not recorded yet: `make guard-record`")
    if any(one.has_grown for one in verdicts):
        lines.append(
            "Grown paths cost every user. Make them lean again; or, if what they do now is worth "
            "it, `make guard-record` and say why in the commit."
        )
    return "\n".join(lines)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="guard", description=__doc__)
    parser.add_argument("path", nargs="*", help="only these")
    parser.add_argument("--record", action="store_true", help="keep the figures of all paths")
    parser.add_argument("--plant", type=File, help="a script to run before: spoil something")
    asked = parser.parse_args(words)
    known = {path.name for path in paths()}
    if unknown := set(asked.path) - known:
        parser.error(f"no such path: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if asked.record and (asked.path or asked.plant):
        parser.error("all paths are recorded together, and nothing spoiled")
    return asked


def _counted(chosen: Sequence[Path], planted: File | None) -> Figures:
    return here(count([path.name for path in chosen], planted=planted), chosen)


def main(words: Sequence[str] | None = None) -> int:
    """Count and compare: 1 when a path has grown or could not be counted."""
    asked = _arguments(words)
    chosen = [one for one in paths() if not asked.path or one.name in (*asked.path, CALIBRATION)]
    try:
        now = _counted(chosen, asked.plant)
    except CountError as error:
        print(f"guard: {error}", file=sys.stderr)
        return 1
    verdicts = judge(chosen, now, records=load())
    print(report(verdicts))
    if asked.record:
        save(recorded(load(), now))
        return 0
    return int(any(one.has_grown for one in verdicts))


if __name__ == "__main__":
    sys.exit(main())
