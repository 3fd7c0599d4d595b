"""The configurations that docs/operating.md shows, put in front of gateways of this machine."""

import re
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from caddy_process import ROOT, Caddy, Program, free_port
from listener import ask

# What starts proxies for the doctor's tests starts them here too.
sys.path.append(str(ROOT / "server" / "tests" / "support"))

import doctor_proxies
from doctor_proxies import NGINX, PATH

PAGE = ROOT / "docs" / "operating.md"
ON_THE_PAGE = ("127.0.0.1:8000", "127.0.0.1:8010")
_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def block(language: str) -> str:
    """The one block of the page in this language."""
    found = [text for _, name, text in _FENCE.findall(PAGE.read_text("utf-8")) if name == language]
    assert len(found) == 1, (language, len(found))
    return textwrap.dedent(found[0])


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """A block with names and places of this machine; each has to stand in it."""
    for theirs, ours in changes:
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    return text


@dataclass(frozen=True)
class Place:
    """Where a proxy may write, its certificate, and what stands behind it."""

    folder: Path
    certificate: Path
    """With its key, as haproxy wants it."""
    gateways: Sequence[str]

    @property
    def gateways_of_the_page(self) -> list[tuple[str, str]]:
        return list(zip(ON_THE_PAGE, self.gateways, strict=True))


class Proxy(Program):
    """A proxy with TLS; `check` is the command that only looks at its configuration."""

    def __init__(self, command: list[str], check: list[str], *, place: Place, port: int) -> None:
        self.check = check
        self.url = f"https://localhost:{port}"
        self._certificate = place.certificate
        super().__init__(command, {}, self._answers)

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self._certificate))

    def complaints(self) -> str:
        """What the proxy has to say against its configuration."""
        done = subprocess.run(
            self.check, env={"PATH": PATH}, capture_output=True, encoding="utf-8", check=False
        )
        said = (done.stdout + done.stderr).splitlines()
        good = re.compile(r"syntax is ok|test is successful|Configuration file is valid")
        return "\n".join(line for line in said if not good.search(line))

    def _answers(self) -> bool:
        return ask(f"{self.url}/readyz", context=self.context())[0] == 200


def nginx(place: Place) -> Proxy:
    port, file = free_port(), place.folder / "nginx.conf"
    config = replaced(
        block("nginx"),
        *place.gateways_of_the_page,
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("rt.example.com", "localhost"),
        ("/etc/ssl/rt.pem", str(place.certificate)),
        ("/etc/ssl/rt.key", str(place.certificate)),
    )
    file.write_text(NGINX.format(folder=place.folder, config=config), encoding="utf-8")
    command = ["nginx", "-e", str(place.folder / "error.log"), "-p", str(place.folder)]
    command += ["-c", str(file)]
    return Proxy(command, [*command, "-t"], place=place, port=port)


def haproxy(place: Place) -> Proxy:
    port, file = free_port(), place.folder / "haproxy.cfg"
    config = replaced(
        block("haproxy"),
        *place.gateways_of_the_page,
        ("bind :443", f"bind 127.0.0.1:{port}"),
        ("/etc/ssl/rt.pem", str(place.certificate)),
    )
    file.write_text(config, encoding="utf-8")
    command = ["haproxy", "-db", "-f", str(file)]
    return Proxy(command, [*command, "-c"], place=place, port=port)


def caddy(place: Place) -> Caddy:
    file = place.folder / "Caddyfile"
    config = replaced(
        block("caddy"), *place.gateways_of_the_page, ("rt.example.com", "{$RIVER_DOMAIN}")
    )
    file.write_text(config, encoding="utf-8")
    return Caddy(place.folder, {}, file=file)


def in_deploy(kind: str, *, gateway: str, folder: Path) -> doctor_proxies.Proxy:
    """The proxy of deploy/ of this kind."""
    if kind == "nginx":
        return doctor_proxies.Nginx(doctor_proxies.recommended(gateway), folder)
    return doctor_proxies.Haproxy(gateway)


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


def unit(folder: Path, block_of_the_page: str) -> Path:
    """A unit of the page, with a program that is there."""
    file = folder / "river-gateway.service"
    text = replaced(block_of_the_page, ("/opt/river/bin/river", sys.executable))
    file.write_text(text, encoding="utf-8")
    return file
