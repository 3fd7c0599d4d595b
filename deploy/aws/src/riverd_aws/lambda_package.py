"""The package of the Lambda functions: what they import, for ARM, made without Docker."""

import ast
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import riverd

PYTHON = "3.13"
PLATFORM = "manylinux2014_aarch64"
LOCK = Path(__file__).with_name("lambda.lock")
"""Versions and hashes of what is installed beside River's own files: `make lock` writes it."""
ENTRIES = ("riverd.aws.lambda_api", "riverd.aws.lambda_drain")
INSTALL_TIMEOUT_S = 300
_UNUSED = (
    *("__pycache__", "*.pyi", "tests", "bin", "*.c", "*.h", ".lock"),
    *("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"),
)


class PackageError(Exception):
    """The package cannot be made: one line that says why and what would help."""


@contextmanager
def assembled() -> Iterator[Path]:
    """A folder with the package, for as long as the toolkit needs to copy it.

    Raises:
        PackageError: one line.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "package"
        shutil.copytree(installed(), made)
        for path in needed_files(ENTRIES):
            copy = made / "riverd" / path.relative_to(root())
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        yield made


def distributions() -> list[str]:
    """What must be installed beside River's own files, as the function's module says it.

    It is read, not imported: an import would set the function up.
    """
    path = _path_of(ENTRIES[0])
    assert path is not None
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DISTRIBUTIONS":
            return [str(name) for name in ast.literal_eval(node.value) if name != "riverd"]
    raise AssertionError(f"{ENTRIES[0]} names no DISTRIBUTIONS")


def installed() -> Path:
    """A folder with the distributions of the lock, for ARM.

    It is kept: only the first time needs the package registry.

    Raises:
        PackageError: one line.
    """
    digest = hashlib.sha256(f"{PYTHON} {PLATFORM} ".encode() + LOCK.read_bytes()).hexdigest()[:20]
    target = cache() / f"lambda-{digest}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            made = Path(folder) / "made"
            _install(made)
            # Somebody else may have been faster; what he made is the same.
            with suppress(FileExistsError, OSError):
                made.rename(target)
    return target


def cache() -> Path:
    """Where packages are kept: RIVER_CACHE, or the user's cache folder."""
    chosen = os.environ.get("RIVER_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "river"


def needed_files(entries: Iterable[str]) -> Iterator[Path]:
    """River's own files that these modules need: what they import, and what stands beside that."""
    seen: set[str] = set()
    waiting = list(entries)
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        path = _path_of(module)
        if path is None:
            continue
        waiting += _imports_of(path, module)
        waiting.append(module.rpartition(".")[0])
        yield path
        if path.name == "__init__.py":
            yield from sorted(path.parent.rglob("*.lua"))


def _path_of(module: str) -> Path | None:
    """The file of one of River's modules, or None for a name that is none."""
    if module.partition(".")[0] != "riverd":
        return None
    place = root().joinpath(*module.split(".")[1:])
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


def root() -> Path:
    """The folder of the package riverd."""
    assert riverd.__file__ is not None
    return Path(riverd.__file__).parent


def _imports_of(path: Path, module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _install(target: Path) -> None:
    command = [*_installer(), "--target", str(target), "--no-deps", "--quiet", "--require-hashes"]
    done = subprocess.run(  # noqa: S603  an installer and a file of our own
        [*command, "--requirement", str(LOCK)],
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise PackageError(
            f"the Lambda package cannot be made, {' '.join(distributions())} for {PLATFORM} did "
            f"not install ({last}): this needs the package registry once"
        )
    for pattern in _UNUSED:
        for path in sorted(target.rglob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _installer() -> list[str]:
    """Pip or uv of this Python's environment, else uv on the path."""
    if importlib.util.find_spec("pip") is not None:
        pip = ["--platform", PLATFORM, "--python-version", PYTHON, "--implementation", "cp"]
        return [sys.executable, "-m", "pip", "install", *pip, "--only-binary=:all:"]
    beside = Path(sysconfig.get_path("scripts")) / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        raise PackageError(
            "the Lambda package cannot be made without pip or uv: `python -m ensurepip` brings pip"
        )
    platform = ["--python-platform", "aarch64-manylinux2014", "--python-version", PYTHON]
    return [uv, "pip", "install", *platform, "--only-binary", ":all:"]


if __name__ == "__main__":
    installed()
