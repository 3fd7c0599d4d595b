"""The processes under load: started on a core of their own, ready, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from proc import pinned

if TYPE_CHECKING:
    from collections.abc import Generator

    from keys import Keys
    from scenarios import Scenario

    Started = tuple[subprocess.Popen[bytes], Path]

LIMIT = Path(__file__).resolve().parent / "load" / "build" / "limit"
READY_S_MAX = 30.0
STOP_S_MAX = 15.0


@dataclass(frozen=True)
class Server:
    """A running server and where it listens; an empty URL: it has no such side."""

    pid: int
    websocket_url: str
    publish_url: str
    metrics_url: str


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


def _await_ready(process: subprocess.Popen[bytes], urls: list[str], log: Path) -> None:
    """Wait until every URL answers 200; RuntimeError with the log's end when one does not."""
    deadline = time.monotonic() + READY_S_MAX
    while not all(get(url) is not None for url in urls):
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"the server did not become ready ({' '.join(urls)}): {said}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _process(
    command: list[str], environment: dict[str, str], home: Path, *, core: int | None = 0
) -> Generator[Started, None, None]:
    """Keep a process in its own folder, where its output goes too; on one core or on any."""
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*([] if core is None else pinned(core)), *command],
            cwd=home,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process, log
    finally:
        _stop(process)


def _environment(keys: Keys, gateway: int, api: int) -> dict[str, str]:
    return {
        "RIVER_SECRETS": keys.secret,
        "RIVER_API_KEYS": keys.api_key,
        "RIVER_PORT": str(gateway),
        "RIVER_API_PORT": str(api),
        "RIVER_DRAIN_S": "0",
    }


@contextmanager
def _river(kind: str, keys: Keys, home: Path) -> Generator[Server, None, None]:
    gateway, api = free_port(), free_port()
    command = [sys.executable, "-m", "riverd", kind]
    sides = {"gateway": [gateway], "api": [api], "dev": [gateway, api]}[kind]
    with _process(command, _environment(keys, gateway, api), home) as (process, log):
        _await_ready(process, [f"http://127.0.0.1:{port}/readyz" for port in sides], log)
        yield Server(
            pid=process.pid,
            websocket_url=f"ws://127.0.0.1:{gateway}/ws" if gateway in sides else "",
            publish_url=f"http://127.0.0.1:{api}" if api in sides else "",
            metrics_url=f"http://127.0.0.1:{sides[0]}/metrics",
        )


@contextmanager
def gateway_on(port: int, keys: Keys, home: Path, *, broker: str) -> Generator[int, None, None]:
    """A gateway of a cluster, on any core, until the block ends; its process id."""
    environment = {**_environment(keys, port, 0), "RIVER_BROKER": broker}
    command = [sys.executable, "-m", "riverd", "gateway"]
    with _process(command, environment, home, core=None) as (process, log):
        _await_ready(process, [f"http://127.0.0.1:{port}/readyz"], log)
        yield process.pid


@contextmanager
def api_on(port: int, keys: Keys, home: Path, *, broker: str) -> Generator[str, None, None]:
    """A publish API of a cluster, on any core, until the block ends; its URL."""
    folder = home / "api"
    folder.mkdir()
    environment = {**_environment(keys, 0, port), "RIVER_BROKER": broker}
    command = [sys.executable, "-m", "riverd", "api"]
    with _process(command, environment, folder, core=None) as (process, log):
        _await_ready(process, [f"http://127.0.0.1:{port}/readyz"], log)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def redis(home: Path) -> Generator[str, None, None]:
    """A Redis that keeps nothing, until the block ends; its URL."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with _process(command, {}, home, core=None) as (process, log):
        deadline = time.monotonic() + READY_S_MAX
        while "Ready to accept connections" not in log.read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("redis-server did not start")
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def _limit(options: tuple[str, ...], home: Path) -> Generator[Server, None, None]:
    with _process([str(LIMIT), *options], {}, home) as (process, log):
        deadline = time.monotonic() + READY_S_MAX
        while not (first := log.read_text(encoding="utf-8").partition("\n"))[1]:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the limit server did not start: {first[0]}")
            time.sleep(0.02)
        port = json.loads(first[0])["port"]
        yield Server(process.pid, f"ws://127.0.0.1:{port}/ws", "", "")


@contextmanager
def running(scenario: Scenario, keys: Keys, *, seconds: float) -> Generator[Server, None, None]:
    """Run what the scenario needs, ready, until the block ends.

    Raises:
        RuntimeError: It did not come up; the message has the end of its log.
    """
    with tempfile.TemporaryDirectory(prefix="river-bench-") as folder:
        if scenario.server == "limit":
            # It must go on sending until the window is over, which begins after a rest.
            options = (*scenario.server_options, "--seconds", str(seconds + 2))
            with _limit(options, Path(folder)) as server:
                yield server
        else:
            with _river(scenario.server, keys, Path(folder)) as server:
                yield server
