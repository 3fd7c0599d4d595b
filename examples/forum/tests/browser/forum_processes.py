"""River and the forum as processes of their own, on free ports."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

START_S = 30.0
STOP_S = 20.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class RiverProcess:
    """A `river dev`: where browsers reach it, and its folder with the keys."""

    port: int
    folder: Path

    def publish(self, channel: str, event: str, data: object) -> None:
        """Publish as a back end does."""
        kept = json.loads((self.folder / ".river/dev.json").read_text())
        message = {"channel": channel, "event": event, "data": data}
        headers = {"x-api-key": kept["api_key"]}
        httpx.post(f"{kept['api_url']}/publish", json=message, headers=headers).raise_for_status()


@dataclass(frozen=True, slots=True)
class ForumProcess:
    """A forum: where browsers reach it, and the requests it saw."""

    port: int
    log: Path

    def requests(self) -> list[str]:
        """Return the requests so far, each as "GET /b/dogs 200"."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        seen = [line.partition(" forum.access ")[2] for line in lines]
        return [line.rpartition(" ")[0] for line in seen if line]


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def run_river(folder: Path, **settings: str) -> Generator[RiverProcess]:
    """Run `river dev` in a folder until the end of the block."""
    port, api_port = free_port(), free_port()
    environment = {"RIVER_PORT": str(port), "RIVER_API_PORT": str(api_port), **settings}
    command = [_program("river"), "dev"]
    with _run(command, folder, folder / "river.log", environment):
        _wait_for(f"http://127.0.0.1:{port}/readyz", folder / "river.log")
        _wait_for(f"http://127.0.0.1:{api_port}/readyz", folder / "river.log")
        yield RiverProcess(port, folder)


@contextmanager
def run_forum(
    river: RiverProcess, *, river_url: str, pusher_js: Path | None = None
) -> Generator[ForumProcess]:
    """Run the forum beside a River until the end of the block.

    `river_url` is where the browsers will look for the gateway; the rest the forum reads from
    what `river dev` left in its folder.
    """
    port, log = free_port(), river.folder / "forum.log"
    environment = {"RIVER_URL": river_url, "FORUM_POSTS_PER_MINUTE": "1000"}
    command = [sys.executable, "-m", "forum", "--port", str(port), "--river", "on"]
    if pusher_js is not None:
        command += ["--pusher-js", str(pusher_js)]
    with _run(command, river.folder, log, environment):
        _wait_for(f"http://127.0.0.1:{port}/login", log)
        yield ForumProcess(port, log)


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


@contextmanager
def _run(
    command: list[str], folder: Path, log: Path, environment: Mapping[str, str]
) -> Generator[None]:
    # ForumSettings of whoever runs the tests are theirs.
    mine = {k: v for k, v in os.environ.items() if not k.startswith(("RIVER", "FORUM"))}
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command, cwd=folder, env={**mine, **environment}, stdout=output, stderr=output
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=1).is_success:
                return
        except httpx.TransportError:
            pass  # Not up yet.
        # A process that starts gives no sign that could be waited for instead.
        time.sleep(POLL_S)
    raise TimeoutError(f"{url} does not answer:\n{log.read_text()}")
