"""The machine's own bound: a loop of send() in C that knows no protocol."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from loader import HERE
from peers.contender import Ability, Ask, Contender, PeerServer
from serving import running

if TYPE_CHECKING:
    from collections.abc import Generator

LIMIT = HERE / "load" / "build" / "limit"
REST_S = 2.0


class Limit(Contender):
    """No service: it shows what the kernel takes from one core."""

    name = "limit"
    title = "limit: send() in C"
    offers: ClassVar[frozenset[Ability]] = frozenset(("sockets",))
    differs = ("one ready frame a write, no protocol, no publishers: the machine's own bound",)

    def is_here(self) -> bool:
        """Whether it was installed before."""
        return LIMIT.exists()

    def install(self) -> str:
        """It is built with the generator."""
        return "this bench's"

    @contextmanager
    def start(self, ask: Ask) -> Generator[PeerServer, None, None]:
        """It begins to send when all have subscribed, and goes on for the window and a rest."""
        command = [str(LIMIT), *ask.options, "--seconds", str(ask.seconds + REST_S)]
        with running(command, ask.home, core=ask.core) as server:
            server.await_that(lambda: "\n" in server.said())
            port = json.loads(server.said().partition("\n")[0])["port"]
            yield PeerServer(server.pid, f"ws://127.0.0.1:{port}/ws", "")
