"""Runs several workers on one port, and another where one died."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import structlog

from riverd.service.shared_metrics import SLOTS, WORKER, Slot

POLL_S = 0.1
RESTART_S_FIRST = 0.2
RESTART_S_MAX = 10.0
HEALTHY_S = 30.0
KILL_AFTER_S = 15.0
DEATHS_MAX = 3
"""So often may every worker die at the start, before it is clear that none will ever live."""

CANNOT_START = 2
"""What a process ends with whose settings are wrong (contract, "Commands")."""

log = structlog.get_logger()


class Worker:
    """One of the workers, whichever process it is. `lifeline` is their standard input.

    Its numbers are in the slot of its number among `slots`, where it sees those of the others.
    """

    def __init__(
        self, number: int, command: Sequence[str], *, lifeline: int, slots: Sequence[Slot]
    ) -> None:
        self._number = number
        self._command = command
        self._lifeline = lifeline
        self._slot = slots[number - 1]
        self._descriptors = [slot.descriptor for slot in slots]
        listed = ",".join(map(str, self._descriptors))
        self._environment = {**os.environ, WORKER: str(number), SLOTS: listed}
        self._pause_s = RESTART_S_FIRST
        self._started = 0.0
        self._due = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.code = 0
        """What the last one ended with."""
        self.deaths = 0
        """How many have died one after another without having been well."""

    def tend(self, now: float) -> None:
        """Start it if it does not run; after a quick death, not at once."""
        healthy = now - self._started > HEALTHY_S
        if self.process is not None and healthy:
            self.deaths = 0
        if self.process is not None and (code := self.process.poll()) is not None:
            self._pause_s = self._pause_after(code, healthy=healthy)
            self._due = now + self._pause_s
            self.process, self.code = None, code
            self.deaths += 1
            self._slot.keep_counters()
            log.error("worker_died", worker=self._number, code=code, restart_s=self._pause_s)
        if self.process is None and now >= self._due:
            self._start(now)

    def _pause_after(self, code: int, *, healthy: bool) -> float:
        if code == CANNOT_START:
            # Settings don't mend themselves, and the others are about to say the same.
            return RESTART_S_MAX
        return RESTART_S_FIRST if healthy else min(RESTART_S_MAX, self._pause_s * 2)

    def _start(self, now: float) -> None:
        self._started = now
        try:
            # A session of its own: Ctrl-C reaches the supervisor alone, which stops the workers.
            self.process = subprocess.Popen(  # noqa: S603  this very command
                self._command,
                env=self._environment,
                stdin=self._lifeline,
                pass_fds=self._descriptors,
                start_new_session=True,
            )
        except OSError as error:
            # Too many processes, or no memory: that passes, and the other workers serve meanwhile.
            self._due = now + RESTART_S_MAX
            log.error("worker_not_started", worker=self._number, error=repr(error))  # noqa: TRY400


class Supervisor:
    """Keeps a number of workers running until a signal, then waits for their orderly stop.

    They hold one end of a pipe whose other end nobody but the supervisor has: when that is gone,
    however it went, they see the pipe's end and stop by themselves.
    """

    def __init__(self, count: int, *, drain_s: float) -> None:
        self._drain_s = drain_s
        self._stopping = False
        self._lifeline, self._held = os.pipe()
        command = [sys.executable, "-m", "riverd", *sys.argv[1:]]
        slots = [Slot.new() for _ in range(count)]
        self._workers = [
            Worker(number, command, lifeline=self._lifeline, slots=slots)
            for number in range(1, count + 1)
        ]

    def run(self) -> int:
        """Returns the exit code.

        0, or 1 if a worker had to be killed at the end; when none can be started what the last one
        ended with, 2 if it is the settings.
        """
        for wanted in (signal.SIGTERM, signal.SIGINT):
            signal.signal(wanted, self._stop)
        code: int | None = None
        try:
            while not self._stopping and code is None:
                for worker in self._workers:
                    worker.tend(time.monotonic())
                code = self._hopeless()
                time.sleep(POLL_S)
        finally:
            killed = self._end()
        return killed if code is None else code

    def _hopeless(self) -> int | None:
        """The exit code if no worker will ever live; None while there is hope."""
        if all(worker.deaths and worker.code == CANNOT_START for worker in self._workers):
            # They have said why.
            return CANNOT_START
        if all(worker.deaths >= DEATHS_MAX for worker in self._workers):
            log.error("workers_cannot_start", deaths=DEATHS_MAX)
            return 1
        return None

    def _stop(self, _signal: int, _frame: object) -> None:
        """Begin to stop; asked again, hurry, as each worker does at its second signal."""
        if self._stopping:
            self._terminate_all()
        self._stopping = True

    def _terminate_all(self) -> list[subprocess.Popen[bytes]]:
        running = [worker.process for worker in self._workers if worker.process is not None]
        for process in running:
            process.terminate()
        return running

    def _end(self) -> int:
        running = self._terminate_all()
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
