"""Writes the figures of docs/deploy/cost.md and its drawings; with --check only compares.

The page says where each figure comes from: `<!-- curve: FLAGS -->` stands before a drawing, and
`<!-- = NAME -->` before a figure in the text (see `FIGURES`).
"""

import re
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from riverd.commands.estimate.command import drawing
from riverd.commands.estimate.curve import cost_curve
from riverd.commands.estimate.hosted import offers
from riverd.commands.estimate.load import Load
from riverd.commands.estimate.prices import prices
from riverd.commands.estimate.publishing import break_even_requests_per_s
from riverd.commands.estimate.stack import Choices
from riverd.commands.estimate.variants import CHEAPEST, DEFAULT, RESILIENT, variants

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "deploy" / "cost.md"

BUSY = Load(connections=10_000, messages_per_s=1)
QUIET = Load(connections=10_000, messages_per_s=1 / 60)
BATCHED = msgspec.structs.replace(BUSY, batch=100)
FLAT = Choices(cloudfront="flat")


def _usd(load: Load, name: str, choices: Choices | None = None) -> str:
    return f"{variants(load, choices or Choices())[name].total_usd:,.0f}"


def _item(load: Load, item: str) -> str:
    found = variants(load, Choices())[DEFAULT].items
    return f"{sum(one.usd for one in found if one.name.startswith(item)):,.0f}"


def _share(load: Load, choices: Choices | None = None) -> str:
    ours = variants(load, choices or Choices())[DEFAULT].total_usd
    return f"{ours / offers(load)[0].at_least_usd:.0%}"


def _break_even(load: Load) -> str:
    point = break_even_requests_per_s(load, Choices())
    return "never" if point is None else f"{point:.2g}"


FIGURES: Mapping[str, Callable[[], str]] = {
    "idle cheapest": lambda: _usd(Load(), CHEAPEST),
    "idle": lambda: _usd(Load(), DEFAULT),
    "idle resilient": lambda: _usd(Load(), RESILIENT),
    "quiet": lambda: _usd(QUIET, DEFAULT),
    "quiet share": lambda: _share(QUIET),
    "busy": lambda: _usd(BUSY, DEFAULT),
    "busy messages": lambda: f"{BUSY.messages_a_day / 1e6:,.0f}",
    "busy pusher": lambda: f"{offers(BUSY)[0].at_least_usd:,.0f}",
    "busy share": lambda: _share(BUSY),
    "busy data": lambda: _item(BUSY, "CloudFront, data"),
    "busy publishing": lambda: f"{float(_item(BUSY, 'API')) + float(_item(BUSY, 'Lambda')):,.0f}",
    "batched": lambda: _usd(BATCHED, DEFAULT),
    "batched flat": lambda: _usd(BATCHED, DEFAULT, FLAT),
    "break even idle": lambda: _break_even(Load()),
    "break even busy": lambda: _break_even(BUSY),
    "read": lambda: prices().read,
}

_CURVE = re.compile(r"<!-- curve: (?P<flags>.*?) -->\n\n?!\[[^\]]*\]\((?P<file>[^)]+)\)")
_FIGURE = re.compile(r"(<!-- = (?P<name>[a-z ]+) -->)[^<]*(?=<!-- / -->)")


def written() -> dict[Path, str]:
    """The page and its drawings, as they have to be."""
    page = PAGE.read_text(encoding="utf-8")
    page = _FIGURE.sub(lambda found: found[1] + FIGURES[found["name"]](), page)
    drawings = {
        (PAGE.parent / found["file"]).resolve(): _curve(found["flags"])
        for found in _CURVE.finditer(page)
    }
    return {PAGE: page, **drawings}


def _curve(flags: str) -> str:
    words = iter(shlex.split(flags))
    given = {flag.removeprefix("--").replace("-", "_"): float(next(words)) for flag in words}
    load = msgspec.convert(given, Load, strict=False)
    return drawing(cost_curve(load, Choices()), load)


def main() -> int:
    """Write page and drawings, or say which is old."""
    wanted = written()
    if "--check" not in sys.argv[1:]:
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8")
        return 0
    old = [p for p, text in wanted.items() if not p.exists() or p.read_text("utf-8") != text]
    for path in old:
        sys.stderr.write(f"{path.relative_to(DOCS.parent)} is old: run scripts/cost_page.py\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
