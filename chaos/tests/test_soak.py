"""The soak: its judgement of slopes, and a short run of the whole."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from curves import curves
from slopes import GrowthLimit, growth, growths

SOAK = Path(__file__).resolve().parents[1] / "soak.py"
SECONDS = 15
LIMIT = GrowthLimit(0.05, 4.0)


def noise(number: int) -> float:
    return random.Random(number).uniform(-3, 3)


def test_a_leak_shows_through_noise() -> None:
    found = growth("MiB", [60 + 0.02 * n + noise(n) for n in range(600)], LIMIT)
    assert not found.is_steady
    assert 6 < found.growth < 9


@pytest.mark.parametrize(
    "series",
    [
        [60 + noise(n) for n in range(600)],
        # Memory that is used for the first time is new, and then stays.
        [min(60.0, 20 + n) + noise(n) for n in range(600)],
        # One peak, however high and however near to the end.
        [60 + noise(n) + 500 * (550 < n < 560) for n in range(600)],
        [60.0],
    ],
    ids=["flat", "warm-up", "peak", "one sample"],
)
def test_what_does_not_grow_is_steady(series: list[float]) -> None:
    assert growth("MiB", series, LIMIT).is_steady


def test_limits_are_found_by_the_unit() -> None:
    series = [float(n) for n in range(100)]
    found = growths(
        {"Redis keys": series, "API MiB": series}, {"keys": GrowthLimit(0, 1e9), "MiB": LIMIT}
    )
    assert [one.is_steady for one in found] == [True, False]


def test_curves_begin_at_zero() -> None:
    drawing = curves({"gateway MiB": [50.0, 100.0]}, hours=1)
    assert 'points="150.0,37.0 630.0,14.0"' in drawing


def test_a_short_run_is_steady() -> None:
    done = subprocess.run(
        [sys.executable, str(SOAK), "--hours", str(SECONDS / 3_600), "--per-s", "8"],
        capture_output=True,
        text=True,
        timeout=SECONDS + 120,
        check=False,
    )
    print(done.stdout)  # the figures
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    assert "| gateway 1 MiB |" in done.stdout
    assert "; 0 deliveries" not in done.stdout
