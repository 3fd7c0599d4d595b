"""A little of the fuzz: what reads strangers' bytes raises nothing that it does not promise."""

import re
import subprocess
import sys
from pathlib import Path

ATTACKS = Path(__file__).resolve().parents[1]
RUN_S_MAX = 100
ROW = re.compile(r"^.+: ([\d,]+) inputs, 0 crashes, slowest \d+ us$", re.MULTILINE)
TARGETS = 13


def test_nothing_crashes_that_reads_what_strangers_send() -> None:
    done = subprocess.run(
        [sys.executable, str(ATTACKS / "fuzz.py"), "--seconds", "3"],
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )
    print(done.stdout)  # the figures
    assert done.returncode == 0, done.stderr[-4_000:]
    counts = [int(count.replace(",", "")) for count in ROW.findall(done.stdout)]
    assert len(counts) == TARGETS
    assert min(counts) > 0


def test_what_raises_something_else_is_a_crash() -> None:
    program = (
        "import asyncio, fuzz\n"
        "async def main():\n"
        "    target = fuzz.FuzzTarget('x', bytes.decode, (), [b'\\xff', b'abc'])\n"
        "    return fuzz.fuzz(target, seconds=0.2, seed=1)\n"
        "found = asyncio.run(main())\n"
        "assert 0 < found.crashes < found.inputs, found\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ATTACKS,
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
