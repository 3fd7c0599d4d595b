"""A little of the fuzz of the Lua scripts: they answer, fail clearly, leave nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ATTACKS = Path(__file__).resolve().parents[1]
RUN_S_MAX = 150
ROW = re.compile(r"^Lua scripts: ([\d,]+) calls, 0 crashes, [\d,]+ refused$", re.MULTILINE)


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ATTACKS,
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )


def test_scripts_take_whatever_names_offsets_and_damage_there_are() -> None:
    done = run_python("fuzz_scripts.py", "--seconds", "5")
    print(done.stdout)  # the figures
    assert done.returncode == 0, done.stderr[-4_000:]
    found = ROW.search(done.stdout)
    assert found is not None
    assert int(found[1].replace(",", "")) >= 4_000


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("await self.node._server.commands([('SET', 'elsewhere', 1, 'EX', 9)])", "none of River"),
        ("await self.node._server.commands([('SET', 'river:x', 1)])", "would stay for good"),
        ("await self.node._server.commands([('EVAL', 'return 1 + {}', 0)])", "user_script"),
        ("int(b'x')", "ValueError"),
    ],
)
def test_fuzz_of_the_scripts_finds(call: str, said: str) -> None:
    done = run_python(
        "-c",
        "import asyncio, fuzz_scripts\n"
        f"async def planted(self):\n    {call}\n"
        "fuzz_scripts.ScriptCalls.rules = planted\n"
        "found = asyncio.run(fuzz_scripts.fuzz_scripts(0, 1, only=0))\n"
        "print(*found.crashes)\n",
    )
    assert said in done.stdout, done.stderr[-2_000:]
