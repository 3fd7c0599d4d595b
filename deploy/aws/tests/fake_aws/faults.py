"""What is to go wrong, as a test says."""

from .failures import StackError

FAILING: dict[str, str] = {}
"""Types of resources that cannot be made or changed now, and the reason that is given."""
MISSING: set[str] = set()
"""Services that the region is said not to have."""


def check(kind: str) -> None:
    """Fail if it was asked for.

    Raises:
        StackError: with the reason that was asked for.
    """
    if kind in FAILING:
        raise StackError(FAILING[kind])
