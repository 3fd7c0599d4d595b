"""Attacks in their short form: River bears each, and what they measure is there."""

import re
import subprocess
import sys
from pathlib import Path

ATTACKS = Path(__file__).resolve().parents[1]
RUN_S_MAX = 200
BRIEF = ("--seconds", "1.5", "--scale", "0.1")
SHORT = [
    "full histories that nobody reads",
    "one user collects channels",
]
ROW = re.compile(r"^\| (.+?) \| [\d,]+ \| \d+ MiB \| \d+ ms \| .+ \|$", re.MULTILINE)


def test_attacks_cost_nobody_but_the_attacker() -> None:
    wanted = [text for name in SHORT for text in ("--only", name)]
    done = subprocess.run(
        [sys.executable, str(ATTACKS / "every_attack.py"), *BRIEF, *wanted],
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )
    print(done.stdout)  # the figures
    assert ROW.findall(done.stdout) == SHORT, done.stderr[-4_000:]
    assert done.returncode == 0, done.stderr[-4_000:]
