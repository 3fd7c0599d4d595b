"""soketi: a server of the Pusher protocol on Node and uWebSockets.js.

Documentation: docs.soketi.app, pages advanced-usage/app-management/array-driver and
rate-limiting-and-limits/events-and-channels-limits. What is not in config.json is at its default.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from peers.contender import Ability, Ask, Contender, PeerServer
from peers.installing import DONE, from_npm, has
from serving import filled, free_port, running

if TYPE_CHECKING:
    from collections.abc import Generator

HERE = Path(__file__).resolve().parent


class Soketi(Contender):
    """The Pusher protocol, self-hosted, on Node."""

    name = "soketi"
    title = "soketi"
    offers: ClassVar[frozenset[Ability]] = frozenset(("batch", "plain", "publish", "sockets"))
    differs = (
        "a signature (HMAC) for each private channel instead of a token for the connection",
        "publishers sign each request (MD5 and HMAC), data is JSON in a string",
        "no history and no recovery; batches of up to 1,000 (10)",
        "a later uWebSockets.js (20.30) than it asks for (20.10), which only GitHub has",
    )

    def is_here(self) -> bool:
        """Whether it was installed before."""
        return has(self.name, DONE)

    def install(self) -> str:
        """Install what the lock names."""
        folder = from_npm(self.name, HERE)
        package = folder / "node_modules" / "@soketi" / "soketi" / "package.json"
        return str(json.loads(package.read_text(encoding="utf-8"))["version"])

    def channel(self, name: str) -> str:
        """Only private channels want to know who comes."""
        return f"private-{name}"

    @contextmanager
    def start(self, ask: Ask) -> Generator[PeerServer, None, None]:
        """One Node process; clients and publishers share its port."""
        port = free_port()
        values = {"PORT": port, "USAGE_PORT": free_port(), "SECRET": ask.keys.secret}
        config = ask.home / "config.json"
        config.write_text(filled(HERE / "config.json", values), encoding="utf-8")
        script = from_npm(self.name, HERE) / "node_modules/@soketi/soketi/bin/server.js"
        command = ["node", str(script), "start", f"--config={config}"]
        environment = {"NODE_ENV": "production"}
        with running(command, ask.home, environment=environment, core=ask.core) as server:
            server.await_urls(f"http://127.0.0.1:{port}/ready")
            yield PeerServer(
                pid=server.pid,
                websocket_url=f"ws://127.0.0.1:{port}/app/bench?protocol=7&client=load&version=1.0",
                publish_url=f"http://127.0.0.1:{port}",
                load=("--dialect", "pusher", "--api", "pusher"),
                api_key=f"bench:{ask.keys.secret}",
            )
