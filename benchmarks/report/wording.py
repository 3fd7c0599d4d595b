"""Numbers as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from report.outcome import Seen

MILLION = 1_000_000
TEN_THOUSAND = 10_000
THOUSAND = 1000
HUNDRED = 100
TEN = 10


def plain(number: float) -> str:
    """Three digits that matter, with a word for millions."""
    size = abs(number)
    if size >= MILLION:
        return f"{number / MILLION:.3g} million"
    if size >= TEN_THOUSAND:
        return f"{round(number, -2):,.0f}"
    if size >= THOUSAND:
        return f"{round(number, -1):,.0f}"
    if size >= HUNDRED:
        return f"{number:.0f}"
    return f"{number:.1f}" if size >= TEN else f"{number:.2g}"


def short(number: float) -> str:
    """As short as an axis wants it."""
    size = abs(number)
    if size >= MILLION:
        return f"{number / MILLION:g}M"
    if size >= THOUSAND:
        return f"{number / THOUSAND:g}k"
    return f"{number:g}"


def with_unit(number: float, unit: str) -> str:
    """A number and what it counts."""
    return plain(number) + (unit if unit in ("", "/s") else f" {unit}")


def value(seen: Seen) -> str:
    """The median with its unit."""
    return with_unit(seen.middle, seen.unit)


def times(ratio: float) -> str:
    """A ratio."""
    if ratio == float("inf"):
        return "no comparison"
    return f"{ratio:.0f}x" if ratio >= TEN else f"{ratio:.2g}x"
