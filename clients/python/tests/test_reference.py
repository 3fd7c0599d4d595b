"""The reference in the documentation is what the docstrings say."""

import subprocess
import sys
from pathlib import Path

import river_realtime

ROOT = Path(__file__).parents[3]


def test_reference_is_what_the_docstrings_say() -> None:
    script = ROOT / "scripts" / "python_reference.py"
    subprocess.run([sys.executable, script, "--check"], check=True)


def test_all_that_is_offered_stands_in_the_reference() -> None:
    page = (ROOT / "docs" / "clients" / "python.md").read_text()
    assert [name for name in river_realtime.__all__ if f"\n### {name}\n" not in page] == []
