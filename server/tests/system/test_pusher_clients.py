"""Unmodified clients and libraries of Pusher against a River: interop/ has what they do."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from protocol_server import SECRETS, Server
from pusher_runner import APPS, SETTINGS

INTEROP = Path(__file__).parents[3] / "interop"
RUN_S_MAX = 180.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server({**SETTINGS, "RIVER_HISTORY_SIZE": "1000"}, tmp_path_factory.mktemp("interop"))
    yield running
    running.stop()


@pytest.mark.parametrize("app", APPS[:2], ids=["native", "apart"])
@pytest.mark.parametrize("tests", ["pusher-js", "echo"])
def test_unmodified_clients_work(server: Server, tests: str, app: dict[str, str]) -> None:
    run(server, tests, app=app)


@pytest.mark.parametrize("tests", ["both", "encrypted"])
def test_the_api_of_pusher_js_on_the_native_protocol_behaves_as_pusher_js(
    server: Server, tests: str
) -> None:
    run(server, tests, app=APPS[0])


def test_a_page_that_names_itself_misses_nothing(server: Server) -> None:
    run(server, "resume", app=APPS[1])


def test_three_cuts_lose_nothing_with_pushers_client_or_with_ours(server: Server) -> None:
    run(server, "cuts", app=APPS[0])


def test_pages_are_shown_counts(server: Server) -> None:
    counting = next(app for app in APPS if app.get("subscription_counts"))
    run(server, "counts", app=counting)


def run(server: Server, tests: str, *, app: dict[str, str]) -> None:
    given = {
        "host": urlsplit(server.url).hostname,
        "wsPort": urlsplit(server.url).port,
        "apiPort": urlsplit(server.api_url).port,
        "appId": app["id"],
        "key": app["key"],
        "secret": app["secret"],
        "tokenSecret": SECRETS[0],
    }
    done = subprocess.run(
        ["node", "--test", "--test-force-exit", "--test-timeout=60000", f"test/{tests}.test.js"],
        cwd=INTEROP,
        env={**os.environ, "RIVER_PUSHER": json.dumps(given)},
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
