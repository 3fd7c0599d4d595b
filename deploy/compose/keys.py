"""Makes secrets for compose.yaml, each once, in files that only River may read.

    keys.py make                  what is missing
    keys.py rotate secrets        a new token secret; the one before stays good until the next time
    keys.py rotate api-keys       the same for the key that may publish

River reads them again every minute, without a restart.
"""

import os
import secrets
import sys
from pathlib import Path

ROOT = Path(os.environ.get("RIVER_KEYS_ROOT", "/var/lib/river"))
SECRETS, API_KEYS = ROOT / "keys" / "secrets", ROOT / "api" / "api-keys"
PASSWORD, VALKEY = ROOT / "broker" / "password", ROOT / "broker" / "valkey.conf"
ROTATED = {"secrets": SECRETS, "api-keys": API_KEYS}


def fresh() -> str:
    """256 random bits."""
    return secrets.token_hex(32)


def write(path: Path, text: str) -> None:
    """Write the whole file or nothing, readable by its owner only."""
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)


def make() -> str:
    """Make what is missing."""
    missing = [path for path in (SECRETS, API_KEYS, PASSWORD) if not path.exists()]
    for path in missing:
        write(path, fresh())
    # Whatever the password is: Valkey's configuration has the same.
    write(VALKEY, f"requirepass {PASSWORD.read_text(encoding='ascii').strip()}\n")
    return f"made: {', '.join(path.name for path in missing) or 'nothing, all is there'}"


def rotate(path: Path) -> str:
    """Put a new one first; the first of before stays good, older ones go."""
    before = path.read_text(encoding="ascii").split(",")[0].strip()
    write(path, f"{fresh()},{before}")
    return f"{path.name}: a new one signs; the one before is good until you rotate again"


def main() -> int:
    """Do it, and say what was done; never what was made."""
    words = sys.argv[1:]
    if words == ["make"]:
        said = make()
    elif len(words) == 2 and words[0] == "rotate" and words[1] in ROTATED:  # noqa: PLR2004  two words
        said = rotate(ROTATED[words[1]])
    else:
        sys.stderr.write("usage: keys.py make | rotate secrets | rotate api-keys\n")
        return 2
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
