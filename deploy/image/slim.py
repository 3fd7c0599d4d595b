"""Takes out of an environment what a server never uses, and says how much that was.

python slim.py /opt/river
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

# botocore describes every service of AWS, 25 MB of them. River reads secrets, and needs what gives
# it the right to: sts and the single sign-on services hand out credentials.
SERVICES_KEPT = frozenset({"secretsmanager", "sso", "sso-oidc", "signin", "sts"})
# boto3's resources, a second way to do what its clients do, are described beside it.
RESOURCES = ("boto3/data", "boto3/examples")
# Sources and headers of compiled modules.
SUFFIXES = frozenset({".c", ".cpp", ".h", ".pxd", ".pyx"})
# What tells an analyser about types, nobody else.
STUBS = ".pyi"


def left_out(packages: Path) -> Iterator[Path]:
    """Files and folders of site-packages that can go."""
    for service in (packages / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in SERVICES_KEPT:
            yield service
    yield from (packages / name for name in RESOURCES if (packages / name).exists())
    for path in packages.rglob("*"):
        if path.suffix in SUFFIXES or path.suffix == STUBS:
            yield path


def size_bytes(path: Path) -> int:
    """What lies in a file or folder."""
    inside = path.rglob("*") if path.is_dir() else [path]
    return sum(one.stat().st_size for one in inside if one.is_file())


def main() -> int:
    """Remove it all."""
    (packages,) = Path(sys.argv[1]).glob("lib/python3.*/site-packages")
    before = size_bytes(packages)
    for path in list(left_out(packages)):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    sys.stdout.write(f"site-packages: {before >> 20} MB, now {size_bytes(packages) >> 20} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
