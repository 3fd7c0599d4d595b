"""The doctor names what is wrong with the browser client's file, and with HTTP streaming."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from doctor_cluster import Cluster
from doctor_proxies import recommended
from doctor_visits import StartNginx, gateway_of
from river_process import API_KEY, SECRET, address

from riverd.commands.doctor import Finding, Status, walk
from riverd.commands.doctor.address import parse
from riverd.commands.doctor.visit import VisitOptions

LOCATION = "location / {"
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@contextmanager
def holding_back(let_through: bytes) -> Iterator[int]:
    """A port that takes a request, lets a part of the answer through, and keeps the rest."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(4)
        taken: list[socket.socket] = []

        def serve() -> None:
            connection = listening.accept()[0]
            taken.append(connection)
            connection.recv(65_536)
            connection.sendall(let_through)

        threading.Thread(target=serve, daemon=True).start()
        yield int(listening.getsockname()[1])
        for connection in taken:
            connection.close()


def complaints(
    cluster: Cluster,
    nginx: StartNginx,
    *,
    inside: str = "",
    beside: str = "",
    idle_s: float = 0.0,
    timeout_s: float = 20.0,
) -> dict[str, Finding]:
    """What the doctor finds wrong behind an nginx with lines more than the recommended ones."""
    config = recommended(gateway_of(cluster))
    for line in filter(None, (word.strip() for word in inside.split(";"))):
        # nginx takes a directive once.
        name = " ".join(line.split()[: 2 if line.startswith("proxy_set_header") else 1])
        kept = [one for one in config.splitlines() if not one.strip().startswith(f"{name} ")]
        config = "\n".join(kept)
    assert config.count(LOCATION) == 1
    proxy = nginx(config.replace(LOCATION, f"{beside}\n{LOCATION}{inside}"))
    options = VisitOptions(
        address=parse(f"ws://127.0.0.1:{proxy.port}"),
        api_url=cluster.api.url,
        api_key=API_KEY,
        secret=SECRET,
        idle_s=idle_s,
        timeout_s=timeout_s,
    )
    bad = {Status.BROKEN, Status.WARNING}
    return {one.check: one for one in walk(options) if one.status in bad}


def test_dropped_accept_encoding_is_named(cluster: Cluster, nginx: StartNginx) -> None:
    found = complaints(cluster, nginx, inside='proxy_set_header Accept-Encoding "";')
    assert list(found) == ["compress"]
    assert found["compress"].status is Status.WARNING
    assert "drops Accept-Encoding" in found["compress"].cure


def test_connections_that_are_closed_after_each_answer_are_named(
    cluster: Cluster, nginx: StartNginx
) -> None:
    found = complaints(cluster, nginx, inside="keepalive_timeout 0;")
    assert list(found) == ["keepalive"]
    assert "connection of its own" in found["keepalive"].message


@pytest.mark.parametrize(
    ("answer", "status", "word"),
    [
        ("return 404;", Status.WARNING, "(404)"),
        ('default_type text/html; return 200 "<html>";', Status.BROKEN, "instead of JavaScript"),
    ],
)
def test_client_that_does_not_come_from_the_gateway_is_named(
    cluster: Cluster, nginx: StartNginx, answer: str, status: Status, word: str
) -> None:
    found = complaints(cluster, nginx, beside=f"location /client/ {{ {answer} }}")
    assert list(found) == ["client"]
    assert found["client"].status is status
    assert word in found["client"].message


def test_a_path_that_is_not_passed_on_leaves_streaming_out(
    cluster: Cluster, nginx: StartNginx
) -> None:
    found = complaints(cluster, nginx, beside="location /events { return 404; }")
    assert list(found) == ["stream"]
    assert found["stream"].status is Status.WARNING


def test_dropped_authorization_is_named(cluster: Cluster, nginx: StartNginx) -> None:
    found = complaints(cluster, nginx, inside='proxy_set_header Authorization "";')
    assert list(found) == ["stream"]
    assert "Authorization" in found["stream"].cure


@pytest.mark.parametrize(
    ("let_through", "word"),
    [(b"", "not one byte"), (HEAD, "the head of the answer, but no event")],
)
def test_stream_that_a_hop_holds_back_is_named(
    cluster: Cluster, nginx: StartNginx, let_through: bytes, word: str
) -> None:
    with holding_back(let_through) as port:
        events = f"location /events {{ proxy_buffering off; proxy_pass http://127.0.0.1:{port}; }}"
        found = complaints(cluster, nginx, beside=events, timeout_s=3)
    assert list(found) == ["stream"]
    assert found["stream"].status is Status.BROKEN
    assert word in found["stream"].message
    hop = "by nginx"
    assert f"buffered, {hop}" in found["stream"].message
    assert "proxy_buffering off;" in found["stream"].cure


def test_stream_that_is_cut_in_silence_is_named(cluster: Cluster, nginx: StartNginx) -> None:
    host, port = address(cluster.gateway.url)
    impatient = (
        f"location /events {{ proxy_pass http://{host}:{port}; proxy_http_version 1.1; "
        "proxy_read_timeout 1s; }"
    )
    found = complaints(cluster, nginx, beside=impatient, idle_s=3)
    assert list(found) == ["quiet"]
    assert "by nginx" in found["quiet"].message
    assert "proxy_read_timeout 75s;" in found["quiet"].cure
