"""What is to go wrong, as a test says."""

import threading

from .failures import StackError

FAILING: dict[str, str] = {}
"""Types of resources that cannot be made or changed now, and the reason that is given."""
MISSING: set[str] = set()
"""Services that the region is said not to have."""
REFUSED: dict[str, str] = {}
"""Services that refuse every request, and the code of the error that they give."""
HELD: dict[str, threading.Event] = {}
"""Types of resources that take until they are let go."""
HOLD_S_MAX = 300.0


def check(kind: str) -> None:
    """Wait or fail if it was asked for.

    Raises:
        StackError: with the reason that was asked for.
    """
    if kind in HELD and not HELD[kind].wait(HOLD_S_MAX):
        raise StackError(f"nobody let {kind} go")
    if kind in FAILING:
        raise StackError(FAILING[kind])


def hold(kinds: dict[str, str]) -> None:
    """Hold these types from now on, and let all others go."""
    for kind in [kind for kind in HELD if kind not in kinds]:
        HELD.pop(kind).set()
    for kind in kinds:
        HELD.setdefault(kind, threading.Event())
