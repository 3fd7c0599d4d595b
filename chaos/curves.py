"""Draws sampled series as small curves, one below the other, from zero: a slope cannot hide."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, GAP, LEFT = 720, 46, 14, 150
RIGHT = 90
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#24292f}polyline{fill:none;stroke:#0d9488;"
    "stroke-width:1.5}line{stroke:#d8dee4}.back{fill:#fff}@media(prefers-color-scheme:dark){"
    "text{fill:#e6edf3}line{stroke:#30363d}.back{fill:#0d1117}}"
)


def curves(series: Mapping[str, Sequence[float]], *, hours: float) -> str:
    """The drawing, an SVG."""
    height = len(series) * (HEIGHT + GAP) + 2 * GAP
    title = f"{hours:.2g} hours of churn"
    rows = "".join(
        _row(name, one, GAP + number * (HEIGHT + GAP))
        for number, (name, one) in enumerate(series.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
        f'<rect class="back" width="{WIDTH}" height="{height}"/>{rows}'
        f'<text x="{LEFT}" y="{height - 6}">0</text>'
        f'<text x="{WIDTH - RIGHT}" y="{height - 6}" text-anchor="end">{hours:.2g} hours</text>'
        "</svg>\n"
    )


def _row(name: str, series: Sequence[float], top: float) -> str:
    highest, bottom = max(series) or 1.0, top + HEIGHT
    width = WIDTH - LEFT - RIGHT
    points = " ".join(
        f"{LEFT + at / max(1, len(series) - 1) * width:.1f},{bottom - value / highest * HEIGHT:.1f}"
        for at, value in enumerate(series)
    )
    middle = top + HEIGHT / 2 + 4
    return (
        f'<text x="6" y="{middle}">{escape(name)}</text>'
        f'<line x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}"/>'
        f'<polyline points="{points}"/>'
        f'<text x="{WIDTH - RIGHT + 8}" y="{middle}">{series[-1]:,.0f}</text>'
    )
