"""What CI runs: a developer's shell adds nothing to it."""

import ast
import os
import subprocess
from pathlib import Path

from container_engine import ROOT

LOOK_ON_THE_PATH = {
    "cli.py": "warns a user whose shell finds another `river`",
    "console_page.py": "the browser, which the set-up installs",
    "container_engine.py": "an engine that runs is used, and another is installed by the set-up",
    "doctor_proxies.py": "with the folders of servers, where the set-up puts them",
    "greeting.py": "names `river` as the user's shell finds it",
    "installing.py": "what the peers of the bench need is installed by it",
    "lambda_package.py": "a user's own uv, where the environment has neither pip nor uv",
    "proc.py": "measures without taskset too",
    "test_autobahn.py": "the suite runs on Python 2.7, which hardly anybody has",
    "test_dev.py": "curl, which the set-up installs",
    "test_load.py": "a compiler, which the set-up installs",
    "test_pages.py": "the browser, which the set-up installs",
    "toolkit.py": "a user's own Node",
}
"""Everything else is called by its name, and where that fails the name is in the message."""


def shown(home: Path, **environment: str) -> dict[str, str]:
    """The environment of make, when `.ci/run` is started in this one."""
    done = subprocess.run(
        [ROOT / ".ci" / "run", "--file", "-", "shown"],
        input="shown: ; @env\n",
        env={**os.environ, "HOME": str(home), **environment},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {name: value for name, _, value in pairs}


def test_developers_programs_and_variables_are_left_out(tmp_path: Path) -> None:
    path = f"{tmp_path}:{os.environ['PATH']}"
    found = shown(tmp_path, PATH=path, RIVER_CACHE="/elsewhere", PYTHONPATH=str(tmp_path))
    assert not {"RIVER_CACHE", "PYTHONPATH", "VIRTUAL_ENV"} & set(found)
    first, *rest = found["PATH"].split(":")
    assert set(rest) == {
        *("/usr/local/bin", "/usr/bin", "/bin"),
        *("/usr/local/sbin", "/usr/sbin", "/sbin"),
    }
    assert not Path(first).exists(), "the folder of wrappers was left behind"
    assert found["HOME"] != str(tmp_path)


def test_package_indexes_of_the_machine_are_kept(tmp_path: Path) -> None:
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "pip" / "pip.conf").write_text("[global]\ntimeout = 7\n", "utf-8")
    settings = {"PIP_INDEX_URL": "https://pypi.example/simple", "https_proxy": "http://proxy:3128"}
    assert shown(tmp_path, **settings).items() >= settings.items()
    done = subprocess.run(
        [ROOT / ".ci" / "run", "--file", "-", "shown"],
        input='shown: ; @cat "$(HOME)/.config/pip/pip.conf"\n',
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "timeout = 7" in done.stdout


def test_nothing_depends_on_what_happens_to_be_on_a_path() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    ).stdout.splitlines()
    looking = {Path(name).name for name in listed if _looks_on_the_path(ROOT / name)}
    assert looking <= LOOK_ON_THE_PATH.keys()


def _looks_on_the_path(path: Path) -> bool:
    if not path.exists():  # moved, and not yet committed
        return False
    names = (
        node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Attribute)
    )
    return any(node.attr == "which" and ast.unparse(node) == "shutil.which" for node in names)
