"""One running API for all tests that need nothing special of it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Test folders are no packages: what the tests share is found beside them.
sys.path.insert(0, str(Path(__file__).parent))

from api_server import Served, serving


@pytest.fixture(scope="session")
def api() -> Iterator[Served]:
    with serving() as served:
        yield served
