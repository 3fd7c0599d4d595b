"""Each planted fault is named by the doctor, at the hop where it is."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest
from doctor_cluster import Cluster
from doctor_proxies import free_port
from doctor_visits import broken, complaints, examine
from river_process import API_KEY, SECRET, address, ask

from riverd.commands.doctor import Status


def test_a_healthy_river_has_no_complaint(cluster: Cluster) -> None:
    found = examine(cluster.gateway.url, cluster, idle_s=0.5)
    assert complaints(found) == []
    skipped = {check for check, one in found.items() if one.status is Status.SKIPPED}
    assert skipped == {"tls"}
    assert "with what it missed" in found["resume"].message
    assert found["delivery"].ms is not None


def test_a_name_that_leads_nowhere_is_named() -> None:
    found = examine("wss://river-doctor.invalid", timeout_s=60)
    assert broken(found) == ["dns"]
    assert "leads nowhere" in found["dns"].message
    assert "record for river-doctor.invalid" in found["dns"].cure


def test_a_closed_port_is_named() -> None:
    found = examine(f"ws://127.0.0.1:{free_port()}")
    assert broken(found) == ["tcp"]
    assert "nothing listens" in found["tcp"].message


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield int(listening.getsockname()[1])


def test_a_port_that_never_answers_is_named() -> None:
    with silent_port() as port:
        found = examine(f"ws://127.0.0.1:{port}", timeout_s=1)
        secure = examine(f"wss://127.0.0.1:{port}", timeout_s=1)
    assert broken(found) == ["http", "upgrade"]
    assert "was not answered within 1 s" in found["http"].message
    assert broken(secure) == ["tls"]
    assert "TLS was not answered within 1 s" in secure["tls"].message


def test_the_publish_api_is_told_from_a_gateway(cluster: Cluster) -> None:
    found = examine(cluster.api.url)
    assert broken(found) == ["http", "upgrade"]
    assert "River's publish API" in found["http"].message
    assert "--api-url" in found["http"].cure


def test_a_path_that_is_passed_on_elsewhere_is_named(cluster: Cluster) -> None:
    found = examine(f"{cluster.gateway.url}/chat/ws", cluster)
    assert broken(found) == ["upgrade"]
    assert found["http"].status is Status.WARNING
    assert "nothing is at /chat/ws (404)" in found["upgrade"].message


def test_a_forbidden_origin_is_named(cluster: Cluster) -> None:
    gateway = cluster.start("gateway", RIVER_ALLOWED_ORIGINS="https://app.example.com")
    found = examine(gateway.url, cluster, origin="https://evil.example")
    assert broken(found) == ["origin"]
    assert "RIVER_ALLOWED_ORIGINS" in found["origin"].cure
    assert complaints(examine(gateway.url, cluster, origin="https://app.example.com")) == []
    assert "only certain pages" in examine(gateway.url, cluster)["origin"].message


def test_a_wrong_secret_is_named(cluster: Cluster) -> None:
    found = examine(cluster.gateway.url, cluster, secret="another-secret-of-at-least-32-bytes-x")
    assert broken(found) == ["token"]
    assert "token_invalid" in found["token"].message
    assert "RIVER_SECRETS" in found["token"].cure
    assert found["delivery"].status is Status.NOT_CHECKED


@pytest.mark.parametrize(
    ("claims", "word"),
    [({"exp": -60}, "token_expired"), ({"nbf": 3_600, "exp": 7_200}, "token_not_yet_valid")],
)
def test_a_token_of_another_time_is_named(
    cluster: Cluster, claims: dict[str, int], word: str
) -> None:
    times = {name: int(time.time()) + after for name, after in claims.items()}
    token = jwt.encode({"sub": "ann", **times}, SECRET, algorithm="HS256")
    found = examine(cluster.gateway.url, cluster, token=token)
    assert broken(found) == ["token"]
    assert word in found["token"].message
    assert "clocks" in found["token"].cure


def test_a_token_that_may_not_hear_the_channel_is_a_warning(cluster: Cluster) -> None:
    river = {"subscribe": ["news"]}
    token = jwt.encode({"sub": "ann", "river": river}, SECRET, algorithm="HS256")
    found = examine(cluster.gateway.url, cluster, token=token)
    assert [one.check for one in complaints(found)] == ["subscribe"]
    assert complaints(examine(cluster.gateway.url, cluster, token=token, channel="news")) == []


def test_a_wrong_key_is_named(cluster: Cluster) -> None:
    found = examine(cluster.gateway.url, cluster, api_key="some-other-key-0123456789")
    assert broken(found) == ["publish"]
    assert "refuses the key (401)" in found["publish"].message


def test_an_api_that_is_none_is_named(cluster: Cluster) -> None:
    gateway = cluster.gateway.url
    assert "is not the publish API" in examine(gateway, cluster, api_url=gateway)["publish"].message
    away = f"http://127.0.0.1:{free_port()}"
    found = examine(gateway, cluster, api_url=away)
    assert "cannot be reached" in found["publish"].message


def test_without_api_and_secret_the_rest_is_still_looked_at(cluster: Cluster) -> None:
    found = examine(cluster.gateway.url)
    assert complaints(found) == []
    assert {"token", "publish", "delivery"} <= {
        check for check, one in found.items() if one.status is Status.NOT_CHECKED
    }


def test_a_client_publishes_for_itself_where_no_api_is_given(cluster: Cluster) -> None:
    found = examine(cluster.gateway.url, secret=SECRET)
    assert complaints(found) == []
    assert "5 of 5" in found["delivery"].message
    assert "with what it missed" in found["resume"].message


def test_different_brokers_are_named(cluster: Cluster) -> None:
    alone = cluster.start("gateway", RIVER_BROKER="memory://")
    found = examine(alone.url, cluster, timeout_s=3)
    assert "delivery" in broken(found)
    assert "different brokers" in found["delivery"].cure


def test_gateway_with_other_channel_rules_is_named(cluster: Cluster) -> None:
    same = examine(cluster.gateway.url, cluster, channel="a|b+c")["rules"]
    assert same.status is Status.OK
    assert "no rule fits a|b+c (open)" in same.message
    rules = '[{"match": "dogs", "keep_last": true}]'
    other = cluster.start("gateway", RIVER_CHANNEL_RULES=rules, RIVER_NODE_NAME="the-other")
    try:
        found = examine(cluster.gateway.url, cluster)["rules"]
        assert found.status is Status.WARNING
        assert "the-other" in found.message
        assert "the same RIVER_CHANNEL_RULES" in found.cure
    finally:
        # A gateway that is killed is listed for some seconds more.
        other.signal(signal.SIGTERM)
        other.wait()


def test_a_paused_broker_is_named(cluster: Cluster) -> None:
    cluster.redis.pause()
    try:
        found = examine(cluster.gateway.url, cluster, timeout_s=5)
    finally:
        cluster.redis.go_on()
    assert "publish" in broken(found)
    assert "broker is away" in found["publish"].message
    assert "RIVER_BROKER" in found["publish"].cure
    assert "the API's broker is away" in found["broker"].message
    deadline = time.monotonic() + 60
    while complaints(examine(cluster.gateway.url, cluster)):
        assert time.monotonic() < deadline, "it did not go on by itself"


class _Yesterday(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.protocol_version = "HTTP/1.1"
        self.send_response_only(200)
        self.send_header("Date", formatdate(time.time() - 86_400, usegmt=True))
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"alive\n")

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_clock_that_is_wrong_is_named() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Yesterday) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = examine(f"ws://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert "clock" in broken(found)
    assert "86,4" in found["clock"].message
    assert "behind this one" in found["clock"].message
    assert "instead of a WebSocket" in found["upgrade"].message


def until_closed(where: tuple[str, int]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(where).close()
        except ConnectionRefusedError:
            return
    raise AssertionError("its port is still open")


def test_the_gateway_that_is_stopping_is_named(cluster: Cluster, tmp_path: Path) -> None:
    del tmp_path
    gateway = cluster.start("gateway", RIVER_DRAIN_S="60")
    with socket.create_connection(address(gateway.url)) as holding:
        holding.sendall(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        holding.recv(1_000)
        gateway.signal(15)
        gateway.event("gateway_draining")
        until_closed(address(gateway.url))
        found = examine(gateway.url, cluster)
    assert broken(found) == ["tcp"]
    assert "stopping" in found["tcp"].cure


def test_broker_that_drops_logs_when_it_is_full_is_named_everywhere(cluster: Cluster) -> None:
    with cluster.redis.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            warned = cluster.gateway.event("broker_evicts")
            assert warned["policy"] == "allkeys-lru"
            assert "maxmemory-policy noeviction" in warned["text"]
            assert "river_broker_evicts 1.0" in ask(f"{cluster.gateway.url}/metrics")[1]
            status, answer = ask(f"{cluster.api.url}/readyz")
            assert (status, "allkeys-lru" in json.loads(answer)["warning"]) == (200, True)
            _, listed = ask(f"{cluster.api.url}/nodes", key=API_KEY)
            assert json.loads(listed)["broker_evicts"] == "allkeys-lru"
            found = examine(cluster.gateway.url, cluster)["broker"]
            assert found.status is Status.WARNING
            assert "set maxmemory-policy noeviction" in found.message
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    deadline = time.monotonic() + 20
    while "river_broker_evicts 0.0" not in ask(f"{cluster.gateway.url}/metrics")[1]:
        assert time.monotonic() < deadline, "it did not see that the policy was mended"
    assert json.loads(ask(f"{cluster.api.url}/readyz")[1]) == {"status": "ready"}
    assert cluster.gateway.stderr.text.count("broker_evicts") == 1
