"""A real River behind real proxies, sick in the ways that real ones are."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from doctor_certificates import Certificates
from doctor_cluster import Cluster
from doctor_proxies import Nginx


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
