"""Waiting for what nobody tells of."""

import time
from collections.abc import Callable

DEADLINE_S = 90.0


def becomes(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)
