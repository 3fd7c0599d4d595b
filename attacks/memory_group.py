"""A control group with a limit on memory, where the machine lets one be made."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PARENTS = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
_LIMITS = ("memory.limit_in_bytes", "memory.max")


@contextmanager
def limited(pid: int, memory_bytes: int) -> Iterator[bool]:
    """Kill a process when it takes more memory from now on; whether that could be arranged."""
    for parent in _PARENTS:
        group = parent / f"river-attacks-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            name = next((one for one in _LIMITS if (group / one).exists()), None)
            if name is not None and _arranged(group, name, pid=pid, memory_bytes=memory_bytes):
                yield True
                return
        finally:
            # The process has ended, or was never there.
            with suppress(OSError):
                group.rmdir()
    yield False


def _arranged(group: Path, limit: str, *, pid: int, memory_bytes: int) -> bool:
    try:
        (group / limit).write_text(str(memory_bytes), encoding="ascii")
        (group / "cgroup.procs").write_text(str(pid), encoding="ascii")
    except OSError:
        return False
    return True
