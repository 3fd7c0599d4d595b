"""nginx and haproxy as processes of the tests."""

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[3]
START_S_MAX = 30.0
# Where servers are installed, which is not on everybody's path.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {config}
}}
"""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Proxy:
    """A process that listens on a port."""

    def __init__(self, command: list[str], port: int, **environment: str) -> None:
        self.port = port
        self._command = command
        self._environment = {**os.environ, "PATH": PATH, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        program = shutil.which(self._command[0], path=PATH)
        assert program is not None, f"{self._command[0]}: run scripts/install_system.sh"
        self._process = subprocess.Popen([program, *self._command[1:]], env=self._environment)
        deadline = time.monotonic() + START_S_MAX
        while not accepts(self.port):
            assert self._process.poll() is None, "it ended at once"
            assert time.monotonic() < deadline, "it does not listen"
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_S_MAX)


class Nginx(Proxy):
    """nginx with a configuration for `http { }`, in which PORT stands for its port."""

    def __init__(self, config: str, folder: Path) -> None:
        port = free_port()
        file = folder / "nginx.conf"
        config = config.replace("PORT", str(port)).replace("/var/log/nginx", str(folder))
        text = NGINX.format(folder=folder, config=config)
        file.write_text(text, encoding="utf-8")
        super().__init__(["nginx", "-c", str(file), "-p", str(folder)], port)


class Haproxy(Proxy):
    """haproxy with the configuration that users copy."""

    def __init__(self, gateway: str) -> None:
        port = free_port()
        gateways = {f"RIVER_GATEWAY_{number}": gateway for number in (1, 2, 3)}
        config = str(ROOT / "deploy" / "haproxy" / "river.cfg")
        super().__init__(
            ["haproxy", "-db", "-f", config],
            port,
            RIVER_LISTEN=f"127.0.0.1:{port}",
            RIVER_MAXCONN="1000",
            **gateways,
        )


def recommended(gateway: str) -> str:
    """The nginx configuration that users copy, with the gateway's address in it."""
    text = (ROOT / "deploy" / "nginx" / "river.conf").read_text(encoding="utf-8")
    text, addresses = re.subn(r"server 127\.0\.0\.1:80\d0", f"server {gateway}", text)
    assert addresses == 3
    assert text.count("listen 80;") == 1
    return text.replace("listen 80;", "listen 127.0.0.1:PORT;")


def without(config: str, *lines: str) -> str:
    """A configuration that somebody forgot these lines of."""
    for line in lines:
        assert config.count(line) == 1, line
        config = config.replace(line, "")
    return config
