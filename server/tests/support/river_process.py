"""Starts the `river` command as a process of its own, watches what it says, has it end."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

SECRET = "the-secret-of-the-system-tests-0123456789"
API_KEY = "key-of-the-system-tests"
MEBIBYTE = 1 << 20
START_S_MAX = 60.0
STOP_S_MAX = 30.0

FREE_PORTS = {"RIVER_PORT": "0", "RIVER_API_PORT": "0"}
KEYS = {"RIVER_SECRETS": SECRET, "RIVER_API_KEYS": API_KEY}

_open = build_opener(ProxyHandler({})).open


class Output:
    """The lines of one stream of a process, read as they come so that it never has to wait."""

    def __init__(self, stream: IO[str]) -> None:
        self.lines: list[str] = []
        self._stream = stream
        self._ended = False
        self._news = threading.Condition()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def wait_for(self, wanted: Callable[[str], bool], *, after: int = 0) -> str:
        """The first line that is wanted, from the line number `after` on."""
        deadline = time.monotonic() + START_S_MAX
        with self._news:
            while True:
                for line in self.lines[after:]:
                    if wanted(line):
                        return line
                left_s = deadline - time.monotonic()
                assert not self._ended, f"it ended without the line; it said:\n{self.text}"
                assert left_s > 0, f"the line did not come; it said:\n{self.text}"
                after = len(self.lines)
                self._news.wait(left_s)

    def close(self) -> None:
        """Wait for the stream's end: the process is gone, and everyone who held the stream."""
        self._reading.join(STOP_S_MAX)
        assert not self._reading.is_alive(), "somebody still holds the process's output"
        self._stream.close()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def _read(self) -> None:
        for line in self._stream:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


class Command:
    """A `river ...` that runs."""

    def __init__(
        self, *arguments: str, settings: Mapping[str, str] | None = None, folder: Path
    ) -> None:
        self.folder = folder
        self.ended = False
        """Somebody asked for its end, and looked."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "riverd", *arguments],
            cwd=folder,
            env=environment(settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            # A session of its own: whatever it leaves behind can be found by it.
            start_new_session=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdout = Output(self.process.stdout)
        self.stderr = Output(self.process.stderr)

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, *, within_s: float = STOP_S_MAX) -> int:
        """The exit code; nothing of it is left."""
        code = self.process.wait(within_s)
        self._end()
        left = processes_of_session(self.pid)
        assert not left, f"processes left behind: {left}"
        return code

    def kill(self) -> None:
        """Away with it, whether it still runs or not."""
        self.process.kill()
        self.process.wait(STOP_S_MAX)
        self._end()

    def _end(self) -> None:
        self.ended = True
        self.stdout.close()
        self.stderr.close()

    def log(self) -> list[dict[str, Any]]:
        """Its log so far: one JSON object a line, and nothing else."""
        return [json.loads(line) for line in list(self.stderr.lines)]

    def event(self, name: str) -> dict[str, Any]:
        """The log's first line about this event."""
        line = self.stderr.wait_for(lambda line: f'"event": "{name}"' in line)
        told: dict[str, Any] = json.loads(line)
        return told

    def memory_bytes(self, name: str = "VmRSS") -> int:
        """What /proc says about its memory: VmRSS is held now, VmHWM was held at the most."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024

    @contextmanager
    def growth(self) -> Iterator[Callable[[], int]]:
        """Watch its memory: what is given tells by how many bytes the most was above the start."""
        # Linux then measures the most (VmHWM) from now on.
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")
        before = self.memory_bytes()
        yield lambda: self.memory_bytes("VmHWM") - before

    def file_limits(self) -> tuple[int, int]:
        """How many files it may have open: soft and hard limit."""
        return resource.prlimit(self.pid, resource.RLIMIT_NOFILE)


class River(Command):
    """A server that runs: `dev`, `gateway`, `api` or `webhooks`."""

    url = ""
    api_url = ""

    def __init__(
        self, kind: str, *flags: str, settings: Mapping[str, str] | None = None, folder: Path
    ) -> None:
        command = (kind, "run") if kind == "webhooks" else (kind,)
        super().__init__(
            *command, *flags, settings={**FREE_PORTS, **(settings or {})}, folder=folder
        )
        self.kind = kind
        self._settings = settings or {}
        try:
            self._find_addresses(kind)
        except BaseException as error:
            self.kill()
            raise AssertionError(f"{kind} did not start:\n{self.stderr.text}") from error
        for url in filter(None, (self.url, self.api_url)):
            self._wait_until_ready(url)

    def stop(self) -> None:
        """SIGTERM; it ends well, and what it listened on is free again."""
        self.signal(signal.SIGTERM)
        self.ends_well()

    def ends_well(self, *, within_s: float = STOP_S_MAX) -> None:
        assert self.wait(within_s=within_s) == 0, self.stderr.text
        assert not any(secret in self.stderr.text for secret in KEYS.values())
        # The log of what is no `river dev` is for machines, to its last line.
        assert self.kind == "dev" or all(line["event"] for line in self.log())
        for url in filter(None, (self.url, self.api_url)):
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(address(url))

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws"

    @property
    def ports(self) -> dict[str, str]:
        """Settings for another one in its place."""
        return {
            "RIVER_PORT": str(address(self.url)[1]),
            "RIVER_API_PORT": str(address(self.api_url)[1]),
        }

    def _wait_until_ready(self, url: str) -> None:
        """A server listens before it has asked its broker; without one in between it is ready."""
        deadline = time.monotonic() + START_S_MAX
        while (told := ask(f"{url}/readyz"))[0] != 200:
            waits = "RIVER_BROKER" in self._settings and time.monotonic() < deadline
            assert waits, f"not ready: {told}\n{self.stderr.text}"
            time.sleep(0.02)

    def _find_addresses(self, kind: str) -> None:
        if kind == "dev":
            self.stdout.wait_for(lambda line: "Stop with" in line)
            kept = json.loads((self.folder / ".river" / "dev.json").read_text(encoding="utf-8"))
            self.url, self.api_url = kept["url"], kept["api_url"]
        elif kind == "gateway":
            url: str = self.event("gateway_ready")["url"]
            self.url = url.replace("ws", "http", 1).removesuffix("/ws")
        else:
            self.api_url = self.event(f"{kind}_ready")["url"]


Start = Callable[..., River]
"""What the fixture `start` gives: see `Rivers.start`."""


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process: settings and proxies of whoever runs the tests are theirs."""
    mine = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("RIVER") and not name.lower().endswith("_proxy")
    }
    return {**mine, **settings}


