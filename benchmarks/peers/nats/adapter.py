"""NATS: a message bus that also speaks WebSocket, as Debian packages it.

Documentation: docs.nats.io/running-a-nats-service/configuration/websocket, and
docs.nats.io/reference/reference-protocols/nats-protocol.
"""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from peers.contender import Ability, Ask, Contender, PeerServer
from peers.installing import DONE, from_debian, has, version_in
from serving import filled, free_port, running

if TYPE_CHECKING:
    from collections.abc import Generator

    from keys import RunKeys

CONFIG = Path(__file__).resolve().parent / "nats.conf"
PACKAGE = "nats-server"
STREAM = {
    "name": "bench",
    "subjects": ["news"],
    "retention": "limits",
    "storage": "memory",
    "max_msgs_per_subject": 100,
    "max_age": 300_000_000_000,
}


def _make_stream(port: int, token: str) -> None:
    """Ask JetStream to keep what is published, with the window of River's logs."""
    request = json.dumps(STREAM).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        hello = f'CONNECT {{"verbose":false,"auth_token":"{token}"}}\r\nSUB made 1\r\n'
        ask = f"PUB $JS.API.STREAM.CREATE.bench made {len(request)}\r\n"
        wire.sendall(hello.encode() + ask.encode() + request + b"\r\n")
        said = b""
        while b"stream_create_response" not in said:
            part = wire.recv(65_536)
            said += part
            if not part or b"-ERR" in said:
                raise RuntimeError(f"JetStream made no stream: {said[-300:]!r}")


class Nats(Contender):
    """The fastest bus; not made for browsers alone."""

    name = "nats"
    title = "NATS"
    offers: ClassVar[frozenset[Ability]] = frozenset(
        ("batch", "history", "plain", "publish", "sockets")
    )
    differs = (
        "one token for all clients, compared as it stands, instead of a JWT each",
        "publishers speak its own protocol over TCP; an answer is the PONG behind a publication",
        "no history, recovery or joins for subscribers",
        "JetStream is on, and answers, where publications are counted with history",
    )

    def is_here(self) -> bool:
        """Whether it was installed before."""
        return has(self.name, "root", DONE)

    def install(self) -> str:
        """Unpack Debian's package."""
        return version_in(from_debian(self.name, PACKAGE), PACKAGE)

    def token(self, keys: RunKeys, user: str) -> str:
        """One for all."""
        del user
        return keys.secret

    @contextmanager
    def start(self, ask: Ask) -> Generator[PeerServer, None, None]:
        """One server with its TCP and its WebSocket port."""
        port, web, monitor = free_port(), free_port(), free_port()
        stores = ask.side == "api" and ask.history
        store = f'jetstream {{ store_dir: "{ask.home}/jetstream", max_mem: 1G }}'
        values = {
            "PORT": port,
            "WEBSOCKET_PORT": web,
            "MONITOR": monitor,
            "SECRET": ask.keys.secret,
            "JETSTREAM": store if stores else "",
        }
        config = ask.home / "nats.conf"
        config.write_text(filled(CONFIG, values), encoding="utf-8")
        program = from_debian(self.name, PACKAGE) / "usr" / "sbin" / "nats-server"
        with running([str(program), "-c", str(config)], ask.home, core=ask.core) as server:
            server.await_ports(port, web)
            server.await_urls(f"http://127.0.0.1:{monitor}/healthz")
            if stores:
                _make_stream(port, ask.keys.secret)
            yield PeerServer(
                pid=server.pid,
                websocket_url=f"ws://127.0.0.1:{web}/",
                publish_url=f"http://127.0.0.1:{port}",
                load=("--dialect", "nats", "--api", "jetstream" if stores else "nats"),
                api_key=ask.keys.secret,
            )
