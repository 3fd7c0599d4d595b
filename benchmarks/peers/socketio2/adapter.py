"""Socket.IO 2 with socket.io-redis on Node: the original River's stack, in a server of a few lines.

Documentation: socket.io/docs/v2, and the README of socket.io-redis 5.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from peers.contender import Ability, Ask, Contender, PeerServer
from peers.installing import DONE, from_npm, has
from serving import free_port, redis, running

if TYPE_CHECKING:
    from collections.abc import Generator

HERE = Path(__file__).resolve().parent


class SocketIO2(Contender):
    """Where River comes from."""

    name = "socketio2"
    title = "Socket.IO 2 + Redis"
    offers: ClassVar[frozenset[Ability]] = frozenset(
        ("batch", "joins", "nodes", "plain", "publish", "sockets")
    )
    differs = (
        "always with Redis, as the original ran; it counts as a part of the server",
        "no history and no recovery",
        "WebSocket from the start; compression, which it has on by default, is off",
        "clients ping, the server answers",
    )

    def is_here(self) -> bool:
        """Whether it was installed before."""
        return has(self.name, DONE)

    def install(self) -> str:
        """Install what the lock names."""
        folder = from_npm(self.name, HERE)
        package = folder / "node_modules" / "socket.io" / "package.json"
        return str(json.loads(package.read_text(encoding="utf-8"))["version"])

    @contextmanager
    def start(self, ask: Ask) -> Generator[PeerServer, None, None]:
        """One Node process and, unless nodes share one, a Redis on the same core."""
        with ExitStack() as stack:
            others: tuple[int, ...] = ()
            broker = ask.broker
            if not broker:
                pid, broker = stack.enter_context(redis(ask.home, core=ask.core))
                others = (pid,)
            port = free_port()
            environment = {
                "NODE_ENV": "production",
                "PORT": str(port),
                "SECRET": ask.keys.secret,
                "API_KEY": ask.keys.api_key,
                "BROKER": broker,
            }
            command = ["node", str(from_npm(self.name, HERE) / "server.cjs")]
            server = stack.enter_context(
                running(command, ask.home, environment=environment, core=ask.core)
            )
            server.await_urls(f"http://127.0.0.1:{port}/healthz")
            yield PeerServer(
                pid=server.pid,
                websocket_url=f"ws://127.0.0.1:{port}/",
                publish_url=f"http://127.0.0.1:{port}",
                load=("--dialect", "socketio2", "--api", "native"),
                api_key=ask.keys.api_key,
                others=others,
            )
