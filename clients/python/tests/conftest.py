"""Fixtures of the Python client's tests."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
# The server's tests have a runner of protocol/cases, whose parts serve here too.
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "server" / "tests" / "support")]

from real_river import api_proxy, gateway_proxy, running  # noqa: E402  it is found now

__all__ = ["api_proxy", "gateway_proxy", "running"]
