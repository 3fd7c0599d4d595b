"""Caddy with the Caddyfile of deploy/ or another, on free ports and with its own certificates."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from listener import ask

ROOT = Path(__file__).resolve().parents[2]
CADDYFILE = ROOT / "deploy" / "caddy" / "Caddyfile"

# The processes of a cluster, which the tests of faults start too.
sys.path.append(str(ROOT / "chaos"))

from processes import ServerProcess, free_port  # noqa: E402  it is found now


@contextmanager
def running(*programs: ServerProcess) -> Iterator[None]:
    """Start them in this order; at the end nothing of them is left."""
    with ExitStack() as stack:
        for program in programs:
            stack.callback(program._log.close)
            stack.callback(program.kill)
            program.start()
        yield


class Caddy(ServerProcess):
    """A Caddy that runs; `settings` are the variables that the Caddyfile knows."""

    def __init__(
        self, folder: Path, settings: Mapping[str, str], *, file: Path = CADDYFILE
    ) -> None:
        self.folder = folder
        self._file = file
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://localhost:{self.port}"
        self.authority = folder / "caddy/pki/authorities/local/root.crt"
        home = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
        config = folder / "caddy.json"
        text = json.dumps(self._config({**settings, **home}))
        config.write_text(text, encoding="utf-8")
        command = ["caddy", "run", "--config", str(config)]
        super().__init__(command, home, self._answers)

    def context(self) -> ssl.SSLContext:
        """Trust in its own authority, and in nobody else.

        Without TLS 1.3: where its tickets come alone, the client library's thread reads on after
        the connection was closed, and a test that failed would wait for that for ten minutes.
        """
        made = ssl.create_default_context(cafile=str(self.authority))
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        return made

    def _config(self, settings: Mapping[str, str]) -> dict[str, object]:
        """The Caddyfile, as Caddy reads it, with what belongs to this machine put aside."""
        environment = {**os.environ, "RIVER_DOMAIN": f"localhost:{self.port}", **settings}
        adapted = subprocess.run(
            ["caddy", "adapt", "--config", str(self._file), "--validate"],
            env=environment,
            capture_output=True,
            check=True,
        )
        config: dict[str, object] = json.loads(adapted.stdout)
        apps = config["apps"]
        assert isinstance(apps, dict)
        apps["http"]["http_port"] = self.plain_port
        # Tests do not make this machine trust anybody.
        apps["pki"] = {"certificate_authorities": {"local": {"install_trust": False}}}
        return {**config, "admin": {"disabled": True}}

    def _answers(self) -> bool:
        try:
            return ask(f"{self.url}/readyz", context=self.context())[0] == 200
        except OSError:
            return False
