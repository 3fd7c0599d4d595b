"""A real River behind real proxies, sick in the ways that real ones are."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# Test folders are no packages: what they share is made importable.
for folder in (TESTS / "broker", TESTS / "system", Path(__file__).parent):
    sys.path.insert(0, str(folder))

from doctor_certificates import Certificates  # noqa: E402
from doctor_cluster import Cluster  # noqa: E402
from doctor_proxies import Nginx  # noqa: E402


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a healthy River for the tests of this folder."""
    with ExitStack() as stack:
        yield Cluster(stack, tmp_path_factory)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return an authority of our own, with good and bad certificates."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Callable[..., Nginx]]:
    """Return what starts nginx with a server block."""
    with ExitStack() as stack:
        yield lambda config: stack.enter_context(Nginx(config, tmp_path))


@pytest.fixture(autouse=True)
def _no_settings_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("RIVER"):
            monkeypatch.delenv(name)
