"""Clocks, disks, limits and networks of River's processes and of Redis that are out of order."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from full_disk import DISK_FAULTS
from machine_faults import MACHINE_FAULTS
from network_faults import NETWORK_FAULTS

CHAOS = Path(__file__).resolve().parents[1]
RUN_S_MAX = 400
# Each of its own kind; the others are in `make chaos` alone.
RUNS = {
    "machine": list(MACHINE_FAULTS)[1:2],
    "disk": list(DISK_FAULTS),
    "network": list(NETWORK_FAULTS)[::6],
}


@pytest.fixture(scope="module")
def done() -> dict[str, subprocess.CompletedProcess[str]]:
    # They mostly wait: together they take hardly longer than one.
    with ThreadPoolExecutor() as pool:
        return dict(zip(RUNS, pool.map(table_with, RUNS.values()), strict=True))


def table_with(names: list[str]) -> subprocess.CompletedProcess[str]:
    only = [word for name in names for word in ("--only", name)]
    return subprocess.run(
        [sys.executable, str(CHAOS / "every_fault.py"), "--clients", "12", *only],
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )


@pytest.mark.parametrize("kind", list(RUNS))
def test_nothing_is_lost_and_nobody_is_told_so(
    done: dict[str, subprocess.CompletedProcess[str]], kind: str
) -> None:
    run = done[kind]
    print(run.stdout)  # the figures
    assert run.returncode == 0, run.stderr[-4000:]
    if "skipped: " in run.stderr:
        pytest.skip(run.stderr)
    for name in RUNS[kind]:
        assert f"| {name} | 0 | 0 | 0 | 0 |" in run.stdout
