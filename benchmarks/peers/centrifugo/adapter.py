"""Centrifugo 6: one static program, configured by a JSON file.

Documentation: centrifugal.dev/docs/server, its pages configuration, channels, history_and_recovery,
engines, infra_tuning. What is not in config.json is at its default (compression off).
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from peers.contender import Ability, Ask, Contender, PeerServer
from peers.installing import from_go, has, run
from serving import filled, free_port, running

if TYPE_CHECKING:
    from collections.abc import Generator

MODULE = "github.com/centrifugal/centrifugo/v6@latest"
KEPT = "centrifugo"
CONFIG = Path(__file__).resolve().parent / "config.json"
# The window of River's logs: 100 publications, 300 s.
HISTORY = '"history_size": 100, "history_ttl": "300s", "force_recovery": true,'


class Centrifugo(Contender):
    """The peer that is closest to River in what it offers."""

    name = "centrifugo"
    title = "Centrifugo"
    offers: ClassVar[frozenset[Ability]] = frozenset(
        ("batch", "history", "joins", "nodes", "plain", "publish", "recovery", "sockets")
    )
    differs = (
        "history and recovery on with River's window; memory engine, Redis engine between nodes",
        "its pushes carry no event name",
    )

    def is_here(self) -> bool:
        """Whether it was installed before."""
        return has(KEPT, KEPT)

    def install(self) -> str:
        """Build it from the Go module proxy."""
        told = run("go", "version", "-m", str(from_go(KEPT, MODULE)))
        lines = (line.split() for line in told.splitlines())
        return next(line[2] for line in lines if line[:1] == ["mod"])

    def channel(self, name: str) -> str:
        """Presence is an option of a namespace, whose name ends with a colon."""
        return name.replace("presence-", "presence:", 1)

    @contextmanager
    def start(self, ask: Ask) -> Generator[PeerServer, None, None]:
        """One node; clients and publishers share its port, as by default."""
        port = free_port()
        engine = {"type": "redis", "redis": {"address": ask.broker}} if ask.broker else {}
        values = {
            "PORT": port,
            "SECRET": ask.keys.secret,
            "API_KEY": ask.keys.api_key,
            "ENGINE": json.dumps(engine),
            "HISTORY": HISTORY if ask.history else "",
        }
        config = ask.home / "config.json"
        config.write_text(filled(CONFIG, values), encoding="utf-8")
        command = [str(from_go(KEPT, MODULE)), "--config", str(config)]
        with running(command, ask.home, core=ask.core) as server:
            server.await_urls(f"http://127.0.0.1:{port}/health")
            yield PeerServer(
                pid=server.pid,
                websocket_url=f"ws://127.0.0.1:{port}/connection/websocket",
                publish_url=f"http://127.0.0.1:{port}",
                load=("--dialect", "centrifugo", "--api", "centrifugo"),
                api_key=ask.keys.api_key,
            )


class CentrifugoStreams(Centrifugo):
    """The same to clients of its unidirectional EventSource."""

    name = "centrifugo-sse"
    title = "Centrifugo, SSE"
    offers: ClassVar[frozenset[Ability]] = frozenset(("publish", "streams"))
    differs = (*Centrifugo.differs, "the unidirectional protocol, whose events have no id")

    @contextmanager
    def start(self, ask: Ask) -> Generator[PeerServer, None, None]:
        """The same process: what is asked for differs."""
        with super().start(ask) as server:
            url = server.websocket_url.removesuffix("connection/websocket")
            load = ("--dialect", "centrifugo-sse", "--api", "centrifugo")
            yield replace(server, websocket_url=url, load=load)
