"""Does faults in a network and with mounts of their own: nothing outside sees any of it.

A process of the table is started once more, in namespaces that end with it.
"""

import asyncio
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from cluster import FaultOutcome
from riverd.commands.verify.checker import BrokenRule

PROGRAM = Path(__file__).resolve().parent / "every_fault.py"
APART = ("unshare", "--map-root-user", "--net", "--mount", "--")
TRIED_S_MAX = 10


@dataclass
class ApartFindings:
    """What was found out apart."""

    outcomes: list[FaultOutcome]
    wrong: list[BrokenRule]

    def packed(self) -> bytes:
        """For the process that started this one."""
        return msgspec.json.encode(self)


@cache
def why_not_apart(*command: str) -> str:
    """Why there are no such namespaces, or why this cannot be done in them; "" if it can."""
    tried = [*APART, *(command or ("true",))]
    try:
        done = subprocess.run(
            tried, capture_output=True, text=True, check=False, timeout=TRIED_S_MAX
        )
    except OSError as error:
        return str(error)
    if not done.returncode:
        return ""
    return f"{' '.join(tried)}: {done.stderr.strip() or done.returncode}"


async def suffer_apart(names: list[str], clients: int) -> ApartFindings:
    """Do these faults, each to the cluster of its group, in namespaces of their own.

    Raises:
        RuntimeError: the process did not come to its end.
    """
    only = [word for name in names for word in ("--only", name)]
    command = [*APART, sys.executable, str(PROGRAM), "--apart", "--clients", str(clients), *only]
    started = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        told, _ = await started.communicate()
    finally:
        if started.returncode is None:
            started.kill()
    if started.returncode:
        raise RuntimeError(f"{names}: the process apart ended with {started.returncode}")
    return msgspec.json.decode(told, type=ApartFindings)


def connect_loopback() -> None:
    """A new network has not even that."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
