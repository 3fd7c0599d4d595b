"""Socket.IO 4 on Node: a library, so this bench holds a server of a few lines (server.js).

Documentation: socket.io/docs/v4, pages performance-tuning (bufferutil, WebSocket alone),
connection-state-recovery, redis-adapter.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from peers.contender import Ability, Ask, Contender, PeerServer
from peers.installing import DONE, from_npm, has
from serving import free_port, running

if TYPE_CHECKING:
    from collections.abc import Generator

HERE = Path(__file__).resolve().parent


class SocketIO4(Contender):
    """What most Node services reach for first."""

    name = "socketio4"
    title = "Socket.IO 4"
    offers: ClassVar[frozenset[Ability]] = frozenset(
        ("batch", "history", "joins", "nodes", "plain", "publish", "recovery", "sockets")
    )
    differs = (
        "connection state recovery (in memory) stands for history; its Redis adapter has none",
        "WebSocket from the start, without its HTTP long-polling first",
        "a server and a publish API of a few lines, since it has none of its own",
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
        """One Node process."""
        port = free_port()
        environment = {
            "NODE_ENV": "production",
            "PORT": str(port),
            "SECRET": ask.keys.secret,
            "API_KEY": ask.keys.api_key,
            "BROKER": ask.broker,
            "HISTORY": "1" if ask.history and not ask.broker else "",
        }
        command = ["node", str(from_npm(self.name, HERE) / "server.js")]
        with running(command, ask.home, environment=environment, core=ask.core) as server:
            server.await_urls(f"http://127.0.0.1:{port}/healthz")
            yield PeerServer(
                pid=server.pid,
                websocket_url=f"ws://127.0.0.1:{port}/",
                publish_url=f"http://127.0.0.1:{port}",
                load=("--dialect", "socketio4", "--api", "native"),
                api_key=ask.keys.api_key,
            )
