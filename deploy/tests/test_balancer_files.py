"""Balancer files of deploy/: who a client is, what is logged, how many connections one may have."""

import json
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from balancers import Balancer, Place, Proxy, caddy, haproxy, nginx
from caddy_process import free_port, running
from waiting import becomes

SECRET_TEXT = "in-the-query-8f2a"
TAB = "a-tabs-identity-77c1"
KEY = "a-key-in-a-header-51ab"
HELD = "/held"
"""A request that waits as long as the test: nginx counts connections by their requests."""
HELD_S_MAX = 60.0
CONNECTIONS = 5
ANSWERED_S_MAX = 20.0
SERVED = b" 200 "
STATUS_BYTES = len("HTTP/1.1 200 ")
Make = Callable[[Place], Balancer]


class Echo(BaseHTTPRequestHandler):
    """A gateway that answers with the headers that it was sent."""

    released: threading.Event

    def do_GET(self) -> None:
        if self.path == HELD:
            self.released.wait(HELD_S_MAX)
        body = json.dumps({name.lower(): self.headers.get_all(name) for name in self.headers})
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def echoing() -> Iterator[str]:
    released = threading.Event()
    handler = type("Handler", (Echo,), {"released": released})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        released.set()
        server.shutdown()
        server.server_close()


@contextmanager
def before(make: Make, folder: Path, *changes: tuple[str, str]) -> Iterator[Balancer]:
    with echoing() as gateway:
        balancer = make(Place(folder, [gateway, gateway], changes))
        with running(balancer):
            yield balancer


@pytest.mark.parametrize("make", [nginx, haproxy, caddy])
def test_address_that_a_client_claims_is_not_passed_on(make: Make, tmp_path: Path) -> None:
    with before(make, tmp_path) as balancer:
        request = urllib.request.Request(f"{balancer.url}/client/river.js")  # noqa: S310  https
        request.add_header("X-Forwarded-For", "203.0.113.7, 10.0.0.1")
        request.add_header("X-Forwarded-Proto", "gopher")
        with urllib.request.urlopen(request, context=balancer.context()) as answer:  # noqa: S310
            sent: dict[str, list[str]] = json.load(answer)
    assert sent["x-forwarded-for"] in (["127.0.0.1"], ["::1"])
    assert sent["x-forwarded-proto"] == ["https"]


@pytest.mark.parametrize("make", [nginx, haproxy, caddy])
def test_no_log_holds_a_token_or_a_tabs_identity(make: Make, tmp_path: Path) -> None:
    """Neither of a request that was answered nor of one that no gateway could be found for."""
    nowhere = f"127.0.0.1:{free_port()}"
    for gateways in (None, [nowhere, nowhere]):
        with ExitStack() as stack:
            found = gateways or [stack.enter_context(echoing())] * 2
            balancer = make(Place(tmp_path, found))
            # Nothing is behind it: it is there as soon as it accepts.
            balancer._ready = _accepts(balancer)
            stack.enter_context(running(balancer))
            for path in (f"/events?channel=dogs&token={SECRET_TEXT}", f"/t/{TAB}/app/key?x=1"):
                _ask(balancer, path)
            balancer.signal(15)
            balancer.wait()
            said = balancer.log()
            written = [path for path in tmp_path.rglob("*.log") if path.is_file()]
            said += "".join(path.read_text("utf-8", "replace") for path in written)
        for text in (SECRET_TEXT, TAB, KEY):
            assert text not in said


@pytest.mark.parametrize("make", [nginx, haproxy])
def test_a_network_has_so_many_connections_and_no_more(make: Make, tmp_path: Path) -> None:
    change = {
        nginx: ("limit_conn river_connections 1000", f"limit_conn river_connections {CONNECTIONS}"),
        haproxy: ("sc0_conn_cur gt 1000", f"sc0_conn_cur gt {CONNECTIONS}"),
    }[make]
    with before(make, tmp_path, change) as balancer, ExitStack() as stack:
        assert isinstance(balancer, Proxy)
        held = [stack.enter_context(_held(balancer)) for _ in range(CONNECTIONS)]
        becomes(lambda: not _served(balancer))
        held[0].close()
        becomes(lambda: _served(balancer))


def _accepts(balancer: Balancer) -> Callable[[], bool]:
    port = int(balancer.url.rpartition(":")[2])

    def accepts() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return accepts


def _ask(balancer: Balancer, path: str) -> None:
    request = urllib.request.Request(f"{balancer.url}{path}")  # noqa: S310  https
    request.add_header("x-api-key", KEY)
    context = ssl._create_unverified_context()  # noqa: S323  Caddy has not made its own yet
    try:
        with urllib.request.urlopen(request, context=context, timeout=20):  # noqa: S310
            pass
    except OSError:
        pass


@contextmanager
def _held(balancer: Proxy) -> Iterator[ssl.SSLSocket]:
    with _unconnected(balancer) as held:
        held.connect(_place(balancer))
        if balancer.check[0] == "nginx":
            held.sendall(f"GET {HELD} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        yield held


def _served(balancer: Proxy) -> bool:
    with _unconnected(balancer) as link, suppress(OSError):
        link.connect(_place(balancer))
        link.sendall(
            b"GET /client/river.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        return SERVED in link.recv(STATUS_BYTES)
    return False


def _unconnected(balancer: Proxy) -> ssl.SSLSocket:
    # Connected before it is wrapped, a socket that is reset in between is left open by `ssl`.
    link = balancer.context().wrap_socket(socket.socket(), server_hostname="localhost")
    link.settimeout(ANSWERED_S_MAX)
    return link


def _place(balancer: Proxy) -> tuple[str, int]:
    return "127.0.0.1", int(balancer.url.rpartition(":")[2])
