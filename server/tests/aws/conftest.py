"""Functions as AWS runs them: events in, results out, one sandbox that lives on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lambdas import Lambda
from redis_server import RedisServer, running

PASSWORD = "the password, of the broker"


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    with running(requirepass=PASSWORD) as server:
        yield server


@pytest.fixture
def river(redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set a function's environment; return the folder with the files of what is secret."""
    kept = {
        "SECRETS": "s" * 32,
        "API_KEYS": "the-key-of-the-tests",
        "BROKER_PASSWORD": PASSWORD,
    }
    for name, text in kept.items():
        path = tmp_path / name.lower()
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv(f"RIVER_{name}_FROM", path.as_uri())
    monkeypatch.setenv("RIVER_BROKER", redis.url)
    # Room for a history that is larger than a function may answer.
    monkeypatch.setenv("RIVER_HISTORY_BYTES", "16777216")
    return tmp_path


@pytest.fixture
def river_lambda(river: Path) -> Iterator[Lambda]:
    del river
    made = Lambda()
    yield made
    made.host.close()
