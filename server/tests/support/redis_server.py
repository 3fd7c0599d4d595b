"""Real Redis servers for tests: on free ports of this machine, paused, killed and brought back."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis

PROGRAM = os.environ.get("RIVER_TEST_REDIS", "redis-server")
START_S_MAX = 20.0


class RedisServer:
    """One process with a folder of its own; it can be started again in the same place.

    `options` are those of its command line, without dashes. With `tls` it takes nothing but TLS;
    with a configuration for it, it is a Sentinel.
    """

    def __init__(self, *, sentinel: str = "", tls: bool = False, **options: str | int) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="river-redis-"))
        self._sentinel = sentinel
        self._tls = tls
        ports = {"port": 0, "tls-port": self.port} if tls else {"port": self.port}
        kept = {} if sentinel else {"save": ""}
        self._options = {"bind": "127.0.0.1", **kept, **ports, **options}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What RIVER_BROKER is set to."""
        return f"redis://127.0.0.1:{self.port}"

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    @property
    def password(self) -> str | None:
        given = self._options.get("requirepass")
        return None if given is None else str(given)

    def start(self, **more: str | int) -> None:
        """Start it, and wait until it answers."""
        self.begin(**more)
        assert self._process is not None
        deadline = time.monotonic() + START_S_MAX
        while not self.answers():
            assert self._process.poll() is None, "it ended at once"
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.02)

    def begin(self, **more: str | int) -> None:
        """Start it; it may load its data for a while. `more` are options for this time."""
        given = self._options | more
        options = [word for name, one in given.items() for word in (f"--{name}", str(one))]
        # Servers of a cluster and Sentinels write into their configuration, so each has a file.
        config = self.folder / "redis.conf"
        if not config.exists():
            config.write_text(self._sentinel, encoding="ascii")
        mode = ["--sentinel"] if self._sentinel else []
        self._process = subprocess.Popen(
            [PROGRAM, str(config), *mode, *options, "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
        )

    @property
    def runs(self) -> bool:
        return self._process is not None

    def answers(self) -> bool:
        with contextlib.suppress(redis.ConnectionError), self.client() as client:
            return bool(client.ping())
        return False

    def client(self) -> redis.Redis:
        """A client beside River's, to look at things and to change them."""
        authority = self._options.get("tls-ca-cert-file")
        return redis.Redis(
            "127.0.0.1",
            self.port,
            password=self.password,
            ssl=self._tls,
            ssl_ca_certs=None if authority is None else str(authority),
        )

    def pause(self) -> None:
        """Freeze it: connections stay, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As by kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def lose_data(self) -> None:
        """Forget everything; only while it does not run."""
        assert self._process is None
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextlib.contextmanager
def running(
    *, sentinel: str = "", tls: bool = False, **options: str | int
) -> Iterator[RedisServer]:
    """A server for the length of a block."""
    server = RedisServer(sentinel=sentinel, tls=tls, **options)
    try:
        server.start()
        yield server
    finally:
        server.close()


def free_port() -> int:
    """A port that nobody listens on now, and whose cluster bus port is no port at all if taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
