"""A log that cannot be written: a closed pipe, a full disk, no descriptor at all."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from redis_server import RedisServer, free_port
from river_client import condition, member, token
from river_process import KEYS, START_S_MAX, STOP_S_MAX, ask, environment, processes_of_session


class Silent:
    """A gateway that serves, though nothing that it logs arrives anywhere."""

    def __init__(self, stderr: IO[bytes] | int, redis: RedisServer, *, workers: int = 1) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = {
            **KEYS,
            "RIVER_BROKER": redis.url,
            "RIVER_BROKER_PASSWORD": redis.password or "",
            "RIVER_PORT": str(port),
            "RIVER_WORKERS": str(workers),
            "RIVER_DRAIN_S": "2",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "riverd", "gateway"],
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )

    def readiness(self) -> int:
        """The status of `/readyz`, 0 if nobody answers."""
        try:
            return ask(f"{self.url}/readyz")[0]
        except OSError:
            return 0

    def wait_for_readiness(self, status: int) -> None:
        deadline = time.monotonic() + START_S_MAX
        while self.readiness() != status:
            assert self.process.poll() is None, "it ended"
            assert time.monotonic() < deadline, self.readiness()
            time.sleep(0.1)

    def close(self) -> None:
        for pid in processes_of_session(self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def log_that_fails(kind: str) -> Iterator[IO[bytes] | int]:
    if kind == "full disk":
        with Path("/dev/full").open("wb") as full:
            yield full
    else:
        reading, writing = os.pipe()
        os.close(reading)
        yield writing
        os.close(writing)


@pytest.mark.parametrize("kind", ["full disk", "closed pipe"])
async def test_a_gateway_without_a_log_tells_the_truth_and_drains(
    kind: str, redis: RedisServer
) -> None:
    with log_that_fails(kind) as stderr:
        river = Silent(stderr, redis)
    try:
        await asyncio.to_thread(river.wait_for_readiness, 200)
        redis.pause()
        await asyncio.to_thread(river.wait_for_readiness, 503)
        redis.go_on()
        await asyncio.to_thread(river.wait_for_readiness, 200)
        async with member(river.url, token(), "dogs") as client:
            assert "river_log_lines_dropped_total 0.0" not in ask(f"{river.url}/metrics")[1]
            river.process.terminate()
            assert (await client.until("bye"))["reason"] == "draining"
        assert await asyncio.to_thread(river.process.wait, STOP_S_MAX) == 0
    finally:
        redis.go_on()
        river.close()


async def test_a_supervisor_without_a_log_starts_a_worker_in_place_of_a_dead_one(
    redis: RedisServer,
) -> None:
    with log_that_fails("full disk") as stderr:
        river = Silent(stderr, redis, workers=2)
    supervisor = river.process.pid
    try:
        await asyncio.to_thread(river.wait_for_readiness, 200)
        first = set(children(supervisor))
        os.kill(min(first), signal.SIGKILL)
        await condition(lambda: len(set(children(supervisor)) - first) == 1)
        await asyncio.to_thread(river.wait_for_readiness, 200)
        river.process.terminate()
        assert await asyncio.to_thread(river.process.wait, STOP_S_MAX) == 0
        assert not children(supervisor)
    finally:
        for pid in children(supervisor):
            os.kill(pid, signal.SIGKILL)
        river.close()


def children(parent: int) -> list[int]:
    """The living children of a process; each worker has a session of its own."""
    listed = Path(f"/proc/{parent}/task/{parent}/children")
    try:
        return [int(pid) for pid in listed.read_text(encoding="ascii").split()]
    except FileNotFoundError:
        return []


def test_a_process_without_standard_error_logs_into_none_of_its_connections() -> None:
    program = (
        "import os, socket\n"
        "from riverd.service import logs\n"
        "import structlog\n"
        "logs.configure('info', console=False)\n"
        "ours, theirs = socket.socketpair()\n"
        "structlog.get_logger().error('lost')\n"
        "ours.close()\n"
        "assert theirs.recv(100) == b'', 'a line of the log'\n"
    )
    close = (
        "import os, sys; os.close(2); os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])"
    )
    done = subprocess.run([sys.executable, "-c", close, program], check=False)
    assert done.returncode == 0
