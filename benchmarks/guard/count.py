"""Runs the paths under callgrind and reads what it counted: instructions for each time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from guard.worker import paths

HERE = Path(__file__).resolve().parent
DEADLINE_S = 900
# A fixed environment: its size moves the stack, hash seeds move dictionaries.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

_TRIGGER = re.compile(r"^desc: Trigger: Client Request: (\S+)\*([12])$", re.MULTILINE)
_TOTALS = re.compile(r"^(?:totals|summary): (\d+)$", re.MULTILINE)


class CountError(Exception):
    """Nothing could be counted; the message says why and what helps."""


def count(names: Sequence[str] = (), *, planted: Path | None = None) -> Mapping[str, float]:
    """Instructions that each path takes for one time, by name.

    `planted` is a script that is run before, to spoil what is to be counted.

    Raises:
        CountError: there is no valgrind or no compiler, or a path fails.
    """
    with tempfile.TemporaryDirectory(prefix="river-guard-") as folder:
        library = _built(Path(folder))
        plant = "" if planted is None else str(planted)
        _started(Path(folder), [str(library), plant, *names])
        totals = _totals(Path(folder))
    times = {path.name: path.times for path in paths(names)}
    return {name: (totals[name, 2] - totals[name, 1]) / times[name] for name in times}


def _built(folder: Path) -> Path:
    library = folder / "mark.so"
    _run(
        ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(HERE / "mark.c")],
        cure="it needs a C compiler and valgrind's headers: `make .setup/system` installs both",
    )
    return library


def _started(folder: Path, arguments: Sequence[str]) -> None:
    command = [
        *("valgrind", "--tool=callgrind", "--instr-atstart=no", "--trace-children=no"),
        f"--callgrind-out-file={folder}/out",
        *(sys.executable, "-m", "guard.worker", *arguments),
    ]
    _run(command, cure="it needs valgrind: `make .setup/system` installs it")


def _run(command: Sequence[str], *, cure: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=HERE.parent,
            env={**ENVIRONMENT, **_kept()},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
    except FileNotFoundError:
        raise CountError(f"{command[0]} is missing; {cure}") from None
    except subprocess.TimeoutExpired:
        raise CountError(f"{command[0]} took longer than {DEADLINE_S} s") from None
    if done.returncode != 0:
        raise CountError(f"{' '.join(command[:2])} failed; {cure}\n{done.stderr}")


def _kept() -> dict[str, str]:
    """What a Python that is not the system's may need to find its libraries."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


def _totals(folder: Path) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    for dump in folder.glob("out.*"):
        text = dump.read_text(encoding="utf-8", errors="replace")
        trigger, totals = _TRIGGER.search(text), _TOTALS.findall(text)
        if trigger is not None:
            key, count = (trigger[1], int(trigger[2])), int(totals[-1])
            # What happens once in a while only adds.
            found[key] = min(count, found.get(key, count))
    return found
