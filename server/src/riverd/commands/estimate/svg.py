"""Draws the cost curve as an SVG: log axes, a line a series, its name at its end."""

import math
from collections.abc import Iterator
from html import escape

from riverd.commands.estimate.curve import Series, range_of

WIDTH, HEIGHT = 820, 470
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 50, 60
LABEL_GAP = 16.0
STYLES = ("ours a", "ours b", "ours c", "theirs d", "theirs e", "theirs f")
COLORS = {
    "a": ("#2aa198", "#7ee7dd"),
    "b": ("#00736a", "#3fb8ac"),
    "c": ("#003f3a", "#c5fff9"),
    "d": ("#8250df", "#d2a8ff"),
    "e": ("#cf222e", "#ff8f88"),
    "f": ("#bc4c00", "#ffa657"),
}
"""Of each series, on light ground and on dark."""
CSS = """
text { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.note { font-size: 11px }
.back, .end { fill: #ffffff }
.end { stroke-width: 2 }
.grid { stroke: #d8dee4; stroke-width: 1 }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round }
.theirs { stroke-dasharray: 6 4 }
"""
DARK = """
text { fill: #e6edf3 }
.back, .end { fill: #0d1117 }
.grid { stroke: #30363d }
"""


def svg(series: tuple[Series, ...], *, title: str, note: str) -> str:
    """The drawing, a text. `title` stands above, `note` below."""
    frame = _Frame(series)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_css()}</style>",
        f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
        *frame.grid(),
        *(part for one in frame.lines() for part in one),
        *frame.names(),
        f'<text class="note" x="{LEFT}" y="{HEIGHT - 8}">{escape(note)}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Frame:
    """Where values lie in the drawing."""

    def __init__(self, series: tuple[Series, ...]) -> None:
        self._series = [
            (one, style) for one, style in zip(series, STYLES, strict=False) if _priced(one)
        ]
        self._x_low, self._x_high = range_of(series, axis=lambda point: point[0])
        self._y_low, self._y_high = range_of(series, axis=lambda point: point[1])
        self._x_low = min(point[0] for one, _ in self._series for point in one.points)

    def x(self, value: float) -> float:
        """From the left."""
        share = math.log(value / self._x_low) / math.log(self._x_high / self._x_low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """From above. What is free lies at the bottom."""
        at_least = max(value, self._y_low)
        share = math.log(at_least / self._y_low) / math.log(self._y_high / self._y_low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def grid(self) -> Iterator[str]:
        """Lines and numbers at each power of ten."""
        for value in _decades(self._y_low, self._y_high):
            at = self.y(value)
            yield f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>'
            yield _text(LEFT - 8, at + 4, text=f"${value:,.0f}", anchor="end")
        for value in _decades(self._x_low, self._x_high):
            at = self.x(value)
            yield f'<path class="grid" d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
            yield _text(at, HEIGHT - BOTTOM + 18, text=f"{value:,.0f}", anchor="middle")
        middle = (LEFT + WIDTH - RIGHT) / 2
        yield _text(middle, HEIGHT - BOTTOM + 34, text="connections", anchor="middle")

    def lines(self) -> Iterator[list[str]]:
        """The lines; one that ends early has a ring at its end."""
        for one, style in self._series:
            priced = _priced(one)
            path = "L".join(f"{self.x(x):.1f} {self.y(usd):.1f}" for x, usd in priced)
            drawn = [f'<path class="line {style}" d="M{path}"/>']
            if len(priced) < len(one.points):
                x, usd = priced[-1]
                ring = f'cx="{self.x(x):.1f}" cy="{self.y(usd):.1f}" r="4"'
                drawn.append(f'<circle class="end {style.split()[1]}" {ring}/>')
            yield drawn

    def names(self) -> Iterator[str]:
        """The series' names, beside their ends and apart from each other."""
        ends = sorted(
            ((self.y(_priced(one)[-1][1]), one, style) for one, style in self._series),
            key=lambda end: end[0],
        )
        bottom = HEIGHT - BOTTOM - LABEL_GAP * (len(ends) - 1)
        at = 0.0
        for index, (wanted, one, style) in enumerate(ends):
            at = max(at, min(wanted, bottom + index * LABEL_GAP))
            left = WIDTH - RIGHT + 14
            color = style.split()[1]
            dashes = " theirs" if "theirs" in style else ""
            yield f'<path class="line{dashes} {color}" d="M{left} {at:.1f}h22"/>'
            ended = " (ends)" if len(_priced(one)) < len(one.points) else ""
            yield _text(left + 28, at + 4, text=f"{one.name}{ended}", anchor="start")
            at += LABEL_GAP


def _text(x: float, y: float, *, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _css() -> str:
    light = "".join(f".{name} {{ stroke: {colors[0]} }}\n" for name, colors in COLORS.items())
    dark = "".join(f".{name} {{ stroke: {colors[1]} }}\n" for name, colors in COLORS.items())
    return f"{CSS}{light}@media (prefers-color-scheme: dark) {{{DARK}{dark}}}\n"


def _priced(series: Series) -> list[tuple[float, float]]:
    return [(x, usd) for x, usd in series.points if usd is not None]


def _decades(low: float, high: float) -> Iterator[float]:
    value = 10.0 ** math.ceil(math.log10(low) - 1e-9)
    while value <= high * 1.000001:
        yield value
        value *= 10
