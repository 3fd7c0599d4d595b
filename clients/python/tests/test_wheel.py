"""The built package: what users install, not the source tree, with what it says it needs."""

import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from real_river import Running

PACKAGE = Path(__file__).parents[1]

CHECK = """
import asyncio, sys
import river_realtime
from river_realtime import AsyncRiver, River, Subscriber, sign_token

url, api_url, key, secret = sys.argv[1:]

async def main():
    with River(api_url, key) as river:
        river.publish("py-wheel", "post", "from the wheel")
    async with Subscriber(url, sign_token(secret, "ann"), "py-wheel", history=1) as subscriber:
        print((await anext(subscriber)).data)

print(river_realtime.__file__)
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel's content and nothing else but what it requires."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=PACKAGE, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    target = folder / "installed"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(target)
    (metadata,) = target.glob("*.dist-info")
    link_what_is_required(PathDistribution(metadata), target)
    return target


def link_what_is_required(package: Distribution, target: Path) -> None:
    for requirement in map(Requirement, package.requires or []):
        # Without those for extras and other Pythons.
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        required = distribution(requirement.name)
        for top in {file.parts[0] for file in required.files or [] if file.parts[0] != ".."}:
            if not (target / top).exists():
                (target / top).symlink_to(Path(str(required.locate_file(top))))
        link_what_is_required(required, target)


def test_wheel_works_with_what_it_says_it_needs(installed: Path, running: Running) -> None:
    where = [running.url, running.api_url, running.key, running.secret]
    # -S: nothing of the environment that runs this test.
    command = [sys.executable, "-S", "-W", "error", "-c", CHECK, *where]
    done = subprocess.run(
        command,
        env={"PYTHONPATH": str(installed)},
        cwd=installed,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    file, data = done.stdout.splitlines()
    assert Path(file).is_relative_to(installed)
    assert data == "from the wheel"


def test_wheel_has_types_and_no_tests(installed: Path) -> None:
    assert (installed / "river_realtime" / "py.typed").exists()
    assert not list(installed.glob("tests*"))


def test_wheel_tells_what_it_is(installed: Path) -> None:
    (metadata,) = installed.glob("river_realtime-*.dist-info")
    told = PathDistribution(metadata).metadata
    assert told["Name"] == "river-realtime"
    assert "from river_realtime import River" in str(told.get_payload())
