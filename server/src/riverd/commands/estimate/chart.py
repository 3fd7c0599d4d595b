"""Draws the cost curve in a terminal: log axes, a letter a series."""

import math

from rich.text import Text

from riverd.commands.estimate.curve import Series, range_of

COLUMNS, ROWS = 64, 16
STYLES = ("cyan", "green", "bold green", "magenta", "red", "yellow")
MARKS = "cdrpau"
"""cheapest, default, resilient; Pusher, Ably by use, Ably by users."""


def chart(series: tuple[Series, ...]) -> Text:
    """The drawing with its axes and its key."""
    low, high = range_of(series, axis=lambda point: point[1])
    cells = _cells(series, low, high=high)
    text = Text()
    for row in range(ROWS):
        text.append(_label(row, low, high=high), style="dim")
        text.append(" |", style="dim")
        for column in range(COLUMNS):
            mark, style = cells.get((row, column), (" ", ""))
            text.append(mark, style=style)
        text.append("\n")
    first, last = series[0].points[0][0], series[0].points[-1][0]
    text.append(" " * 9 + "+" + "-" * COLUMNS + "\n", style="dim")
    axis = f"{first:,.0f}{'connections':^{COLUMNS - 14}}{last:>11,.0f}"
    text.append(" " * 10 + axis + "\n", style="dim")
    for one, mark, style in zip(series, MARKS, STYLES, strict=False):
        text.append(f"  {mark}", style=style)
        text.append(f" {one.name}")
    return text


Cells = dict[tuple[int, int], tuple[str, str]]


def _cells(series: tuple[Series, ...], low: float, *, high: float) -> Cells:
    cells: Cells = {}
    # The first series are drawn last: they lie above the others.
    drawn = list(zip(series, MARKS, STYLES, strict=False))[::-1]
    for one, mark, style in drawn:
        last = len(one.points) - 1
        for index, (_, usd) in enumerate(one.points):
            if usd is not None:
                share = math.log(max(usd, low) / low) / math.log(high / low)
                row = round((1 - share) * (ROWS - 1))
                cells[row, round(index / last * (COLUMNS - 1))] = (mark, style)
    return cells


def _label(row: int, low: float, *, high: float) -> str:
    """The dollars of a row, where a power of ten lies in it."""
    decades = round(math.log10(high / low))
    for decade in range(decades + 1):
        if round((1 - decade / decades) * (ROWS - 1)) == row:
            return f"{low * 10**decade:>7,.0f} $"[:9].rjust(8)
    return " " * 8
