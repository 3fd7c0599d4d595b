"""What the kernel says of a process: its memory and the CPU time it used."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_UTIME = 11  # places behind the command's name, proc(5)
_STIME = 12


def rss_kib(pid: int) -> int:
    """Resident memory in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def cpu_s(pid: int) -> float:
    """CPU seconds used so far, user and system, all threads."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / TICKS_PER_S


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
