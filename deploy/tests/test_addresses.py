"""River limits clients by their addresses behind each balancer file of deploy/."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest
from balancers import Balancer, Place, Proxy, caddy, haproxy, nginx
from caddy_process import running
from waiting import becomes

from processes import GatewayProcess, Redis

# The balancers reach River from 127.0.0.1. Clients come from elsewhere on the same machine.
FIRST, SECOND = "127.0.0.7", "127.0.0.8"
SETTINGS = {"RIVER_TRUSTED_PROXIES": "127.0.0.1,::1", "RIVER_MAX_CONNECTIONS_PER_ADDRESS": "2"}
TIMEOUT_S = 20
claims = count(1)
HEAD = (
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "X-Forwarded-For: 198.51.100.{}\r\nForwarded: for=198.51.100.{}\r\n\r\n"
)


@contextmanager
def browser(balancer: Balancer, source: str) -> Iterator[ssl.SSLSocket]:
    """A WebSocket from an address, which claims another one each time, and was welcomed."""
    claim = next(claims)
    port = int(balancer.url.rpartition(":")[2])
    context = ssl._create_unverified_context()  # noqa: S323  whose it is does not matter
    plain = socket.create_connection(("127.0.0.1", port), TIMEOUT_S, source_address=(source, 0))
    with context.wrap_socket(plain, server_hostname="localhost") as secure:
        secure.sendall(HEAD.format(claim, claim).encode())
        text = b""
        while b"session" not in text:
            data = secure.recv(4_096)
            assert data, text
            text += data
        yield secure


@pytest.mark.parametrize("make", [nginx, haproxy, caddy])
def test_limit_of_an_address_counts_the_clients_of_a_balancer(
    make: Callable[[Place], Proxy], tmp_path: Path
) -> None:
    redis = Redis(tmp_path)
    gateway = GatewayProcess(redis.port, 0.1, SETTINGS)
    with running(redis, gateway), ExitStack() as stack:
        balancer = make(Place(tmp_path, [f"127.0.0.1:{gateway.port}"] * 2))
        stack.enter_context(running(balancer))
        first, *_ = [stack.enter_context(browser(balancer, FIRST)) for _ in range(3)]
        # It is the oldest of this address, and made room for the third.
        becomes(lambda: b"bye" in first.recv(4_096))
        second, _ = [stack.enter_context(browser(balancer, SECOND)) for _ in range(2)]
        second.settimeout(0.1)
        with pytest.raises(TimeoutError):
            second.recv(4_096)
