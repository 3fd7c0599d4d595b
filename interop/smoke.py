"""Pusher's library for Go and its client for Java, as they are, against a River: `make interop`.

They are built with packages of their registries, so that this is no part of `make test`. Go, Java
and Maven have to be installed.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "server" / "tests" / "support"))

from protocol_server import Server  # noqa: E402  found by the path above
from pusher_runner import APPS, SETTINGS, signed_query  # noqa: E402

RUN_S_MAX = 200
APP = APPS[1]


def run_go(server: Server) -> None:
    """Send all kinds of requests."""
    api = urlsplit(server.api_url)
    given = {"host": api.hostname, "apiPort": api.port, "appId": APP["id"], "key": APP["key"]}
    known = json.dumps({**given, "secret": APP["secret"]})
    subprocess.run(
        ["go", "run", "."],
        cwd=HERE / "go",
        env={**os.environ, "RIVER_PUSHER": known},
        timeout=RUN_S_MAX,
        check=True,
    )


def run_java(server: Server) -> None:
    """Subscribe to a private channel, and get an event."""
    gateway = urlsplit(server.url)
    command = ["mvn", "--quiet", "--batch-mode", "compile", "exec:java"]
    environment = {
        **os.environ,
        "RIVER_HOST": str(gateway.hostname),
        "RIVER_PORT": str(gateway.port),
        "RIVER_KEY": APP["key"],
        "RIVER_SECRET": APP["secret"],
    }
    with subprocess.Popen(
        command, cwd=HERE / "java", env=environment, stdout=subprocess.PIPE, text=True
    ) as java:
        stop = threading.Timer(RUN_S_MAX, java.kill)
        stop.start()
        for line in java.stdout or ():
            sys.stdout.write(line)
            if line.strip().endswith("ready"):
                trigger(server, "private-java", '{"text":"Hi"}')
        stop.cancel()
    if java.returncode:
        raise subprocess.CalledProcessError(java.returncode, command)


def trigger(server: Server, channel: str, data: str) -> None:
    """Publish as an app's back end does."""
    path = f"/apps/{APP['id']}/events"
    body = json.dumps({"name": "post", "channel": channel, "data": data}).encode()
    query = signed_query("POST", path, body, {})
    answer = httpx.post(f"{server.api_url}{path}?{query}", content=body)
    answer.raise_for_status()


def main() -> None:
    """Both, against one server."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(SETTINGS, Path(folder))
        try:
            run_go(server)
            run_java(server)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
