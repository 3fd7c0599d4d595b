"""What the tests of deploy/ share: an engine, and River's image in it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Test folders are no packages: what they share is made importable.
sys.path.insert(0, str(Path(__file__).parent))

import container_engine
from container_engine import Engine
from river_image import Image, built


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """Return a container engine; one that was started for this module ends with it."""
    with container_engine.engine() as running:
        yield running


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Return River's image, built by `make image`. What did not change is not built again."""
    return built(engine, tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def network(engine: Engine) -> Iterator[str]:
    """Return a network for containers."""
    name = f"river-test-{os.getpid()}"
    engine("network", "create", name)
    yield name
    engine("network", "rm", name)
