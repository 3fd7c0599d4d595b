"""What a result must name to be compared: commit, versions, machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("riverd", "picows", "uvloop", "msgspec", "httptools", "PyJWT")


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def commit() -> str:
    """The short name of the commit, with `+` when tracked files differ from it."""
    name = _said("git", "rev-parse", "--short", "HEAD")
    changed = _said("git", "status", "--porcelain", "--untracked-files=no")
    return name + ("+" if changed not in ("", "unknown") else "")


def facts() -> dict[str, object]:
    """Everything about the machine and the code that a figure depends on."""
    return {
        "commit": commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "kernel": platform.release(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
        "compiler": _said("gcc", "-dumpfullversion"),
        "node": _said("node", "--version"),
        "go": _said("go", "env", "GOVERSION"),
        "redis": _said("redis-server", "--version"),
        "packages": {name: _version(name) for name in PACKAGES},
        "river_settings": {k: v for k, v in os.environ.items() if k.startswith("RIVER_")},
    }
