"""What one step of `river verify` has shown."""

from collections.abc import Iterable
from enum import Enum

import msgspec


class PromiseVerdict(Enum):
    """How a promise has fared."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_CHECKED = "not checked"


class PromiseCheck(msgspec.Struct, frozen=True):
    """One promise, what was seen of it, and the figure beside its limit where there is one."""

    promise: str
    verdict: PromiseVerdict
    seen: str
    figure: float | None = None
    limit: float | None = None
    unit: str = ""
    details: tuple[str, ...] = ()


def judged(promise: str, seen: str, *, kept: bool, details: Iterable[str] = ()) -> PromiseCheck:
    """A promise that is kept or broken."""
    verdict = PromiseVerdict.KEPT if kept else PromiseVerdict.BROKEN
    return PromiseCheck(promise, verdict, seen, details=tuple(details))


def within(promise: str, seen: str, *, limit: float, figure: float, unit: str) -> PromiseCheck:
    """A promise with a limit, kept if the figure is not above it."""
    verdict = PromiseVerdict.KEPT if figure <= limit else PromiseVerdict.BROKEN
    return PromiseCheck(promise, verdict, seen, figure=round(figure, 3), limit=limit, unit=unit)


def not_checked(promise: str, why: str) -> PromiseCheck:
    """A promise of which nothing is known."""
    return PromiseCheck(promise, PromiseVerdict.NOT_CHECKED, why)


def worst(proofs: Iterable[PromiseCheck]) -> PromiseVerdict:
    """What proofs come to: what was not checked is not kept."""
    verdicts = {one.verdict for one in proofs}
    for one in (PromiseVerdict.BROKEN, PromiseVerdict.NOT_CHECKED):
        if one in verdicts:
            return one
    return PromiseVerdict.KEPT