def ask(
    url: str,
    body: object = None,
    *,
    key: str | None = None,
    token: str | None = None,
    method: str | None = None,
) -> tuple[int, str]:
    """One HTTP request: status and text of any answer. A body of bytes is sent as it is."""
    headers = {"content-type": "application/json"} if body is not None else {}
    if key is not None:
        headers["x-api-key"] = key
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    request = Request(url, data, headers, method=method)  # noqa: S310  loopback
    try:
        with _open(request, timeout=START_S_MAX) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def publish(river: River, channel: str, count: int = 1, *, key: str = API_KEY) -> list[int]:
    """Publish as many events in one batch; their offsets."""
    messages = [
        {"channel": channel, "event": "post", "data": {"n": number}} for number in range(count)
    ]
    _, text = ask(f"{river.api_url}/publish/batch", {"messages": messages}, key=key)
    return [result["offset"] for result in json.loads(text)["results"]]


def address(url: str) -> tuple[str, int]:
    """Host and port of a URL."""
    host, _, port = url.partition("://")[2].partition("/")[0].rpartition(":")
    return host, int(port)


def run(
    *arguments: str, settings: Mapping[str, str] | None = None, folder: Path
) -> tuple[int, str, str]:
    """A command from its start to its end: exit code and what it said, out and err."""
    command = Command(*arguments, settings=settings, folder=folder)
    try:
        code = command.wait(within_s=START_S_MAX)
    finally:
        command.kill()
    return code, command.stdout.text, command.stderr.text


def run_all(
    commands: Sequence[tuple[Sequence[str], Mapping[str, str]]], *, folder: Path
) -> list[tuple[int, str, str]]:
    """Many commands, as `run` does one, but much faster: see `many_commands.py`."""
    whole = [(arguments, environment(settings)) for arguments, settings in commands]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("many_commands.py"))],
        cwd=folder,
        input=json.dumps(whole),
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=4 * START_S_MAX,
    )
    return [tuple(ended) for ended in json.loads(done.stdout)]


def processes_of_session(session: int) -> list[int]:
    """All living processes of a session, by their ids."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(folder.name))
    return found
