"""The real processes of a cluster on this machine: Redis, a balancer, gateways, a publish API."""

import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, cast

ROOT = Path(__file__).resolve().parents[1]
SECRET = "chaos-secret-chaos-secret-chaos-secret-00"
KEY = "chaos-api-key-0001"
READY_S_MAX = 60.0


class ServerProcess:
    """One process that can be started again in the same place."""

    def __init__(
        self, command: list[str], environment: Mapping[str, str], ready: Callable[[], bool]
    ) -> None:
        self._command = command
        # Where servers are installed, which is not on everybody's path.
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
        self._environment = {**os.environ, "PATH": path, **environment}
        self._ready = ready
        self._log: BinaryIO = cast("BinaryIO", tempfile.TemporaryFile())
        self._output = self._log
        self._prefix: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        self.ended_at = -math.inf
        """When a process of it has ended last."""

    def set(self, settings: Mapping[str, str]) -> None:
        """Give it other settings; they count when it is started again."""
        self._environment |= settings

    def run_by(self, *prefix: str) -> None:
        """Have another program start it from now on, which gives way to it (as `nice` does)."""
        self._prefix = prefix

    def print_to(self, path: str) -> None:
        """Have what it prints go there from its next start on; `log` does not have it."""
        self._output = Path(path).open("wb", buffering=0)

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it serves."""
        command = [*self._prefix, *self._command]
        self._process = subprocess.Popen(
            command, env=self._environment, stdout=self._output, stderr=self._output
        )
        deadline = time.monotonic() + READY_S_MAX
        while wait and not self._ready():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"{self._command[:4]} did not start: {self.log()[-2000:]}")
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        code = self._process.wait() if self._process is not None else 0
        self.ended_at = time.monotonic()
        return code

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self.wait()

    def close(self) -> None:
        """End it for good."""
        self.kill()
        self._output.close()
        self._log.close()

    def log(self) -> str:
        """All that it has printed."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def memory_bytes(self) -> int:
        """What it holds now, by what the system says."""
        status = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def open_files(self) -> int:
        """How many files and sockets it has open."""
        return len(list(Path(f"/proc/{self._pid}/fd").iterdir()))

    @property
    def _pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def errors(self) -> list[str]:
        """Its log lines of level error, and what it did not log but died of."""
        lines = self.log().splitlines()
        return [line for line in lines if '"level": "error"' in line or "Traceback" in line]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, path: str = "/readyz", *, host: str = "127.0.0.1") -> bool:
    """Whether an HTTP server says 200."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=1) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def accepts(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Redis(ServerProcess):
    """A Redis with an append-only file of its own."""

    def __init__(self, folder: Path, *addresses: str) -> None:
        self.port = free_port()
        self._data = folder / "redis"
        self._data.mkdir()
        command = ["redis-server", "--port", str(self.port), "--dir", str(self._data), "--save", ""]
        command += ["--bind", "127.0.0.1", *addresses, "--protected-mode", "no"]
        command += ["--appendonly", "yes", "--appendfsync", "everysec"]
        super().__init__(command, {}, lambda: accepts(self.port))

    def lose_data(self) -> None:
        """Forget everything; only while it is not running."""
        shutil.rmtree(self._data)
        self._data.mkdir()

    def command(self, text: str) -> str:
        """The answer to an inline command: as much as comes in one piece.

        Raises:
            OSError: there is none.
            RuntimeError: it is an error.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as line:
            line.sendall(f"{text}\r\n".encode())
            answer = line.recv(65_536)
            length = int(answer[1:].split(b"\r\n")[0]) if answer[:1] == b"$" else 0
            while len(answer) < length:
                answer += line.recv(65_536)
        if answer[:1] == b"-":
            raise RuntimeError(f"{text}: {answer.decode()}")
        return answer.decode().strip()


class GatewayProcess(ServerProcess):
    """One River gateway; it can be asked by its name to drain."""

    def __init__(
        self, redis_port: int, drain_s: float, settings: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self.host = "127.0.0.1"
        """Where it is reached."""
        self.name = f"gateway at {self.port}"
        environment = {
            "RIVER_NODE_NAME": self.name,
            "RIVER_SECRETS": SECRET,
            "RIVER_PORT": str(self.port),
            "RIVER_BROKER": f"redis://127.0.0.1:{redis_port}",
            "RIVER_DRAIN_S": str(drain_s),
            "RIVER_HISTORY_SIZE": "5000",
            **(settings or {}),
        }
        command = [sys.executable, "-m", "riverd", "gateway"]
        super().__init__(command, environment, lambda: answers(self.port, host=self.host))


class ApiProcess(ServerProcess):
    """River's publish API, which sends webhooks too."""

    def __init__(self, redis_port: int, settings: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        environment = {
            "RIVER_SECRETS": SECRET,
            "RIVER_API_KEYS": KEY,
            "RIVER_API_PORT": str(self.port),
            "RIVER_BROKER": f"redis://127.0.0.1:{redis_port}",
            "RIVER_HISTORY_SIZE": "5000",
            **(settings or {}),
        }
        command = [sys.executable, "-m", "riverd", "api"]
        super().__init__(command, environment, lambda: answers(self.port))


class BalancerProcess(ServerProcess):
    """haproxy with the configuration that users copy, and a socket to give it orders."""

    def __init__(self, gateways: Sequence[GatewayProcess], folder: Path) -> None:
        self.port = free_port()
        self._orders = folder / "haproxy.sock"
        orders = folder / "orders.cfg"
        orders.write_text(f"global\n    stats socket {self._orders} level admin\n")
        environment = {"RIVER_LISTEN": f"127.0.0.1:{self.port}", "RIVER_MAXCONN": "5000"}
        for number, gateway in enumerate(gateways, 1):
            environment[f"RIVER_GATEWAY_{number}"] = f"{gateway.host}:{gateway.port}"
        config = ROOT / "deploy" / "haproxy" / "river.cfg"
        command = ["haproxy", "-db", "-f", str(config), "-f", str(orders)]
        super().__init__(command, environment, lambda: answers(self.port))

    def take_out(self, number: int) -> None:
        """Give a gateway no new connections; those that it has stay."""
        self._order(f"set server gateways/gateway{number} state maint")

    def cut(self, number: int) -> None:
        """End all connections of a gateway."""
        self._order(f"shutdown sessions server gateways/gateway{number}")

    def _order(self, words: str) -> None:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self._orders))
            line.sendall(f"{words}\n".encode())
            told = line.recv(4096).strip()
        if told:
            raise RuntimeError(f"{words}: {told.decode()}")


def get_json(port: int, path: str) -> dict[str, object]:
    """An answer of the publish API."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"x-api-key": KEY})
    with urllib.request.urlopen(request, timeout=5) as answer:
        found: dict[str, object] = json.load(answer)
        return found


STOP, CONTINUE, TERMINATE = signal.SIGSTOP, signal.SIGCONT, signal.SIGTERM
