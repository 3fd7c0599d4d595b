"""Runs several workers on one port, and another where one died."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import structlog

POLL_S = 0.1
RESTART_S_FIRST = 0.2
RESTART_S_MAX = 10.0
HEALTHY_S = 30.0
KILL_AFTER_S = 15.0

WORKER = "RIVER_WORKER"

log = structlog.get_logger()


class Worker:
    """One place among the workers, whoever fills it."""

    def __init__(self, number: int, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._number = number
        self._command = command
        self._environment = {**environment, WORKER: str(number)}
        self._pause_s = RESTART_S_FIRST
        self._started = 0.0
        self._due = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def tend(self, now: float) -> None:
        """Start it if it is not there; after a quick death, not at once."""
        if self.process is not None and (code := self.process.poll()) is not None:
            healthy = now - self._started > HEALTHY_S
            self._pause_s = RESTART_S_FIRST if healthy else min(RESTART_S_MAX, self._pause_s * 2)
            self._due = now + self._pause_s
            self.process = None
            log.error("worker_died", worker=self._number, code=code, restart_s=self._pause_s)
        if self.process is None and now >= self._due:
            self._started = now
            # A group of its own: Ctrl-C reaches the supervisor alone, which tells the workers.
            self.process = subprocess.Popen(  # noqa: S603  this very command
                self._command, env=self._environment, start_new_session=True
            )


class Supervisor:
    """Keeps a number of workers running until a signal, then waits for their orderly stop."""

    def __init__(self, count: int, *, drain_s: float) -> None:
        self._drain_s = drain_s
        self._stopping = False
        command = [sys.executable, "-m", "riverd", *sys.argv[1:]]
        self._workers = [Worker(number, command, os.environ) for number in range(1, count + 1)]

    def run(self) -> int:
        """Returns the exit code: 0, or 1 if a worker had to be killed at the end."""
        for wanted in (signal.SIGTERM, signal.SIGINT):
            signal.signal(wanted, self._stop)
        while not self._stopping:
            for worker in self._workers:
                worker.tend(time.monotonic())
            time.sleep(POLL_S)
        return self._end()

    def _stop(self, _signal: int, _frame: object) -> None:
        self._stopping = True

    def _end(self) -> int:
        running = [worker.process for worker in self._workers if worker.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._drain_s + KILL_AFTER_S
        killed = 0
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                killed = 1
        return killed


def is_worker(environment: Mapping[str, str]) -> bool:
    """Whether this process is one that a supervisor started."""
    return WORKER in environment
