"""Finds what the tests share: test folders are no packages."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
# A wire that can be cut, and a River: those of the forum's tests.
for folder in (HERE, HERE.parents[1] / "forum" / "tests" / "browser"):
    sys.path.insert(0, str(folder))
