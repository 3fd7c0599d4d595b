"""Fuzzes by coverage: inputs that reach new code are changed further (`make fuzz-guided`).

    python attacks/guided.py --seconds 600 [--only heads] [--write]

What it keeps goes into `corpus/`, from which `make fuzz` and the tests begin. An input that raises
what is not promised is printed and ends the run of its target. It needs atheris, as libFuzzer ends
its process: each target has one of its own.
"""

import argparse
import asyncio
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from corpus import keep, kept

INPUT_BYTES_MAX = 4096
KEPT_MAX = 250
CHILD = "--child"
TARGETS = "fuzz"
"""The module that has them: imported only where the code is instrumented."""


def main() -> int:
    """Fuzz all targets one after the other; 1 if something crashed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all of it together")
    parser.add_argument("--only", action="append", help="this target alone")
    parser.add_argument("--write", action="store_true", help="keep what was found in the corpus")
    wanted = parser.parse_args()
    targets = importlib.import_module(TARGETS).TARGETS
    names = wanted.only or [target.name for target in targets]
    valid = {target.name: target.valid for target in targets}
    failed = False
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            for number, data in enumerate([*valid[name], *kept(name)]):
                (Path(folder) / str(number)).write_bytes(data)
            limit = f"-max_total_time={max(1, wanted.seconds // len(names))}"
            done = _run(name, [folder, limit, f"-max_len={INPUT_BYTES_MAX}"])
            print(f"{name}: {_summary(done.stderr)}", flush=True)
            if done.returncode:
                failed = True
                print(done.stdout[-2_000:], done.stderr[-4_000:], file=sys.stderr)
            elif wanted.write:
                reached = {one.read_bytes() for one in Path(folder).iterdir()}
                keep(name, sorted(reached - set(valid[name]), key=len)[:KEPT_MAX])
    return int(failed)


def _run(name: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, __file__, CHILD, name, *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _summary(log: str) -> str:
    """What libFuzzer says last of how much it tried and reached."""
    lines = [line for line in log.splitlines() if " cov: " in line or line.startswith("Done ")]
    return "; ".join(line.strip() for line in lines[-2:])


def _child(name: str, arguments: list[str]) -> None:
    import atheris  # noqa: PLC0415  it is installed for this alone

    with atheris.instrument_imports(include=["riverd"]):
        module = importlib.import_module(TARGETS)
    target = next(one for one in module.TARGETS if one.name == name)

    def read(data: bytes) -> None:
        with suppress(*target.promised):
            target.read(data)

    atheris.Setup([sys.argv[0], *arguments], read)
    asyncio.run(_fuzz(atheris.Fuzz))


async def _fuzz(fuzz: Callable[[], None]) -> None:
    """Within a loop, as some targets set timers; it never returns."""
    fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        _child(sys.argv[2], sys.argv[3:])
    sys.exit(main())
