"""Pusher's clients and libraries, as they are, against a River: `make interop`.

What is not in `make test`: the library for Go, the client for Java and pusher-js 7, which come from
their registries (Go, Java and Maven have to be installed), and three cuts of ten seconds each. If
the bench has installed Sockudo and soketi, they are cut as well, for comparison.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "server" / "tests" / "support"))
sys.path.insert(0, str(HERE.parent / "benchmarks"))

from keys import RunKeys  # noqa: E402  found by the path above
from peers.contender import Ask, Contender  # noqa: E402  found by the path above
from peers.sockudo.adapter import Sockudo  # noqa: E402  found by the path above
from peers.soketi.adapter import Soketi  # noqa: E402  found by the path above
from protocol_server import SECRETS, Server  # noqa: E402  found by the path above
from pusher_runner import APPS, SETTINGS, Json, signed_query  # noqa: E402
from pusher_snippets import snippet  # noqa: E402

RUN_S_MAX = 200
APP = APPS[1]
CUTS = {"RIVER_CUT_MS": "10000", "RIVER_BETWEEN_MS": "5000", "RIVER_CUT_COUNT": "300"}


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


def run_go_of_docs(server: Server) -> None:
    """Sign and send as the docs say."""
    code = snippet("Go", 0, server=server, app=APP)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("go.mod", "go.sum", "around.go"):
            shutil.copy(HERE / "go" / name, folder)
        (Path(folder) / "main.go").write_text(code)
        command = ["go", "run", "-tags", "docs", "."]
        subprocess.run(command, cwd=folder, timeout=RUN_S_MAX, check=True)


def run_java_of_docs(server: Server) -> None:
    """Open the page of the docs, whose endpoint is signed by the back end of the docs."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(HERE / "java", folder, dirs_exist_ok=True)
        source = Path(folder) / "src" / "main" / "java"
        for number, name in enumerate(("Dogs", "Page")):
            code = snippet("Java", number, server=server, app=APP)
            (source / f"{name}.java").write_text(code.replace("9000", '" + Pasted.port() + "'))
        shutil.copy(HERE / "java" / "docs" / "Pasted.java", source)
        command = ["mvn", "--quiet", "--batch-mode", "compile", "exec:java"]
        subprocess.run(
            [*command, "-Dexec.mainClass=Pasted"], cwd=folder, timeout=RUN_S_MAX, check=True
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


def run_node(server: Server, tests: str, *, app: Json = APP, **how: str) -> None:
    """Run a file of tests with pages in Node."""
    gateway, api = urlsplit(server.url), urlsplit(server.api_url)
    known = {"host": gateway.hostname, "wsPort": gateway.port, "apiPort": api.port}
    known |= {"appId": app["id"], "key": app["key"], "secret": app["secret"]}
    known["tokenSecret"] = SECRETS[0]
    subprocess.run(
        ["node", "--test", "--test-force-exit", "--test-timeout=180000", f"test/{tests}.test.js"],
        cwd=HERE,
        env={**os.environ, **how, "RIVER_PUSHER": json.dumps(known)},
        timeout=RUN_S_MAX,
        check=True,
    )


def cut_elsewhere(contender: Contender) -> None:
    """Show what unmodified pusher-js loses at another server."""
    keys = RunKeys()
    with tempfile.TemporaryDirectory() as folder:
        ask = Ask(keys=keys, home=Path(folder), core=None)
        with contender.start(ask) as server:
            port = urlsplit(server.websocket_url).port
            known = {"host": "127.0.0.1", "wsPort": port, "apiPort": port}
            known |= {"appId": "1", "key": "bench", "secret": keys.secret}
            subprocess.run(
                ["node", "cuts_elsewhere.js", contender.title],
                cwd=HERE,
                env={**os.environ, **CUTS, "RIVER_PUSHER": json.dumps(known)},
                timeout=RUN_S_MAX,
                check=True,
            )


def trigger(server: Server, channel: str, data: str) -> None:
    """Publish as an app's back end does."""
    path = f"/apps/{APP['id']}/events"
    body = json.dumps({"name": "post", "channel": channel, "data": data}).encode()
    query = signed_query("POST", path, body, {})
    answer = httpx.post(f"{server.api_url}{path}?{query}", content=body)
    answer.raise_for_status()


def main() -> None:
    """All of them, against one server."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server({**SETTINGS, "RIVER_HISTORY_SIZE": "1000"}, Path(folder))
        try:
            for tests in ("pusher-js", "echo", "resume"):
                run_node(server, tests, RIVER_PUSHER_JS="pusher-js-7", RIVER_CUTS="1")
            run_node(server, "cuts", app=APPS[0], **CUTS)
            run_go(server)
            run_go_of_docs(server)
            run_java(server)
            run_java_of_docs(server)
        finally:
            server.stop()
    for contender in (Sockudo(), Soketi()):
        if contender.is_here():
            cut_elsewhere(contender)


if __name__ == "__main__":
    main()
