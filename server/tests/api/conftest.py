"""One running API for all tests that need nothing special of it, with each way into it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Test folders are no packages: what the tests share is found beside them.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "broker"))

from api_server import DEADLINE_S, Doors, Served, serving
from redis_server import running

from riverd.broker import redis, redis_calls


@pytest.fixture(scope="session", params=["asgi", "lambda"], autouse=True)
def way_in(request: pytest.FixtureRequest) -> Iterator[None]:
    """Try everything through uvicorn with a memory broker, and through API Gateway with Redis."""
    Doors.kind = request.param
    if Doors.kind == "asgi":
        yield
        return
    with running(databases=1_000) as Doors.redis:
        yield


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried here is another thing than time, and the machine may be very busy."""
    monkeypatch.setattr(redis, "PUBLISH_WAIT_S", DEADLINE_S)
    monkeypatch.setattr(redis_calls, "SILENCE_S_MAX", DEADLINE_S)


@pytest.fixture(scope="session")
def api(way_in: None) -> Iterator[Served]:
    del way_in
    with serving() as served:
        yield served
