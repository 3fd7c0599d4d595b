"""Fixtures of the Python client's tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from real_river import api_line, line, running

__all__ = ["api_line", "line", "running"]
