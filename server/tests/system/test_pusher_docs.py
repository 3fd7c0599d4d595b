"""What docs/how-to/pusher-libraries.md gives to paste works, with the libraries that it is for.

Those of Go and Java are run by interop/smoke.py.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docs_pages import ROOT
from protocol_server import Server
from pusher import Pusher
from pusher_runner import APPS, QUERY, SETTINGS
from pusher_snippets import snippet
from websockets.sync.client import ClientConnection, connect

DEADLINE_S = 60.0
APP = APPS[0]
CHANNEL = "private-dogs"
INTEROP = ROOT / "interop"

DJANGO = """
import json, sys
import django
from types import SimpleNamespace
from django.conf import settings
settings.configure()
django.setup()
may_read = lambda user, name: user == "ann" and name == "private-dogs"
{settings}
settings.PUSHER = PUSHER
{views}
asked = {{"channel_name": "private-dogs", "socket_id": sys.argv[1]}}
answer = pusher_auth(SimpleNamespace(user="ann", POST=asked))
assert pusher_auth(SimpleNamespace(user="bob", POST=asked)).status_code == 403
print(answer.content.decode())
"""
RAILS = """
class ApplicationController
  attr_reader :params, :answer
  def self.skip_before_action(name) = nil
  def initialize(params) = @params = params
  def current_user = self
  def may_read?(name) = name == "private-dogs"
  def head(status) = @answer = status
  def render(json:) = @answer = json
end
{initializer}
{controller}
def asked(channel)
  controller = PusherController.new({{ channel_name: channel, socket_id: ARGV[0] }})
  controller.auth
  controller.answer
end
raise "not refused" unless asked("private-cats") == :forbidden
puts JSON.generate(asked("private-dogs"))
"""
# Express, as far as the piece of code uses it.
NODE = """
import { createServer } from "node:http"
import { text } from "node:stream/consumers"
const mayRead = (user, name) => name === "private-dogs"
const back = createServer(async (request, response) => {
  request.body = Object.fromEntries(new URLSearchParams(await text(request)))
  response.sendStatus = (status) => response.writeHead(status).end()
  response.json = (value) => response.end(JSON.stringify(value))
  auth(request, response)
}).listen(0, "127.0.0.1", () => console.log(back.address().port))
"""
# What pages say besides.
JOINED = """
pusher.channel("private-dogs").bind("pusher:subscription_succeeded", () => console.log("joined"))
"""
LISTENED = """
window.Echo.private("dogs").subscribed(() => console.log("joined"))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(SETTINGS, tmp_path_factory.mktemp("docs"))
    yield running
    running.stop()


@pytest.fixture
def page(server: Server) -> Iterator[ClientConnection]:
    """A client that has not subscribed yet."""
    with connect(f"{server.url.replace('http', 'ws')}/app/{APP['key']}?{QUERY}") as client:
        yield client


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def socket_of(client: ClientConnection) -> str:
    greeting = json.loads(client.recv(DEADLINE_S))
    return str(json.loads(greeting["data"])["socket_id"])


def subscribe(client: ClientConnection, auth: str) -> None:
    data = {"channel": CHANNEL, "auth": auth}
    client.send(json.dumps({"event": "pusher:subscribe", "data": data}))
    while "subscription_succeeded" not in str(client.recv(DEADLINE_S)):
        continue


def heard(client: ClientConnection) -> object:
    told = json.loads(client.recv(DEADLINE_S))
    assert told["event"] == "post"
    return json.loads(told["data"])


def library(server: Server) -> Pusher:
    """Pusher's library with the values of Laravel's `.env`, by the names that Laravel reads."""
    lines = snippet("Laravel and Echo", 0, server=server, app=APP).splitlines()
    given = dict(line.split("=", 1) for line in lines)
    assert given.pop("BROADCAST_CONNECTION") == "pusher"
    assert given.pop("PUSHER_SCHEME") == "http"
    return Pusher(
        app_id=given.pop("PUSHER_APP_ID"),
        key=given.pop("PUSHER_APP_KEY"),
        secret=given.pop("PUSHER_APP_SECRET"),
        host=given.pop("PUSHER_HOST"),
        port=int(given.pop("PUSHER_PORT")),
        ssl=bool(given),
    )


