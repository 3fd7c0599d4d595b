"""Tries once more what failed in the last run of the tests, and says so.

Many tests start servers and browsers and break networks, and a machine that is busy with something
else can fail one. Arguments are pytest's. Exits with 1 if too much failed for an accident.
"""

import json
import subprocess
import sys
from pathlib import Path

FAILED = Path(".pytest_cache/v/cache/lastfailed")
FILES_MAX = 3


def main() -> int:
    """Run them; gives the exit code."""
    failed = sorted(json.loads(FAILED.read_text("utf-8"))) if FAILED.exists() else []
    if not failed or len({name.partition("::")[0] for name in failed}) > FILES_MAX:
        return 1
    print("\nOnce more, one after the other, what failed:", *failed, sep="\n  ", flush=True)
    command = [sys.executable, "-m", "pytest", "--last-failed", "--last-failed-no-failures=none"]
    code = subprocess.run([*command, *sys.argv[1:]], check=False).returncode
    if code == 0:
        print("\nFailed at first and passed now, each worth a look:", *failed, sep="\n  ")
    return code


if __name__ == "__main__":
    sys.exit(main())
