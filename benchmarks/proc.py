"""What the kernel says of a process: its memory and the CPU time it used."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# What a process has for itself. Of VmRSS, parts of its files come and go as the kernel pleases.
_RSS = ("RssAnon:", "RssShmem:")
_PARENT = 1
_UTIME = 11  # places behind the command's name, proc(5)
_STIME = 12


def family(pids: Iterable[int]) -> set[int]:
    """The processes and all that descend from them."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _stat(int(folder.name))
            parents[int(folder.name)] = int(fields[_PARENT]) if fields else 0
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def rss_kib(pids: Iterable[int]) -> int:
    """Resident memory of the processes together that is no file's, in KiB."""
    sizes = 0
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except OSError:
            continue
        sizes += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith(_RSS))
    return sizes


def _stat(pid: int) -> list[str]:
    """The fields behind the command's name, empty when the process has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return []
    return stat.rpartition(")")[2].split()


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds that the processes used so far, user and system, all threads."""
    fields = [found for pid in pids if (found := _stat(pid))]
    return sum(int(one[_UTIME]) + int(one[_STIME]) for one in fields) / TICKS_PER_S


def machine_cpu_s() -> tuple[float, float]:
    """CPU seconds that all cores worked so far, and those that the hypervisor kept for others."""
    line = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
    return (user + nice + system + irq + softirq) / TICKS_PER_S, steal / TICKS_PER_S


def children_cpu_s() -> float:
    """CPU seconds of all processes that this one started and saw end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pinned(core: int) -> list[str]:
    """The command's beginning that keeps it on one core; nothing where that cannot be had."""
    cores = sorted(os.sched_getaffinity(0))
    if shutil.which("taskset") is None or core >= len(cores):
        return []
    return ["taskset", "-c", str(cores[core])]
