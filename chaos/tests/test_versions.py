"""The first version's processes beside this one's, upgraded and taken back under load."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from versions import FAULTS_OF_VERSIONS

CHAOS = Path(__file__).resolve().parents[1]
RUN_S_MAX = 400


def test_nothing_is_lost_while_two_versions_run_side_by_side() -> None:
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(run_of, FAULTS_OF_VERSIONS))
    for done in runs:
        print(done.stdout)  # the figures
        assert done.returncode == 0, done.stderr[-4000:]
    if any("skipped: " in done.stderr for done in runs):
        pytest.skip(runs[0].stderr)
    for name, done in zip(FAULTS_OF_VERSIONS, runs, strict=True):
        assert f"| {name} | 0 | 0 | 0 | 0 |" in done.stdout


def run_of(name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(CHAOS / "every_fault.py"), "--clients", "12", "--only", name],
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )
