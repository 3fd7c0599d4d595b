"""What docs/operating.md has users copy: balancers in front of real gateways, and the units."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from balancers import FILES, Balancer, Place, Proxy, caddy, haproxy, nginx
from caddy_process import ROOT, running
from listener import ask, listening, publish, token
from page_blocks import block, unit

from processes import KEY, SECRET, TERMINATE, ApiProcess, GatewayProcess, Redis
from riverd.service.settings import Settings

DRAIN_S = 1.0
MAKERS = {"nginx": nginx, "haproxy": haproxy, "Caddy": caddy}


@dataclass(frozen=True)
class Town:
    """Two gateways, a publish API, and a balancer in front of the gateways."""

    proxy: Balancer
    gateways: tuple[GatewayProcess, GatewayProcess]
    api_url: str

    @property
    def url(self) -> str:
        return self.proxy.url.replace("http", "ws", 1)

    def get(self, path: str) -> tuple[int, str]:
        return ask(f"{self.proxy.url}{path}", context=self.proxy.context())


@pytest.fixture(scope="module")
def behind(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[tuple[GatewayProcess, GatewayProcess], ApiProcess]]:
    """Return what every proxy stands in front of."""
    redis = Redis(tmp_path_factory.mktemp("operating"))
    gateways = (GatewayProcess(redis.port, DRAIN_S), GatewayProcess(redis.port, DRAIN_S))
    api = ApiProcess(redis.port)
    with running(redis, *gateways, api):
        yield gateways, api


@pytest.fixture(scope="module", params=MAKERS)
def town(
    request: pytest.FixtureRequest,
    behind: tuple[tuple[GatewayProcess, GatewayProcess], ApiProcess],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    gateways, api = behind
    folder = tmp_path_factory.mktemp(request.param)
    addresses = [f"127.0.0.1:{one.port}" for one in gateways]
    proxy = MAKERS[request.param](Place(folder, addresses))
    with running(proxy):
        yield Town(proxy, gateways, f"http://127.0.0.1:{api.port}")


def connections(gateway: GatewayProcess) -> float:
    _, text = ask(f"http://127.0.0.1:{gateway.port}/metrics")
    line = next(line for line in text.splitlines() if line.startswith("river_connections "))
    return float(line.split()[1])


@pytest.mark.parametrize("kind", FILES)
def test_page_shows_the_file_of_deploy(kind: str) -> None:
    assert block(kind) == f'--8<-- "{FILES[kind].relative_to(ROOT)}"\n'


def test_a_proxy_of_the_page_has_no_complaint(town: Town) -> None:
    # Caddy's was validated before it was started.
    if isinstance(town.proxy, Proxy):
        assert town.proxy.complaints() == ""


def test_a_client_hears_through_a_proxy_of_the_page(town: Town) -> None:
    with listening(town.url, token(SECRET), "dogs", context=town.proxy.context()) as ann:
        told = publish(town.api_url, KEY, "dogs")
        heard = ann.until("event")
    assert (heard["data"], heard["offset"]) == ({"text": "Hello"}, told["offset"])


def test_pages_get_the_client_and_nobody_the_metrics(town: Town) -> None:
    status, script = town.get("/client/river.js")
    assert (status, "export" in script) == (200, True)
    status, text = town.get("/metrics")
    assert (status, "river_" in text) == (404, False)


def test_clients_go_where_the_fewest_are(town: Town) -> None:
    with ExitStack() as stack:
        for number in range(4):
            proof = token(SECRET, f"u{number}")
            one = listening(town.url, proof, "dogs", context=town.proxy.context())
            stack.enter_context(one)
        assert [connections(one) for one in town.gateways] == [2, 2]


def test_clients_of_a_gateway_that_stops_go_on_at_the_other(town: Town) -> None:
    with listening(town.url, token(SECRET), "dogs", context=town.proxy.context()) as ann:
        stays, stops = sorted(town.gateways, key=connections)
        stops.signal(TERMINATE)
        assert ann.until("bye")["reason"] == "draining"
        with listening(town.url, token(SECRET), "dogs", context=town.proxy.context()) as again:
            assert connections(stays) == 1
            publish(town.api_url, KEY, "dogs")
            assert again.until("event")
    assert stops.wait() == 0
    stops.start()


def test_systemd_knows_every_line_of_the_unit(tmp_path: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit(tmp_path, block("ini")))],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_stop_has_time_to_move_clients() -> None:
    unit_lines = dict(line.split("=", 1) for line in block("ini").splitlines() if "=" in line)
    defaults = Settings()
    assert float(unit_lines["TimeoutStopSec"]) > defaults.drain_s
    assert int(unit_lines["LimitNOFILE"]) > defaults.max_connections