@contextmanager
def node(program: str) -> Iterator[subprocess.Popen[str]]:
    """A running program of Node that may import what interop/ has installed."""
    command = ["node", "--input-type=module", "--eval", program]
    with subprocess.Popen(command, cwd=INTEROP, stdout=subprocess.PIPE, text=True) as running:
        stop = threading.Timer(DEADLINE_S, running.kill)
        stop.start()
        try:
            yield running
        finally:
            stop.cancel()
            running.kill()


def line_of(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().rstrip("\n")


def test_django_signs_and_sends(server: Server, page: ClientConnection, tmp_path: Path) -> None:
    settings, views, post = (snippet("Django", n, server=server, app=APP) for n in range(3))
    signing = DJANGO.format(settings=settings, views=views)
    answer = run(sys.executable, "-c", signing, socket_of(page), folder=tmp_path)
    subscribe(page, json.loads(answer)["auth"])
    run(sys.executable, "-c", signing + post, "1.1", folder=tmp_path)
    assert heard(page) == {"text": "Hello"}


def test_rails_signs_and_sends(server: Server, page: ClientConnection, tmp_path: Path) -> None:
    initializer, controller, post = (snippet("Rails", n, server=server, app=APP) for n in range(3))
    signing = RAILS.format(initializer=initializer, controller=controller)
    ruby = ("ruby", "-W0", "-rjson", "-I", str(INTEROP / "ruby"), "-e")
    answer = run(*ruby, signing, socket_of(page), folder=tmp_path)
    subscribe(page, json.loads(answer)["auth"])
    run(*ruby, signing + post, "1.1", folder=tmp_path)
    assert heard(page) == {"text": "Hello"}


def test_pusher_js_and_node_work_together(server: Server) -> None:
    with node(NODE + snippet("Node", 0, server=server, app=APP)) as back:
        endpoint = f"http://127.0.0.1:{line_of(back)}/pusher/auth"
        code = snippet("pusher-js", 0, server=server, app=APP) + JOINED
        with node(code.replace("/pusher/auth", endpoint)) as pusher_js:
            assert line_of(pusher_js) == "joined"
            library(server).trigger(CHANNEL, "post", {"text": "Hi"})
            assert line_of(pusher_js) == "{ text: 'Hi' }"
            with node(NODE + snippet("Node", 0, server=server, app=APP)):
                assert line_of(pusher_js) == "{ text: 'Hello' }"


def test_laravels_settings_and_echo_work_together(server: Server, tmp_path: Path) -> None:
    with node(NODE + snippet("Node", 0, server=server, app=APP)) as back:
        endpoint = f"http://127.0.0.1:{line_of(back)}/broadcasting/auth"
        code = snippet("Laravel and Echo", 1, server=server, app=APP)
        at_home = code.replace('cluster: "",', f'cluster: "", authEndpoint: "{endpoint}",')
        made = subprocess.run(
            [
                *(ROOT / "clients" / "js" / "node_modules" / ".bin" / "esbuild", "--bundle"),
                *("--platform=node", "--format=cjs", "--log-level=error"),
            ],
            cwd=INTEROP,
            input=f"globalThis.window = globalThis;\n{at_home}{LISTENED}",
            capture_output=True,
            text=True,
            check=True,
        )
        (tmp_path / "page.cjs").write_text(made.stdout, encoding="utf-8")
        with node(f"await import({json.dumps(str(tmp_path / 'page.cjs'))})") as echo:
            assert line_of(echo) == "joined"
            library(server).trigger(CHANNEL, "post", {"text": "Hello"})
            assert line_of(echo) == "{ text: 'Hello' }"
