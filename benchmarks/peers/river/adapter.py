"""River itself, as its settings are when nobody changes them."""

from __future__ import annotations

import json
import platform
import sys
from contextlib import contextmanager
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, ClassVar

from peers.contender import Ability, Ask, Contender, PeerServer
from serving import free_port, running

if TYPE_CHECKING:
    from collections.abc import Generator

    from peers.contender import Side

SIDES: dict[Side, tuple[str, ...]] = {
    "gateway": ("gateway",),
    "api": ("api",),
    "dev": ("gateway", "api"),
}


class River(Contender):
    """The system that this bench belongs to."""

    name = "river"
    title = "River"
    offers: ClassVar[frozenset[Ability]] = frozenset(
        ("batch", "history", "joins", "nodes", "plain", "publish", "recovery", "sockets")
    )
    path: ClassVar[str] = "/ws"
    load: ClassVar[tuple[str, ...]] = ()

    def is_here(self) -> bool:
        """Whether it was installed before."""
        return True

    def install(self) -> str:
        """Nothing to do: it is in the environment that runs this. Its interpreter matters."""
        return f"{metadata.version('riverd')} on Python {platform.python_version()}"

    @contextmanager
    def start(self, ask: Ask) -> Generator[PeerServer, None, None]:
        """One process; `river dev` when both sides are used."""
        ports = {"gateway": free_port(), "api": free_port()}
        environment = {
            "RIVER_SECRETS": ask.keys.secret,
            "RIVER_API_KEYS": ask.keys.api_key,
            "RIVER_PORT": str(ports["gateway"]),
            "RIVER_API_PORT": str(ports["api"]),
            "RIVER_DRAIN_S": "0",
            **({} if ask.history else {"RIVER_HISTORY_SIZE": "0"}),
            **({"RIVER_BROKER": ask.broker} if ask.broker else {}),
            **self.settings(ask),
        }
        sides = SIDES[ask.side]
        command = [sys.executable, "-m", "riverd", ask.side]
        with running(command, ask.home, environment=environment, core=ask.core) as server:
            server.await_urls(*(f"http://127.0.0.1:{ports[side]}/readyz" for side in sides))
            yield PeerServer(
                pid=server.pid,
                websocket_url=(
                    f"ws://127.0.0.1:{ports['gateway']}{self.path}" if "gateway" in sides else ""
                ),
                publish_url=f"http://127.0.0.1:{ports['api']}" if "api" in sides else "",
                metrics_url=f"http://127.0.0.1:{ports[sides[0]]}/metrics",
                load=self.load,
                api_key=self.shown_key(ask),
            )

    def settings(self, ask: Ask) -> dict[str, str]:
        """What it is given besides."""
        del ask
        return {}

    def shown_key(self, ask: Ask) -> str:
        """What publishers show."""
        return ask.keys.api_key


class RiverStreams(River):
    """The same over HTTP streaming."""

    name = "river-sse"
    title = "River, SSE"
    offers: ClassVar[frozenset[Ability]] = frozenset(("publish", "recovery", "streams"))

    @contextmanager
    def start(self, ask: Ask) -> Generator[PeerServer, None, None]:
        """The same process: what is asked for differs."""
        with super().start(ask) as server:
            yield replace(server, load=("--dialect", "native-sse"))


class RiverPusher(River):
    """River for clients and back ends of Pusher's protocol."""

    name = "river-pusher"
    title = "River, Pusher's protocol"
    offers: ClassVar[frozenset[Ability]] = frozenset(("history", "plain", "publish", "sockets"))
    differs = ("batches of up to 10",)
    path = "/app/bench?protocol=7&client=load&version=1.0"
    load = ("--dialect", "pusher", "--api", "pusher")

    def channel(self, name: str) -> str:
        """Only private channels want to know who comes."""
        return f"private-{name}"

    def settings(self, ask: Ask) -> dict[str, str]:
        """One app, which has channels of its own."""
        return {"RIVER_APPS": json.dumps([{"id": "1", "key": "bench", "secret": ask.keys.secret}])}

    def shown_key(self, ask: Ask) -> str:
        """What requests are signed with."""
        return f"bench:{ask.keys.secret}"
