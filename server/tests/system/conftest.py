"""Starts processes for tests, and sees that they end well."""

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from redis_server import RedisServer, running
from river_process import KEYS, River, Start

BROKER_PASSWORD = "the password, of the broker"


class Rivers:
    """The servers of a test or of a module."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._started: list[River] = []

    def start(
        self,
        kind: str = "dev",
        *flags: str,
        settings: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> River:
        """A server that is ready; in a folder of its own, unless one is given."""
        river = River(
            kind,
            *flags,
            settings={**KEYS, **(settings or {})},
            folder=folder or self._factory.mktemp("river"),
        )
        self._started.append(river)
        return river

    def stop(self) -> None:
        """Stop all that were not stopped yet; every one has to run still, and to end well."""
        running = [river for river in self._started if not river.ended]
        try:
            for river in running:
                river.stop()
        finally:
            for river in running:
                river.kill()


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_works() -> Iterator[None]:
    """Let processes that are started know SIGINT: what runs in a shell's background does not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Return what starts servers for one test."""
    rivers = Rivers(tmp_path_factory)
    yield rivers.start
    rivers.stop()


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Return what starts servers for all tests of a module."""
    rivers = Rivers(tmp_path_factory)
    yield rivers.start
    rivers.stop()


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """Return a broker for servers of several kinds, with a password."""
    with running(requirepass=BROKER_PASSWORD) as server:
        yield server


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """Return a broker for one test."""
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def river(start_shared: Start) -> River:
    """Return a server with both planes and the usual settings, for all tests of a module."""
    return start_shared()
