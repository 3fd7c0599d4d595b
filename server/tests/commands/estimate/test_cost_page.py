"""The cost page shows what the command says today."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "docs" / "deploy" / "cost.md"


def test_page_and_drawings_are_those_of_the_command() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "cost_page.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_price_on_the_page_was_written_by_hand() -> None:
    text = PAGE.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert re.search(r"<!-- = [a-z ]+ -->[\d,]+<!-- / --> \$", prose)
    left = re.sub(r"<!-- = .*?<!-- / -->", "", prose)
    assert re.search(r"\d+(\.\d+)? ?\$|\$ ?\d", left) is None
