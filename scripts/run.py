"""Starts River and the forum side by side, and stops both together: `make run`.

What they keep stands in `.river` of the folder in which it is called.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

KEPT = Path(".river") / "dev.json"
START_S_MAX = 20.0
STOP_S_MAX = 10.0
STOPS = (signal.SIGINT, signal.SIGTERM)

Processes = list[subprocess.Popen[bytes]]


def main() -> int:
    """Run until Ctrl-C, or until one of the two ends by itself."""
    for number in STOPS:
        signal.signal(number, _interrupt)
    running: Processes = []
    before = _changed_at()
    try:
        running.append(_start("-m", "riverd", "dev"))
        if not _wait_for_river(running[0], before):
            return running[0].poll() or 1
        database = os.environ.get("FORUM_DB", str(KEPT.parent / "forum.db"))
        running.append(_start("-m", "forum", "--db", database))
        return _watch(running)
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(running)


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    # A group of its own: Ctrl-C comes here alone, and here decides in which order both end.
    return subprocess.Popen([sys.executable, *arguments], start_new_session=True)


def _wait_for_river(river: subprocess.Popen[bytes], before: int) -> bool:
    """Whether it has written down where it listens."""
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline and river.poll() is None:
        if _changed_at() != before:
            return True
        time.sleep(0.05)
    return False


def _changed_at() -> int:
    return KEPT.stat().st_ino if KEPT.exists() else 0


def _watch(running: Processes) -> int:
    while True:
        for process in running:
            code = process.poll()
            if code is not None:
                return code
        time.sleep(0.2)


def _stop(running: Processes) -> None:
    for process in reversed(running):
        process.terminate()
    for process in running:
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()


def _interrupt(_signal: int, _frame: object) -> None:
    # Who is impatient and asks again is not shown Python's stack: the end is bounded.
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
