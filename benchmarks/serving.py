"""The processes under load: started on a core of their own, ready, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proc import pinned

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

READY_S_MAX = 30.0
STOP_S_MAX = 15.0
LOG_SHOWN = 2000


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(url: str, *, timeout_s: float = 5.0) -> str | None:
    """The body of a 200 answer, None for everything else."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:  # noqa: S310 - own URLs
            body: bytes = answer.read()
            return body.decode()
    except (urllib.error.URLError, OSError):
        return None


def listens(port: int) -> bool:
    """Whether somebody takes connections at a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def filled(template: Path, values: Mapping[str, object]) -> str:
    """A configuration file with each `@NAME@` replaced."""
    text = template.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


@dataclass(frozen=True)
class Running:
    """A process that was started, and the file with what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def said(self) -> str:
        """Everything that it wrote so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def await_that(self, ready: Callable[[], bool]) -> None:
        """Wait until it is ready.

        Raises:
            RuntimeError: It ended, or takes too long; the message has the end of its log.
        """
        deadline = time.monotonic() + READY_S_MAX
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not become ready: {self.said()[-LOG_SHOWN:]}")
            time.sleep(0.05)

    def await_urls(self, *urls: str) -> None:
        """Wait until every URL answers 200; raises as `await_that`."""
        self.await_that(lambda: all(get(url) is not None for url in urls))

    def await_ports(self, *ports: int) -> None:
        """Wait until every port takes connections; raises as `await_that`."""
        self.await_that(lambda: all(listens(port) for port in ports))


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running(
    command: list[str],
    home: Path,
    *,
    environment: Mapping[str, str] | None = None,
    core: int | None = 0,
) -> Generator[Running, None, None]:
    """Keep a process in its own folder, where its output goes too; on one core or on any."""
    log = home / f"log-{time.monotonic_ns()}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*([] if core is None else pinned(core)), *command],
            cwd=home,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(process, log)
    finally:
        _stop(process)


@contextmanager
def redis(home: Path, *, core: int | None = None) -> Generator[tuple[int, str], None, None]:
    """A Redis that keeps nothing, until the block ends; its process id and its URL."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running(command, home, core=core) as server:
        server.await_that(lambda: "Ready to accept connections" in server.said())
        yield server.pid, f"redis://127.0.0.1:{port}"
