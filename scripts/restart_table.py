"""Restarts gateways behind each balancer file of deploy/, and tells what 300 clients saw of it.

    .venv/bin/python scripts/restart_table.py --write

writes that into docs/operating.md. Nothing else should run meanwhile.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "deploy" / "tests"), str(ROOT / "chaos")]

from cloud_balancers import ALL_BALANCERS  # noqa: E402  it is found now
from rolling_restart import Restart, restart, town  # noqa: E402

PAGE = ROOT / "docs" / "operating.md"
MARKS = "<!-- rolling restart -->", "<!-- /rolling restart -->"
HEAD = """
| file | longest wait | median of clients' longest | refused attempts | gaps | lost |
|---|---|---|---|---|---|
"""
STALLED_S_MAX = 0.5


def measured() -> str:
    """The table, over all balancer files."""
    rows: list[str] = []
    for name, make in ALL_BALANCERS.items():
        with tempfile.TemporaryDirectory() as folder, town(make, Path(folder)) as of:
            seen = asyncio.run(restart(of))
        rows.append(row(name, seen))
        print(rows[-1], end="")
        if seen.stalled_s > STALLED_S_MAX:
            print(f"  this machine was busy: for {seen.stalled_s:.1f} s no client was served")
    return HEAD + "".join(rows)


def row(name: str, seen: Restart) -> str:
    """A line of the table."""
    median = sorted(seen.waits_s)[len(seen.waits_s) // 2]
    refusals = ", ".join(f"{count} x {kind}" for kind, count in seen.refusals.most_common())
    figures = f"{seen.longest_s * 1000:.0f} ms | {median * 1000:.0f} ms | {refusals or 'none'}"
    return f"| {name} | {figures} | {seen.gaps} | {seen.lost + seen.behind} |\n"


def main() -> int:
    """Measure, and show it or write it into the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name}")
    writes = parser.parse_args().write
    table = measured()
    if writes:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
        after = rest.partition(MARKS[1])[2]
        PAGE.write_text(f"{before}{MARKS[0]}{table}{MARKS[1]}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
