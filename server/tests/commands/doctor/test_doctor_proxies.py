"""Each fault of a proxy is named by the doctor, with the lines that mend it."""

import time

import pytest
from doctor_cluster import Cluster
from doctor_proxies import ROOT, Haproxy, free_port, recommended, without
from doctor_visits import (
    PATIENT_S,
    UPGRADE_LINES,
    StartNginx,
    broken,
    complaints,
    examine,
    gateway_of,
)
from river_process import address

from riverd.commands.doctor import Status
from riverd.commands.doctor.cures import HAPROXY, NGINX, RECOMMENDED


def test_recommended_nginx_has_no_complaint(cluster: Cluster, nginx: StartNginx) -> None:
    proxy = nginx(recommended(gateway_of(cluster)))
    found = examine(f"ws://127.0.0.1:{proxy.port}", cluster, idle_s=1)
    assert complaints(found) == []
    assert "through nginx" in found["http"].message


def test_recommended_haproxy_has_no_complaint(cluster: Cluster) -> None:
    with Haproxy(gateway_of(cluster)) as proxy:
        # It asks /readyz first: until then nobody is there.
        deadline = time.monotonic() + PATIENT_S
        found = examine(f"ws://127.0.0.1:{proxy.port}", cluster, idle_s=1)
        while "http" in broken(found) and time.monotonic() < deadline:
            found = examine(f"ws://127.0.0.1:{proxy.port}", cluster, idle_s=1)
    assert complaints(found) == []


def test_what_the_cures_name_stands_in_the_files() -> None:
    assert {lines.file for lines in RECOMMENDED["nginx"].values()} == {NGINX}
    assert {lines.file for lines in RECOMMENDED["haproxy"].values()} == {HAPROXY}
    for proxy in RECOMMENDED.values():
        for named in proxy.values():
            text = (ROOT / named.file).read_text(encoding="utf-8")
            for line in named.lines:
                assert line in text


def test_lost_upgrade_headers_are_named_with_the_lines_that_pass_them(
    cluster: Cluster, nginx: StartNginx
) -> None:
    proxy = nginx(without(recommended(gateway_of(cluster)), *UPGRADE_LINES))
    found = examine(f"ws://127.0.0.1:{proxy.port}", cluster)
    assert broken(found) == ["upgrade"]
    assert "the proxy dropped them (426)" in found["upgrade"].message
    assert NGINX in found["upgrade"].cure
    assert all(line in found["upgrade"].cure for line in UPGRADE_LINES)


def test_http_1_0_towards_the_gateway_is_named(cluster: Cluster, nginx: StartNginx) -> None:
    proxy = nginx(without(recommended(gateway_of(cluster)), "proxy_http_version 1.1;"))
    found = examine(f"ws://127.0.0.1:{proxy.port}", cluster)
    assert broken(found) == ["upgrade"]
    assert "proxy_http_version 1.1;" in found["upgrade"].cure


def test_a_short_timeout_of_the_proxy_is_named_with_its_time(
    cluster: Cluster, nginx: StartNginx
) -> None:
    config = recommended(gateway_of(cluster)).replace(
        "proxy_read_timeout 75s;", "proxy_read_timeout 2s;"
    )
    proxy = nginx(config)
    found = examine(f"ws://127.0.0.1:{proxy.port}", cluster, idle_s=30)
    assert broken(found) == ["idle", "quiet"]
    assert "cut after" in found["idle"].message
    assert float(found["idle"].message.split()[2]) >= 1.5
    assert "proxy_read_timeout 75s;" in found["idle"].cure
    # The cut was survived all the same.
    assert found["resume"].status is Status.OK


def test_pings_of_the_gateway_keep_a_silent_connection(cluster: Cluster, nginx: StartNginx) -> None:
    gateway = cluster.start("gateway", RIVER_PING_INTERVAL_S="0.5")
    host, port = address(gateway.url)
    config = recommended(f"{host}:{port}").replace(
        "proxy_read_timeout 75s;", "proxy_read_timeout 4s;"
    )
    proxy = nginx(config)
    found = examine(f"ws://127.0.0.1:{proxy.port}", cluster, idle_s=6)
    # A stream has no pings, and its comments come every 15 s.
    assert broken(found) == ["quiet"]
    pings = int(found["idle"].message.split(",")[1].split()[0])
    assert pings > 2


def test_a_gateway_that_is_away_is_told_from_its_proxy(nginx: StartNginx) -> None:
    proxy = nginx(recommended(f"127.0.0.1:{free_port()}"))
    found = examine(f"ws://127.0.0.1:{proxy.port}")
    assert broken(found) == ["http", "upgrade"]
    assert "the gateway behind it does not: 502 (says nginx)" in found["http"].message
    assert "proxy_pass http://river_gateways;" in found["http"].cure


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ('return 200 "<html><title>My shop</title>Welcome</html>";', "My shop"),
        (
            "return 200 \"<html><title>Log in</title><input type='x'>Please log in</html>\";",
            "wants a login",
        ),
        ('auth_basic "x"; auth_basic_user_file /dev/null; root /nowhere;', "wants a login"),
        ("return 301 https://elsewhere.example$request_uri;", "redirects to https://elsewhere"),
    ],
)
def test_a_page_instead_of_river_is_named(nginx: StartNginx, answer: str, word: str) -> None:
    location = f"location / {{ default_type text/html; {answer} }}"
    proxy = nginx(f"server {{ listen 127.0.0.1:PORT; {location} }}")
    found = examine(f"ws://127.0.0.1:{proxy.port}")
    assert broken(found) == ["http", "upgrade"]
    assert word in found["http"].message


def test_a_prefix_is_as_good_as_none(cluster: Cluster, nginx: StartNginx) -> None:
    config = recommended(gateway_of(cluster))
    config = config.replace("location / {", "location /rt/ {")
    config = config.replace(
        "proxy_pass http://river_gateways;", "proxy_pass http://river_gateways/;"
    )
    proxy = nginx(config)
    assert complaints(examine(f"ws://127.0.0.1:{proxy.port}/rt", cluster)) == []


def test_http_2_only_is_named(cluster: Cluster, nginx: StartNginx) -> None:
    config = recommended(gateway_of(cluster)).replace(":PORT;", ":PORT http2;")
    proxy = nginx(config)
    found = examine(f"ws://127.0.0.1:{proxy.port}", cluster)
    assert broken(found) == ["http", "upgrade"]
    assert "HTTP/2 only" in found["http"].message
    assert "HTTP/2 only" in found["upgrade"].message
