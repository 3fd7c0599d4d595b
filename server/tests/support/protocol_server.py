"""A River of its own for tests that speak to it over sockets: `river dev` on free ports."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

SECRETS = ("first-secret-of-the-protocol-cases", "older-secret-of-the-protocol-cases")
API_KEY = "key-of-the-protocol-cases"
START_S_MAX = 60.0
STOP_S_MAX = 30.0
_POLL_S = 0.02


class Server:
    """One running process, with what a client has to know of it."""

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self._kept = folder / ".river" / "dev.json"
        self._log = folder / "river.log"
        # Settings of whoever runs the tests are theirs.
        mine = {name: value for name, value in os.environ.items() if not name.startswith("RIVER")}
        given = {
            "RIVER_SECRETS": ",".join(SECRETS),
            "RIVER_API_KEYS": API_KEY,
            "RIVER_PORT": "0",
            "RIVER_API_PORT": "0",
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "riverd", "dev"],
                cwd=folder,
                env={**mine, **given, **settings},
                stdout=log,
                stderr=log,
            )
        try:
            self.url, self.api_url = self._addresses()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def signal_stop(self) -> None:
        """Ask it to end (SIGTERM)."""
        self._process.terminate()

    def kill(self) -> None:
        """End it without a word (SIGKILL)."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Have it end, one way or the other."""
        self.signal_stop()
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _addresses(self) -> tuple[str, str]:
        """Where it listens. Until it does, the file has the default ports."""
        for _ in self._attempts():
            if self._kept.exists():
                kept = json.loads(self._kept.read_text(encoding="utf-8"))
                if not kept["url"].endswith(":8000"):
                    return kept["url"], kept["api_url"]
        raise AssertionError("the attempts end with an error of their own")

    def _wait_until_ready(self) -> None:
        for _ in self._attempts():
            try:
                answers = [httpx.get(f"{url}/readyz") for url in (self.url, self.api_url)]
            except httpx.TransportError:
                continue
            if all(answer.is_success for answer in answers):
                return

    def _attempts(self) -> Iterator[None]:
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline and self._process.poll() is None:
            yield
            # A process that starts gives no sign that could be waited for instead.
            time.sleep(_POLL_S)
        raise TimeoutError(f"river dev did not start:\n{self._log.read_text(encoding='utf-8')}")


class Servers:
    """One process for each set of settings, shared by all who want the same."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started = 0
        self._running: dict[tuple[tuple[str, str], ...], Server] = {}

    def with_settings(self, settings: Mapping[str, str]) -> Server:
        """A server with these settings, started now or before."""
        key = tuple(sorted(settings.items()))
        if key not in self._running:
            self._started += 1
            folder = self._folder / f"river-{self._started}"
            folder.mkdir()
            self._running[key] = Server(settings, folder)
        return self._running[key]

    def forget(self, server: Server) -> None:
        """The server was told to stop: whoever wants its settings gets another."""
        server.stop()
        self._running = {key: one for key, one in self._running.items() if one is not server}

    def stop(self) -> None:
        """Stop all of them."""
        for server in self._running.values():
            server.signal_stop()
        for server in self._running.values():
            server.stop()
