"""The package of the Lambda functions."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from riverd_aws import lambda_package
from riverd_aws.lambda_package import PackageError, assembled, distributions, needed_files, root

ROOT = Path(__file__).parents[3]
BYTES_MAX = 12_000_000
ARM = b"\xb7\x00"
"""e_machine of AArch64, in the head of an ELF file."""


def test_package_has_what_its_modules_import_and_nothing_else() -> None:
    provided = {"hiredis", "jwt", "msgspec", "riverd", "boto3", "botocore"}
    with assembled() as package:
        for path in (package / "riverd").rglob("*.py"):
            for name in _imported(path):
                assert name in provided | set(sys.stdlib_module_names), f"{path.name}: {name}"
        own = {path.name for path in package.iterdir() if not path.name.endswith(".dist-info")}
        assert own == {"hiredis", "jwt", "msgspec", "riverd"}


def _imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def test_compiled_parts_are_for_arm_and_python_3_13() -> None:
    with assembled() as package:
        compiled = list(package.rglob("*.so"))
        assert compiled
        for path in compiled:
            assert path.read_bytes()[18:20] == ARM
            assert "cpython-313" in path.name or "abi3" in path.name


def test_package_is_small() -> None:
    with assembled() as package:
        size = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
        assert size < BYTES_MAX


def test_lua_of_the_broker_comes_along() -> None:
    found = {path.name for path in needed_files(["riverd.broker.redis.broker"])}
    assert {path.name for path in (root() / "broker").rglob("*.lua")} <= found
    assert "websocket.py" not in found


def test_what_was_installed_once_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    once = lambda_package.installed()
    monkeypatch.setattr(subprocess, "run", None)
    assert lambda_package.installed() == once


def test_wheel_with_another_hash_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RIVER_CACHE", str(tmp_path / "cache"))
    lock = tmp_path / "lambda.lock"
    text = lambda_package.LOCK.read_text(encoding="utf-8")
    lock.write_text(re.sub(r"sha256:[0-9a-f]{64}", "sha256:" + 64 * "0", text), encoding="utf-8")
    monkeypatch.setattr(lambda_package, "LOCK", lock)
    with pytest.raises(PackageError, match="did not install"):
        lambda_package.installed()


def test_lock_of_the_package_is_a_part_of_the_whole_one() -> None:
    script = ROOT / "deploy" / "image" / "requirements.py"
    command = [sys.executable, script, "--alone", ROOT / "requirements.lock", *distributions()]
    wanted = subprocess.run(command, capture_output=True, check=True).stdout
    assert lambda_package.LOCK.read_bytes() == wanted, "run `make lock`"


@pytest.mark.parametrize("python", ["with pip", "with uv"])
def test_installer_of_the_environment_is_used(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    if python == "with uv":
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    program = lambda_package._installer()[0]
    assert Path(program).parent == Path(sys.executable).parent


def test_registry_that_is_away_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RIVER_CACHE", str(tmp_path))
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    with pytest.raises(PackageError, match="this needs the package registry once") as error:
        lambda_package.installed()
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
