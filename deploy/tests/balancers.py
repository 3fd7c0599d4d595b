"""The balancers of deploy/, with TLS, in front of gateways of this machine."""

import re
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from caddy_process import CADDYFILE, ROOT, Caddy, ServerProcess, free_port
from listener import ask

# What starts proxies for the doctor's tests starts them here too.
sys.path.append(str(ROOT / "server" / "tests" / "support"))

from doctor_proxies import NGINX, PATH

NGINX_FILE = ROOT / "deploy" / "nginx" / "river.conf"
HAPROXY_FILE = ROOT / "deploy" / "haproxy" / "river.cfg"
FILES = {"nginx": NGINX_FILE, "haproxy": HAPROXY_FILE, "caddy": CADDYFILE}
CONNECTIONS_MAX = 4096


@dataclass(frozen=True)
class Place:
    """Where a balancer may write, and the two gateways behind it."""

    folder: Path
    gateways: Sequence[str]
    changes: Sequence[tuple[str, str]] = field(default=())
    """Of the file's text, for a test that cannot wait for what the file says."""

    def text(self, file: Path, *changes: tuple[str, str]) -> str:
        """The file with names and places of this machine; each has to stand in it."""
        text = file.read_text(encoding="utf-8")
        for theirs, ours in (*changes, *self.changes):
            assert theirs in text, theirs
            text = text.replace(theirs, ours)
        return text


class Proxy(ServerProcess):
    """A proxy with TLS; `check` is the command that only looks at its configuration."""

    def __init__(
        self,
        command: list[str],
        check: list[str],
        *,
        certificate: Path,
        port: int,
        environment: Mapping[str, str],
    ) -> None:
        self.check = check
        self.url = f"https://localhost:{port}"
        self.authority = certificate
        self._settings = dict(environment)
        super().__init__(command, environment, self._answers)

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))

    def complaints(self) -> str:
        """What the proxy has to say against its configuration."""
        done = subprocess.run(
            self.check,
            env={"PATH": PATH, **self._settings},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        said = (done.stdout + done.stderr).splitlines()
        good = re.compile(r"syntax is ok|test is successful|Configuration file is valid")
        return "\n".join(line for line in said if not good.search(line))

    def _answers(self) -> bool:
        return ask(f"{self.url}/healthz", context=self.context())[0] == 200


Balancer = Proxy | Caddy


def nginx(place: Place) -> Proxy:
    port, pem = free_port(), certificate(place.folder)
    config = place.text(
        NGINX_FILE,
        ("127.0.0.1:8000", place.gateways[0]),
        ("127.0.0.1:8010", place.gateways[1]),
        ("    server 127.0.0.1:8020 max_fails=0;\n", ""),
        (
            "    listen 80;\n",
            f"listen 127.0.0.1:{port} ssl http2;ssl_certificate {pem};ssl_certificate_key {pem};\n",
        ),
        ("/var/log/nginx", str(place.folder)),
    )
    text = NGINX.format(folder=place.folder, config=config)
    file = place.folder / "nginx.conf"
    events = f"events {{ worker_connections {CONNECTIONS_MAX}; }}"
    file.write_text(text.replace("events {}", events), encoding="utf-8")
    command = ["nginx", "-e", str(place.folder / "start.log"), "-p", str(place.folder)]
    command += ["-c", str(file)]
    return Proxy(command, [*command, "-t"], certificate=pem, port=port, environment={})


def haproxy(place: Place) -> Proxy:
    port, pem = free_port(), certificate(place.folder)
    config = place.text(
        HAPROXY_FILE,
        (
            '    bind "$RIVER_LISTEN"\n',
            f'    bind "$RIVER_LISTEN" ssl crt {pem} alpn h2,http/1.1\n',
        ),
        ('    server gateway3 "$RIVER_GATEWAY_3"\n', ""),
    )
    file = place.folder / "haproxy.cfg"
    file.write_text(config, encoding="utf-8")
    command = ["haproxy", "-db", "-f", str(file)]
    environment = {
        "RIVER_LISTEN": f"127.0.0.1:{port}",
        "RIVER_MAXCONN": str(CONNECTIONS_MAX),
        "RIVER_GATEWAY_1": place.gateways[0],
        "RIVER_GATEWAY_2": place.gateways[1],
    }
    return Proxy(command, [*command, "-c"], certificate=pem, port=port, environment=environment)


def caddy(place: Place) -> Caddy:
    file = place.folder / "Caddyfile"
    file.write_text(place.text(CADDYFILE), encoding="utf-8")
    return Caddy(place.folder, {"RIVER_GATEWAYS": " ".join(place.gateways)}, file=file)


BALANCERS: dict[str, Callable[[Place], Balancer]] = {
    "`deploy/nginx/river.conf`": nginx,
    "`deploy/haproxy/river.cfg`": haproxy,
    "`deploy/caddy/Caddyfile`, also in compose": caddy,
}


def certificate(folder: Path) -> Path:
    """A certificate for localhost that signs itself, and its key, in one file."""
    made, key = folder / "made.pem", folder / "key.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    words += " -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    command = [*words.split(), "-keyout", str(key), "-out", str(made)]
    subprocess.run(command, capture_output=True, check=True)
    both = folder / "rt.pem"
    both.write_text(made.read_text("utf-8") + key.read_text("utf-8"), encoding="utf-8")
    return both
