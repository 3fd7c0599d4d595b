"""Does each path's work under callgrind, a mark before and after it. Started by `count`."""

from __future__ import annotations

import ctypes
import gc
import runpy
import sys
from collections.abc import Sequence

from guard import calibration
from guard.path import Path

ROUNDS = 2
BESIDE = "busy-"
"""How the names of those begin that are only done when they are asked for."""
PLANES = {"connect", "connect-user", "keep", "publish", "publish-http", "publish-batch"}


def paths(names: Sequence[str] = ()) -> list[Path]:
    """The named paths, or all; what they are made of is imported only if it is needed."""
    found: list[Path] = [calibration.PATH]
    if not names or set(names) - PLANES - {calibration.NAME}:
        from guard import core  # noqa: PLC0415  a quick look at one path starts quickly

        found += core.PATHS
    if not names or set(names) & PLANES:
        from guard import planes  # noqa: PLC0415

        found += planes.PATHS
    if any(name.startswith(BESIDE) for name in names):
        from guard import trace_cost  # noqa: PLC0415  not among those that are recorded

        found += trace_cost.PATHS
    return [path for path in found if not names or path.name in names]


def main(library: str, planted: str, *, names: Sequence[str]) -> None:
    """Count each path with its work and with twice as much: what both share drops out.

    All of it several times: timers and growing memory add something to one count or another.
    """
    marks = ctypes.CDLL(library)
    chosen = paths(names)
    if planted:
        runpy.run_path(planted)
    works = [(path, path.make()) for path in chosen]
    gc.collect()
    gc.disable()
    for path, work in works:
        # The interpreter specialises what runs often, dictionaries and logs grow to their size.
        work(path.times)
    marks.mark_begin()
    for path, work in works:
        work(max(1, path.times // 10))
        for factor in (1, 2) * ROUNDS:
            marks.mark_zero()
            work(path.times * factor)
            marks.mark_dump(f"{path.name}*{factor}".encode())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], names=sys.argv[3:])
