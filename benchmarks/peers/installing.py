"""Getting other systems from their package registries into a folder of this bench."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from peers.contender import UnavailableError

BUILD = Path(__file__).resolve().parent / "build"
DONE = "version"
SAID_MAX = 300
RELEASE = {"CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_STRIP": "symbols"}


def folder_of(name: str) -> Path:
    """Where a peer is kept."""
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def has(name: str, *parts: str) -> bool:
    """Whether this was made in the peer's folder."""
    return BUILD.joinpath(name, *parts).exists()


def run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What the command prints.

    Raises:
        UnavailableError: There is no such command, or it failed.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise UnavailableError(f"{command[0]} is not here") from error
    if done.returncode != 0:
        words = " ".join((done.stderr or done.stdout).split())
        raise UnavailableError(f"`{' '.join(command[:4])}` failed: {words[-SAID_MAX:]}")
    return done.stdout


def from_debian(name: str, *packages: str) -> Path:
    """Unpack Debian packages into the peer's folder: no root, and no service is started.

    Raises:
        UnavailableError: There is no apt here, or no such package.
    """
    root = folder_of(name) / "root"
    if (root / DONE).exists():
        return root
    if shutil.which("apt-get") is None:
        raise UnavailableError("there is no apt here to fetch it with")
    with tempfile.TemporaryDirectory(prefix="river-bench-") as folder:
        run(
            "apt-get",
            "-qq",
            "-o",
            "APT::Sandbox::User=root",
            "download",
            *packages,
            cwd=Path(folder),
        )
        fetched = sorted(Path(folder).glob("*.deb"))
        for package in fetched:
            run("dpkg-deb", "--extract", str(package), str(root))
        shutil.rmtree(root / "usr" / "share", ignore_errors=True)
        names = "\n".join(package.stem for package in fetched)
    (root / DONE).write_text(names, encoding="utf-8")
    return root


def from_npm(name: str, source: Path) -> Path:
    """Copy a peer's server and install what its package-lock.json names.

    Raises:
        UnavailableError: There is no npm here, or no registry.
    """
    folder = folder_of(name)
    for file in source.iterdir():
        if file.suffix in (".json", ".js", ".cjs", ".mjs"):
            shutil.copy2(file, folder / file.name)
    wanted = (source / "package-lock.json").read_bytes()
    kept = folder / DONE
    if kept.exists() and kept.read_bytes() == wanted:
        return folder
    run("npm", "ci", "--no-audit", "--no-fund", cwd=folder)
    kept.write_bytes(wanted)
    return folder


def from_go(name: str, module: str) -> Path:
    """Build a Go program; its path.

    Raises:
        UnavailableError: There is no Go here, or it does not build.
    """
    folder = folder_of(name)
    program = folder / name
    if not program.exists():
        run("go", "install", module, env={"GOBIN": str(folder), "CGO_ENABLED": "0"})
    return program


def from_cargo(name: str, version: str, *, features: str) -> Path:
    """Build a Rust program with these features, optimised, without LTO; its path.

    It takes half an hour where two cores are free.

    Raises:
        UnavailableError: There is no cargo here, or it does not build.
    """
    folder = folder_of(name)
    program = folder / "bin" / name
    if not program.exists():
        built = folder / "target"
        run(
            *("cargo", "install", name, "--version", version, "--locked", "--root", str(folder)),
            *("--no-default-features", "--features", features),
            env={"CARGO_TARGET_DIR": str(built), **RELEASE, **_protoc()},
        )
        shutil.rmtree(built, ignore_errors=True)
    return program


def _protoc() -> dict[str, str]:
    """How a build finds protoc: nothing to say when it is installed."""
    if shutil.which("protoc") is not None:
        return {}
    packages = ("protobuf-compiler", "libprotoc32", "libprotobuf32", "libprotobuf-dev")
    root = from_debian("protoc", *packages)
    libraries = map(str, (root / "usr" / "lib").glob("*-linux-*"))
    return {
        "PROTOC": str(root / "usr" / "bin" / "protoc"),
        "PROTOC_INCLUDE": str(root / "usr" / "include"),
        "LD_LIBRARY_PATH": ":".join(libraries),
    }


def version_in(root: Path, package: str) -> str:
    """The version of an unpacked Debian package."""
    for line in (root / DONE).read_text(encoding="utf-8").splitlines():
        found, version, *_ = line.split("_")
        if found == package:
            return version.replace("%3a", ":").partition(":")[2] or version
    return "unknown"
