"""Caddy in front of real gateways, with the Caddyfile that users run."""

import os
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

import pytest
from caddy_process import CADDYFILE, Caddy, running
from container_engine import PATH
from listener import Listener, ask, listening, publish, token

from processes import KEY, SECRET, TERMINATE, ApiProcess, GatewayProcess, Redis

PING_S = 25.0
DEADLINE_S = 60.0
DRAIN_S = 2.0


@dataclass(frozen=True)
class Town:
    """All that runs: two gateways, a publish API, a Redis, and Caddy before them."""

    caddy: Caddy
    gateways: tuple[GatewayProcess, GatewayProcess]
    quiet: Listener
    """A client that came first, and says nothing."""
    came: float

    @property
    def url(self) -> str:
        return self.caddy.url.replace("http", "ws", 1)

    @property
    def context(self) -> ssl.SSLContext:
        return self.caddy.context()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("caddy")
    with ExitStack() as stack:
        redis = Redis(folder)
        gateways = (GatewayProcess(redis.port, DRAIN_S), GatewayProcess(redis.port, DRAIN_S))
        api = ApiProcess(redis.port)
        settings = {
            "RIVER_PUBLISH": "public",
            "RIVER_GATEWAYS": " ".join(f"127.0.0.1:{one.port}" for one in gateways),
            "RIVER_API": f"127.0.0.1:{api.port}",
        }
        caddy = Caddy(folder, settings)
        stack.enter_context(running(redis, *gateways, api, caddy))
        url = caddy.url.replace("http", "ws", 1)
        came = time.monotonic()
        quiet = listening(url, token(SECRET, "quiet"), "quiet", context=caddy.context())
        yield Town(caddy, gateways, stack.enter_context(quiet), came)


def connections(gateway: GatewayProcess) -> float:
    _, text = ask(f"http://127.0.0.1:{gateway.port}/metrics")
    line = next(line for line in text.splitlines() if line.startswith("river_connections "))
    return float(line.split()[1])


def test_upgrade_passes_and_events_come_at_once(town: Town) -> None:
    with listening(town.url, token(SECRET), "dogs", context=town.context) as ann:
        told = publish(f"{town.caddy.url}/api", KEY, "dogs", context=town.context)
        heard = ann.until("event")
    assert (heard["data"], heard["offset"]) == ({"text": "Hello"}, told["offset"])


def test_publish_api_asks_for_its_key(town: Town) -> None:
    body = {"channel": "dogs", "event": "post", "data": 1}
    url = f"{town.caddy.url}/api/publish"
    assert ask(url, body, key="another-key-entirely", context=town.context)[0] == 401


OPERATORS = [
    "/metrics",
    "/api/metrics",
    "/api/nodes",
    "/api/nodes/one/drain",
    "/api/console",
    "/api/console/app.js",
    "/api/%63onsole",
    "/api/trace",
    "/api/webhooks",
    "/api/webhooks/replay",
]


@pytest.mark.parametrize("path", OPERATORS)
def test_what_is_the_operators_stays_inside(town: Town, path: str) -> None:
    status, text = ask(f"{town.caddy.url}{path}", key=KEY, context=town.context)
    assert (status, text) == (404, "")


def test_without_tls_browsers_are_sent_to_where_it_is(town: Town) -> None:
    plain = HTTPConnection("127.0.0.1", town.caddy.plain_port, timeout=10)
    with closing(plain):
        plain.request("GET", "/ws", headers={"Host": "localhost"})
        answer = plain.getresponse()
        assert answer.status == HTTPStatus.PERMANENT_REDIRECT
        assert answer.headers["location"] == f"https://localhost:{town.caddy.port}/ws"


def test_clients_are_spread_over_the_gateways(town: Town) -> None:
    with ExitStack() as stack:
        for number in range(4):
            one = listening(town.url, token(SECRET, f"u{number}"), "dogs", context=town.context)
            stack.enter_context(one)
        held = [connections(gateway) for gateway in town.gateways]
    assert min(held) >= 2


def test_a_gateway_that_stops_moves_its_clients_to_the_other(town: Town) -> None:
    quiet_on, other = sorted(town.gateways, key=connections, reverse=True)
    with listening(town.url, token(SECRET), "dogs", context=town.context) as ann:
        assert connections(other) == 1, "the fewest connections"
        other.signal(TERMINATE)
        assert ann.until("bye")["reason"] == "draining"
        # Whoever comes now, while it drains, is served by the one that stays.
        with listening(town.url, token(SECRET), "dogs", context=town.context) as again:
            assert connections(quiet_on) == 2
            assert ann.ends() == 4503
            publish(f"{town.caddy.url}/api", KEY, "dogs", context=town.context)
            assert again.until("event")
    assert other.wait() == 0
    other.start()
    # It gets clients again, as soon as Caddy has seen it.
    deadline = time.monotonic() + DEADLINE_S
    while connections(other) == 0:
        assert time.monotonic() < deadline
        with listening(town.url, token(SECRET), "dogs", context=town.context):
            if connections(other) == 1:
                break


def test_a_client_that_says_nothing_stays_and_is_pinged(town: Town) -> None:
    # The first ping comes after half to all of its time, so that not all are pinged at once.
    town.quiet.rest_until(lambda: time.monotonic() - town.came > PING_S)
    town.quiet.rest_until(lambda: town.quiet.pings.count > 0)
    publish(f"{town.caddy.url}/api", KEY, "quiet", context=town.context)
    assert town.quiet.until("event")["channel"] == "quiet"


def test_publish_api_is_private_unless_it_is_said(town: Town, tmp_path: Path) -> None:
    caddy = Caddy(tmp_path, {"RIVER_GATEWAYS": f"127.0.0.1:{town.gateways[0].port}"})
    with running(caddy):
        body = {"channel": "dogs", "event": "post", "data": 1}
        for path in ("/api/publish", "/publish", "/api/channels", "/metrics"):
            status, _ = ask(f"{caddy.url}{path}", body, key=KEY, context=caddy.context())
            assert status in {404, 405}, path


def test_a_misspelt_setting_does_not_start() -> None:
    done = subprocess.run(
        ["caddy", "validate", "--config", str(CADDYFILE)],
        env={**os.environ, "PATH": PATH, "RIVER_PUBLISH": "publik"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode != 0
    assert "api-publik" in done.stderr
