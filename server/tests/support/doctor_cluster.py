"""A healthy River: a gateway and an API with a Redis between them."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis_server import RedisServer, running
from river_process import FREE_PORTS, KEYS, START_S_MAX, Command, ask


class Plane(Command):
    """A gateway or an API that runs and is ready."""

    def __init__(self, kind: str, settings: dict[str, str], folder: Path) -> None:
        super().__init__(kind, settings={**FREE_PORTS, **KEYS, **settings}, folder=folder)
        try:
            self.url: str = self.event(f"{kind}_ready")["url"]
            self.url = self.url.replace("ws://", "http://", 1).removesuffix("/ws")
            self._await_broker()
        except BaseException:
            self.kill()
            raise

    def _await_broker(self) -> None:
        deadline = time.monotonic() + START_S_MAX
        while ask(f"{self.url}/readyz")[0] != 200:
            assert time.monotonic() < deadline, self.stderr.text
            time.sleep(0.05)


class Cluster:
    """A gateway and an API with a Redis between them."""

    def __init__(self, stack: ExitStack, factory: pytest.TempPathFactory) -> None:
        self.redis: RedisServer = stack.enter_context(running())
        self._stack = stack
        self._factory = factory
        self.gateway = self.start("gateway")
        self.api = self.start("api")

    def start(self, kind: str, **settings: str) -> Plane:
        """Another process with the same broker, if the settings do not say otherwise."""
        usual = {"RIVER_BROKER": self.redis.url, "RIVER_DRAIN_S": "0"}
        plane = Plane(kind, {**usual, **settings}, self._factory.mktemp(kind))
        self._stack.callback(plane.kill)
        return plane
