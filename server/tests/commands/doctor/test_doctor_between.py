"""Of several proxies in a row the doctor names the one that breaks something."""

import json
from pathlib import Path

from click.testing import CliRunner
from doctor_cluster import Cluster
from doctor_proxies import Nginx, recommended, without
from doctor_visits import UPGRADE_LINES, StartNginx, gateway_of
from river_process import API_KEY, SECRET

from riverd.commands.doctor.address import parse
from riverd.commands.doctor.command import doctor

KEYS = {"RIVER_SECRETS": SECRET, "RIVER_API_KEYS": API_KEY}
Findings = dict[str, dict[str, str]]


def examine(url: str, cluster: Cluster, *direct: str) -> Findings:
    inside = [word for one in direct for word in ("--direct", one)]
    flags = ("--json", "--idle", "0.5", "--timeout", "5", "--api-url", cluster.api.url)
    shown = CliRunner().invoke(doctor, (url, *flags, *inside), env=KEYS)
    return {one["check"]: one for one in json.loads(shown.output)["findings"]}


def behind_two(cluster: Cluster, proxy: Nginx, folder: Path) -> tuple[Findings, list[str]]:
    """What is found through a good proxy, this one behind it, and the gateway; their addresses."""
    outer = folder / "outer"
    outer.mkdir()
    with Nginx(recommended(f"127.0.0.1:{proxy.port}"), outer) as good:
        way = [f"ws://127.0.0.1:{port}/ws" for port in (good.port, proxy.port)]
        way.append(parse(cluster.gateway.url).url)
        return examine(way[0], cluster, *way[1:]), way


def test_proxy_that_drops_the_upgrade_is_named_among_two(
    cluster: Cluster, nginx: StartNginx, tmp_path: Path
) -> None:
    proxy = nginx(without(recommended(gateway_of(cluster)), *UPGRADE_LINES))
    found, (_, middle, inner) = behind_two(cluster, proxy, tmp_path)
    assert found["between"]["status"] == "broken"
    expected = f"upgrade works at {inner}: it is {middle} that breaks it"
    assert found["between"]["message"] == expected


def test_proxies_that_break_nothing_are_compared_by_their_delays(
    cluster: Cluster, nginx: StartNginx, tmp_path: Path
) -> None:
    found, way = behind_two(cluster, nginx(recommended(gateway_of(cluster))), tmp_path)
    assert found["between"]["status"] == "ok"
    assert all(f"ms at {url}" in found["between"]["message"] for url in way)


def test_fault_that_is_behind_all_proxies_is_not_theirs(cluster: Cluster) -> None:
    inner = parse(cluster.gateway.url).url
    shown = CliRunner().invoke(
        doctor,
        (inner, "--direct", inner, "--json", "--idle", "0"),
        env={"RIVER_SECRETS": "another-secret-of-at-least-32-bytes-x"},
    )
    found = {one["check"]: one for one in json.loads(shown.output)["findings"]}
    assert found["between"]["message"] == f"token is the same at {inner}: no proxy is at fault"
