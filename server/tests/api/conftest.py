"""One running API for all tests that need nothing special of it, with each way into it."""

from collections.abc import Iterator

import pytest
from api_server import DEADLINE_S, Doors, Served, serving
from redis_server import running

from riverd.broker.redis import calls as redis_calls


@pytest.fixture(scope="session", params=["socket", "lambda"], autouse=True)
def way_in(request: pytest.FixtureRequest) -> Iterator[None]:
    """Try everything on a socket with a memory broker, and through API Gateway with Redis."""
    Doors.kind = request.param
    if Doors.kind == "socket":
        yield
        return
    with running(databases=1_000) as Doors.redis:
        yield


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried here is another thing than time, and the machine may be very busy."""
    monkeypatch.setattr(redis_calls, "SILENCE_S_MAX", DEADLINE_S)


@pytest.fixture(scope="session")
def api(way_in: None) -> Iterator[Served]:
    del way_in
    with serving() as served:
        yield served
