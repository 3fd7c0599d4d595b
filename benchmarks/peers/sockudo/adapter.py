"""Sockudo: a server of the Pusher protocol in Rust, built by cargo.

Documentation: sockudo.io/docs/server/configuration, /docs/reference/configuration,
/docs/server/history-recovery. What is not in config.json is at its default (compression off).
It is built with its default features but OpenTelemetry, which it does not use here.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from peers.contender import Ability, Ask, Contender, PeerServer
from peers.installing import from_cargo, has
from serving import filled, free_port, running

if TYPE_CHECKING:
    from collections.abc import Generator

VERSION = "5.2.0"
FEATURES = "local,v2"
CONFIG = Path(__file__).resolve().parent / "config.json"


class Sockudo(Contender):
    """The Pusher protocol, self-hosted."""

    name = "sockudo"
    title = "Sockudo"
    offers: ClassVar[frozenset[Ability]] = frozenset(
        ("batch", "history", "plain", "publish", "sockets")
    )
    differs = (
        "a signature (HMAC) for each private channel instead of a token for the connection",
        "publishers sign each request (MD5 and HMAC), data is JSON in a string",
        "replay buffers on, but protocol V1 clients, who cannot resume",
        "rate limits off (default: 100 requests a minute) and batches of up to 1,000 (10)",
        "one node: between nodes it needs a build with another feature",
    )

    def is_here(self) -> bool:
        """Whether it was installed before."""
        return has(self.name, "bin", self.name)

    def install(self) -> str:
        """Build it with cargo; this takes half an hour the first time."""
        from_cargo(self.name, VERSION, features=FEATURES)
        return VERSION

    def channel(self, name: str) -> str:
        """Only private channels want to know who comes."""
        return f"private-{name}"

    @contextmanager
    def start(self, ask: Ask) -> Generator[PeerServer, None, None]:
        """One node; clients and publishers share its port."""
        port = free_port()
        values = {
            "PORT": port,
            "SECRET": ask.keys.secret,
            "HISTORY": "true" if ask.history else "false",
        }
        config = ask.home / "config.json"
        config.write_text(filled(CONFIG, values), encoding="utf-8")
        command = [str(from_cargo(self.name, VERSION, features=FEATURES)), "--config", str(config)]
        with running(command, ask.home, core=ask.core) as server:
            server.await_urls(f"http://127.0.0.1:{port}/up")
            yield PeerServer(
                pid=server.pid,
                websocket_url=f"ws://127.0.0.1:{port}/app/bench?protocol=7&client=load&version=1.0",
                publish_url=f"http://127.0.0.1:{port}",
                load=("--dialect", "pusher", "--api", "pusher"),
                api_key=f"bench:{ask.keys.secret}",
            )
