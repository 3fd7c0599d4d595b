"""What is typed arrives, whatever the environment says of its encoding."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("typed", "shown"), [("josé".encode(), "josé"), (b"jos\xff", "jos\ufffd")])
def test_argument_is_utf8_where_the_locale_knows_only_ascii(
    tmp_path: Path, typed: bytes, shown: str
) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "riverd", typed],
        env={**os.environ, **plain, "PYTHONIOENCODING": "ascii"},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"No such command '{shown}'" in done.stderr.decode()
