"""Whether all places say one version: `python3 scripts/release_check.py VERSION`."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES = {
    "server/pyproject.toml": r'^version = "(.+)"',
    "server/src/riverd/__init__.py": r'^__version__ = "(.+)"',
    "clients/python/pyproject.toml": r'^version = "(.+)"',
    "deploy/aws/pyproject.toml": r'^version = "(.+)"',
    "clients/js/package.json": r'^  "version": "(.+)"',
    "clients/js/dist/river.min.js": r"^/\* River (\S+) \*/",
    "deploy/helm/river/Chart.yaml": r'^appVersion: "(.+)"',
    "deploy/compose/compose.yaml": r"riverlive/river:(?:\$\{\w+:-)?([0-9][^\s}]+)",
    "README.md": r"^Version ([0-9][^\s,]+)",
    "docs/index.md": r"^Version ([0-9][^\s,]+)",
    "CHANGELOG.md": r"^## ([0-9][^\s,]+)",
}
"""Files, and where in them the version stands."""


def said() -> dict[str, str]:
    """The version that each place says, empty where none stands."""
    versions = {}
    for name, pattern in PLACES.items():
        found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        versions[name] = found[1] if found else ""
    return versions


def main() -> None:
    """Print the places that say another version, and exit with 1 if there are any."""
    wrong = {name: version for name, version in said().items() if version != sys.argv[1]}
    for name, version in wrong.items():
        print(f"{name}: {version or 'no version found'} instead of {sys.argv[1]}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
