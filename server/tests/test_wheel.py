"""The built package: what users install, not the source tree."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from riverd import __version__

SERVER = Path(__file__).resolve().parents[1]

CHECK = """
import riverd, riverd.service.composition, riverd.broker.redis.scripts as scripts
from riverd.gateway.client_files import ClientFiles
print(riverd.__file__)
print(sorted(ClientFiles(riverd.service.composition.client_folder(), riverd.__version__)))
scripts.Scripts(scripts.DataHistory("0" * 40, "1" * 40))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=SERVER, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    target = folder / "installed"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(target)
    return target


def run(installed: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, env=environment, cwd=installed, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_wheel_has_the_browser_client_and_the_scripts_of_the_broker(installed: Path) -> None:
    where, modules = run(installed, "-c", CHECK).splitlines()
    assert where.startswith(str(installed))
    assert f"'/client/river-{__version__}.js'" in modules
    assert "'/client/src/connection.js'" in modules
    assert "'/client/src/connection.d.ts'" in modules


def test_wheel_has_the_whole_console(installed: Path) -> None:
    console = Path("riverd", "api", "console")
    wanted = {file.name for file in (SERVER / "src" / console).iterdir()}
    assert "trace.js" in wanted
    assert {file.name for file in (installed / console).iterdir()} == wanted


def test_wheel_has_the_command(installed: Path) -> None:
    assert "gateway" in run(installed, "-m", "riverd", "--help")
