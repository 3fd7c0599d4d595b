"""One system that can be put under load: how it is had, started, and what it can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from keys import RunKeys

Side = Literal["dev", "gateway", "api", "limit"]
Ability = Literal[
    "batch", "history", "joins", "nodes", "plain", "publish", "recovery", "sockets", "streams"
]


class UnavailableError(Exception):
    """This system cannot be had here; the message says why, in a line."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a scenario wants of a server.

    Attributes:
        keys: The secret and the API key of this round.
        home: A folder of its own, for configuration and log.
        side: Which of its sides are used: clients (gateway), publishers (api), both (dev).
        history: Channels keep their last publications, as far as the system can.
        broker: The Redis between several nodes, empty when there is one node.
        core: The core to run on, None for any.
        seconds: How long the window is, for a server that sends by itself.
        options: Of the limit server.
    """

    keys: RunKeys
    home: Path
    side: Side = "dev"
    history: bool = True
    broker: str = ""
    core: int | None = 0
    seconds: float = 0.0
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class PeerServer:
    """A running server and where it listens; an empty URL: it has no such side.

    Attributes:
        pid: Of the first process; its children count as well.
        websocket_url: Where clients connect, also those of Server-Sent Events.
        publish_url: Where back ends publish.
        metrics_url: Of a Prometheus text that this bench can read.
        load: How the generator must speak to it: options of its own.
        api_key: What publishers show.
        others: More processes that belong to it.
    """

    pid: int
    websocket_url: str
    publish_url: str
    metrics_url: str = ""
    load: tuple[str, ...] = ()
    api_key: str = ""
    others: tuple[int, ...] = field(default=())

    @property
    def pids(self) -> tuple[int, ...]:
        """All processes whose CPU and memory are the server's."""
        return (self.pid, *self.others)


class Contender(ABC):
    """An adapter: everything that the bench must know of one system.

    Attributes:
        name: How it is asked for.
        title: How the report calls it.
        offers: What it can do; a scenario that needs more leaves it out.
        differs: Where its work is not the same as River's, for the report.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    offers: ClassVar[frozenset[Ability]]
    differs: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def is_here(self) -> bool:
        """Whether it was installed before."""

    @abstractmethod
    def install(self) -> str:
        """Have it ready under `peers/build` and return its version.

        Raises:
            UnavailableError: It cannot be had here.
        """

    @abstractmethod
    def start(self, ask: Ask) -> AbstractContextManager[PeerServer]:
        """Run it, ready, until the block ends.

        Raises:
            RuntimeError: It did not come up; the message has the end of its log.
        """

    def token(self, keys: RunKeys, user: str) -> str:
        """What a client shows: a JWT, where the system has no way of its own."""
        return keys.token(user)

    def channel(self, name: str) -> str:
        """How this system calls a channel of a scenario, with its `%d` if it has one."""
        return name
