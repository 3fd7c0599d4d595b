"""What the doctor found at one hop."""

from collections.abc import Iterable
from enum import Enum

import msgspec


class Status(Enum):
    """How a hop is."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"
    SKIPPED = "skipped"
    """There is nothing to look at, or nobody wanted to."""
    NOT_CHECKED = "not checked"
    """It should have been looked at, and something was missing for that."""


class WalkOutcome(Enum):
    """What all findings together come to."""

    FINE = "fine"
    NOT_CHECKED = "not checked"
    BROKEN = "broken"


class Finding(msgspec.Struct, frozen=True):
    """A hop, how it is, what was seen, and what to do about it where something is wrong."""

    check: str
    status: Status
    message: str
    cure: str = ""
    ms: float | None = None
    """How long it took, where that says something."""


def outcome_of(findings: Iterable[Finding]) -> WalkOutcome:
    """What findings come to: what was not checked is not fine."""
    found = {one.status for one in findings}
    if Status.BROKEN in found:
        return WalkOutcome.BROKEN
    return WalkOutcome.NOT_CHECKED if Status.NOT_CHECKED in found else WalkOutcome.FINE


def ok(check: str, message: str, *, ms: float | None = None) -> Finding:
    """Nothing to complain of."""
    return Finding(check, Status.OK, message, ms=ms)


def skipped(check: str, why: str) -> Finding:
    """There was nothing to look at, or nobody wanted to."""
    return Finding(check, Status.SKIPPED, why)


def not_checked(check: str, why: str) -> Finding:
    """It could not be looked at: nobody knows whether it works."""
    return Finding(check, Status.NOT_CHECKED, why)


def warning(check: str, message: str, *, cure: str) -> Finding:
    """It works, but not well or not for long."""
    return Finding(check, Status.WARNING, message, cure)


def broken(check: str, message: str, *, cure: str) -> Finding:
    """It does not work."""
    return Finding(check, Status.BROKEN, message, cure)
