"""Two kinds of picture, drawn as SVG text: bars with their spread, and curves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from report.wording import short

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 720
LABEL_WIDTH = 150
TEXT_WIDTH = 190
BAR = 20
GAP = 9
CURVES_HEIGHT = 300
LEFT, RIGHT, TOP, BOTTOM = 56, 150, 14, 44
LABEL_GAP = 15
TICKS_MAX = 6
DECADE_STEPS = (1, 2, 5)
DOTS_MAX = 12  # more are a line
BASELINE = 4
QUIET = "soft small"

# Colours are named once, for light and for dark; a page may set them itself.
COLOURS = {
    "river": ("#0a6cbd", "#4db2ff"),
    "centrifugo": ("#c2571a", "#ff9a5c"),
    "nchan": ("#2f8f4e", "#6fd08c"),
    "socketio4": ("#8a4fbf", "#c79bff"),
    "socketio2": ("#a8325e", "#ff7fae"),
    "nats": ("#0f8f8f", "#5fd6d6"),
    "sockudo": ("#8a7400", "#e0c93f"),
    "soketi": ("#4a6fa5", "#9db8e0"),
    "limit": ("#6b7280", "#9ca3af"),
}
STYLE = """
.ink { fill: var(--ink, #1b1f24) } .soft { fill: var(--soft, #5b6672) }
text { font: 13px system-ui, sans-serif } .small { font-size: 11.5px } .strong { font-weight: 650 }
.rule { stroke: var(--rule, #d9dee4); stroke-width: 1 } .peer { fill: var(--bar, #b9c3ce) }
.spread { stroke: var(--ink, #1b1f24); stroke-width: 1.4; opacity: .75 }
.bound { fill: none; stroke: var(--soft, #5b6672); stroke-dasharray: 3 3 }
.line { fill: none; stroke-width: 2; stroke-linejoin: round } .thick { stroke-width: 3.2 }
.leader { fill: none; opacity: .45 } .hue { fill: var(--c) } .hueline { stroke: var(--c) }
"""


def colour_rules(dark: int) -> str:
    """The contenders' colours as CSS rules; 0: for a light page, 1: for a dark one."""
    return "\n".join(f".c-{name} {{ --c: {pair[dark]} }}" for name, pair in COLOURS.items())


def alone(picture: str) -> str:
    """A picture that needs no page around it, in light and in dark."""
    dark = ":root { --ink: #e6e9ed; --soft: #9aa5b1; --rule: #3a424c; --bar: #55606d }"
    at_night = f"@media (prefers-color-scheme: dark) {{ {dark}\n{colour_rules(1)} }}"
    told = f"<style>{STYLE}{colour_rules(0)}\n{at_night}</style>"
    head, rest = picture.split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg">{told}{rest}\n'


@dataclass(frozen=True)
class Bar:
    """One bar: what it is called, how long, from where to where the rounds went."""

    name: str
    label: str
    middle: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class _Spot:
    """Where something stands, in pixels."""

    x: float
    y: float


def _text(at: _Spot, words: str, *, kind: str, anchor: str = "start") -> str:
    place = f'x="{at.x:.1f}" y="{at.y + BASELINE:.1f}"'
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text {place} class="{kind}"{side}>{escape(words)}</text>'


def _path(way: str, kind: str) -> str:
    return f'<path class="{kind}" d="{way}"/>'


def _open(height: float, title: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'


def _bar(bar: Bar, *, top: float, scale: float) -> list[str]:
    middle = top + BAR / 2
    ink = "ink strong" if bar.name == "river" else "ink"
    kind = {"river": "hue c-river", "limit": "bound"}.get(bar.name, "peer")
    length = max(bar.middle * scale, 1.5)
    box = f'x="{LABEL_WIDTH}" y="{top:.1f}" width="{length:.1f}" height="{BAR}" rx="3"'
    parts = [
        _text(_Spot(LABEL_WIDTH - 10, middle), bar.label, kind=ink, anchor="end"),
        f'<rect {box} class="{kind}"/>',
    ]
    low, high = LABEL_WIDTH + bar.low * scale, LABEL_WIDTH + bar.high * scale
    if high - low > 1:
        ends = "".join(f"M{x:.1f} {middle - 4:.1f}v8" for x in (low, high))
        parts.append(_path(f"M{low:.1f} {middle:.1f}H{high:.1f}{ends}", "spread"))
    right = max(LABEL_WIDTH + length, high) + 8
    parts.append(_text(_Spot(right, middle), bar.text, kind=ink))
    return parts


def bars(of: Sequence[Bar], *, title: str) -> str:
    """Horizontal bars, in the order given, with a whisker from the least to the most."""
    most = max((bar.high for bar in of), default=0.0) or 1.0
    scale = (WIDTH - LABEL_WIDTH - TEXT_WIDTH) / most
    height = len(of) * (BAR + GAP) + GAP
    parts = [_open(height, title), _path(f"M{LABEL_WIDTH} 0V{height}", "rule")]
    for nth, bar in enumerate(of):
        parts += _bar(bar, top=GAP + nth * (BAR + GAP), scale=scale)
    return "".join([*parts, "</svg>"])


@dataclass(frozen=True)
class Curve:
    """One contender's way through a picture, from left to right."""

    name: str
    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Axis:
    """One direction of a picture of curves."""

    title: str
    logarithmic: bool = False
    least: float | None = None


@dataclass(frozen=True)
class _Scale:
    """Where a value stands, in pixels."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    def __call__(self, value: float) -> float:
        if self.logarithmic:
            low, high, at = math.log(self.low), math.log(self.high), math.log(max(value, self.low))
        else:
            low, high, at = self.low, self.high, value
        share = (at - low) / (high - low) if high > low else 0.0
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values along it, not too many."""
        if self.logarithmic:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            steps = DECADE_STEPS if last - first <= 2 else (1,)  # noqa: PLR2004 - decades
            values = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        else:
            raw = (self.high - self.low) / TICKS_MAX or 1.0
            unit = 10 ** math.floor(math.log10(raw))
            step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= raw)
            values = [step * k for k in range(math.floor(self.high / step) + 1)]
        return [one for one in values if self.low * 0.999 <= one <= self.high * 1.001]


def _scale(axis: Axis, values: Sequence[float], *, start: float, end: float) -> _Scale:
    least = axis.least if axis.least is not None else min(values, default=0.0)
    low = max(least, 1e-3) if axis.logarithmic else min(least, 0.0)
    return _Scale(low, max([*values, low * 1.01 + 1e-9]), start, end, axis.logarithmic)


def _spread_out(wanted: list[float]) -> list[float]:
    """Places for labels, near those wanted, that do not stand on each other."""
    order = sorted(range(len(wanted)), key=lambda nth: wanted[nth])
    places = list(wanted)
    for before, nth in pairwise(order):
        places[nth] = max(places[nth], places[before] + LABEL_GAP)
    over = max(places, default=0.0) - (CURVES_HEIGHT - BOTTOM + 6)
    return [place - max(over, 0.0) for place in places]


def _frame(x: _Scale, y: _Scale, *, across: Axis, up: Axis, marks: Sequence[float]) -> list[str]:
    bottom, right = CURVES_HEIGHT - BOTTOM, WIDTH - RIGHT
    parts: list[str] = []
    for tick in y.ticks():
        at = y(tick)
        parts.append(_path(f"M{LEFT} {at:.1f}H{right}", "rule"))
        parts.append(_text(_Spot(LEFT - 8, at), short(tick), kind=QUIET, anchor="end"))
    parts += [
        _text(_Spot(x(tick), bottom + 13), short(tick), kind=QUIET, anchor="middle")
        for tick in marks
    ]
    below = _Spot((LEFT + right) / 2, CURVES_HEIGHT - 10)
    parts.append(_text(below, across.title, kind=QUIET, anchor="middle"))
    parts.append(_text(_Spot(LEFT, TOP - 7), up.title, kind=QUIET))
    return parts


def _curve(curve: Curve, *, x: _Scale, y: _Scale, label: float) -> str:
    way = "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in curve.points)
    is_river = curve.name == "river"
    parts = [_path(f"M{way}", "line hueline thick" if is_river else "line hueline")]
    if len(curve.points) <= DOTS_MAX:
        dots = ((x(a), y(b)) for a, b in curve.points)
        parts += [f'<circle class="hue" r="3" cx="{a:.1f}" cy="{b:.1f}"/>' for a, b in dots]
    end = _Spot(x(curve.points[-1][0]) + 5, y(curve.points[-1][1]))
    right = WIDTH - RIGHT + 8
    parts.append(_path(f"M{end.x:.1f} {end.y:.1f}L{right} {label:.1f}", "hueline leader"))
    ink = "hue small strong" if is_river else "hue small"
    parts.append(_text(_Spot(right + 4, label), curve.label, kind=ink))
    return f'<g class="c-{curve.name}">{"".join(parts)}</g>'


def curves(of: Sequence[Curve], *, across: Axis, up: Axis, title: str) -> str:
    """Curves with their names at their ends."""
    points = [point for curve in of for point in curve.points]
    x = _scale(across, [point[0] for point in points], start=LEFT + 6, end=WIDTH - RIGHT - 6)
    y = _scale(up, [point[1] for point in points], start=CURVES_HEIGHT - BOTTOM, end=TOP + 10)
    labels = _spread_out([y(curve.points[-1][1]) for curve in of])
    named = sorted(zip(of, labels, strict=True), key=lambda one: one[0].name == "river")
    drawn = [_curve(curve, x=x, y=y, label=label) for curve, label in named]
    own = sorted({point[0] for point in points})
    marks = own if len(own) <= DOTS_MAX else x.ticks()
    parts = [
        _open(CURVES_HEIGHT, title),
        *_frame(x, y, across=across, up=up, marks=marks),
        *drawn,
        "</svg>",
    ]
    return "".join(parts)
