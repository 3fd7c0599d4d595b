"""What docs/pusher.md gives to paste works, with the libraries that it is for."""

import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from protocol_server import Server
from pusher_runner import APPS, QUERY, SETTINGS
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "pusher.md"
DEADLINE_S = 30.0
APP = APPS[0]

LISTENING = """
window.Echo.connector.pusher.connection.bind("connected", () => {});
window.Echo.channel("dogs").listen(".post", (data) => {
  console.log(JSON.stringify(data));
  process.exit(0);
}).subscribed(() => console.log("subscribed"));
"""
DJANGO = """
import json, sys
import django
from types import SimpleNamespace
from django.conf import settings
from django.http import HttpResponseForbidden, JsonResponse
settings.configure()
django.setup()
may_read = lambda user, name: user == "ann" and name == "private-dogs"
{code}
settings.PUSHER = PUSHER
asked = {{"channel_name": "private-dogs", "socket_id": sys.argv[1]}}
answer = pusher_auth(SimpleNamespace(user="ann", POST=asked))
assert pusher_auth(SimpleNamespace(user="bob", POST=asked)).status_code == 403
print(answer.content.decode())
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(SETTINGS, tmp_path_factory.mktemp("docs"))
    yield running
    running.stop()


def snippet(label: str, server: Server) -> str:
    """The block under a tab, for this server and its app."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(
        rf'^=== "{label}"\n\n    ```\w+\n(.*?)\n    ```$', text, re.DOTALL | re.MULTILINE
    )
    assert found is not None, f"docs/pusher.md has no {label}"
    code = textwrap.dedent(found[1])
    ports = {"8001": urlsplit(server.api_url).port, "8000": urlsplit(server.url).port}
    for written, port in ports.items():
        code = code.replace(written, str(port))
    return code.replace('"KEY"', f'"{APP["key"]}"').replace('"SECRET"', f'"{APP["secret"]}"')


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def page(server: Server) -> Iterator[ClientConnection]:
    """A client that listens to what the snippets send."""
    with connect(f"{server.url.replace('http', 'ws')}/app/{APP['key']}?{QUERY}") as client:
        say(client, "pusher:subscribe", channel="dogs")
        while "subscription_succeeded" not in str(client.recv(DEADLINE_S)):
            continue
        yield client


def say(client: ClientConnection, event: str, **data: str) -> None:
    client.send(json.dumps({"event": event, "data": data}))


def heard(client: ClientConnection) -> object:
    told = json.loads(client.recv(DEADLINE_S))
    assert told["event"] == "post"
    return json.loads(told["data"])


def test_the_library_of_python_sends(
    server: Server, page: ClientConnection, tmp_path: Path
) -> None:
    run(sys.executable, "-c", snippet("Python", server), folder=tmp_path)
    assert heard(page) == {"text": "Hello"}


def test_the_library_of_node_sends(server: Server, page: ClientConnection) -> None:
    command = ("node", "--input-type=module", "--eval", snippet("Node", server))
    run(*command, folder=ROOT / "interop")
    assert heard(page) == {"text": "Hello"}


def test_a_view_of_django_signs_subscriptions(server: Server, tmp_path: Path) -> None:
    with connect(f"{server.url.replace('http', 'ws')}/app/{APP['key']}?{QUERY}") as client:
        greeting = json.loads(client.recv(DEADLINE_S))
        socket = json.loads(greeting["data"])["socket_id"]
        code = DJANGO.format(code=snippet("Django", server))
        answer = json.loads(run(sys.executable, "-c", code, socket, folder=tmp_path))
        say(client, "pusher:subscribe", channel="private-dogs", auth=answer["auth"])
        assert "subscription_succeeded" in str(client.recv(DEADLINE_S))


def test_laravel_echo_listens(server: Server, tmp_path: Path) -> None:
    code = "globalThis.window = globalThis;\n" + snippet("Laravel Echo", server) + LISTENING
    esbuild = ROOT / "clients" / "js" / "node_modules" / ".bin" / "esbuild"
    script = tmp_path / "page.mjs"
    options = ("--bundle", "--platform=node", "--format=cjs", "--log-level=error")
    made = subprocess.run(
        [str(esbuild), *options],
        cwd=ROOT / "interop",
        input=code,
        capture_output=True,
        text=True,
        check=True,
    )
    script = tmp_path / "page.cjs"
    script.write_text(made.stdout, encoding="utf-8")
    with subprocess.Popen(["node", str(script)], stdout=subprocess.PIPE, text=True) as echo:
        assert echo.stdout is not None
        assert echo.stdout.readline() == "subscribed\n"
        run(sys.executable, "-c", snippet("Python", server), folder=tmp_path)
        assert json.loads(echo.stdout.readline()) == {"text": "Hello"}
