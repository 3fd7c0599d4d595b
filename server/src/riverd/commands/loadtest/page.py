"""The report as a page that needs nothing else: figures, courses over time, errors."""

from collections.abc import Callable, Sequence
from html import escape

from riverd.commands.loadtest.report import Report, rows, verdict
from riverd.commands.loadtest.run import Sample

WIDTH, HEIGHT = 640, 120

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
td { border-bottom: 1px solid #8884; padding: .25rem 0; }
td + td { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; background: #8881; }
polyline { fill: none; stroke: #0d9488; stroke-width: 2; }
.clean { color: #0d9488; } .not-clean { color: #dc2626; }
figure { margin: 1.5rem 0; } figcaption { display: flex; justify-content: space-between; }
"""

_COURSES: tuple[tuple[str, Callable[[Sample], float]], ...] = (
    ("Connections up", lambda sample: sample.up),
    ("Joins a second", lambda sample: sample.joins),
    ("Deliveries a second", lambda sample: sample.deliveries),
    ("Delay, p99, ms", lambda sample: sample.p99_ms),
)


def page(report: Report) -> str:
    """The whole page."""
    sound = "clean" if report.clean else "not-clean"
    errors = [(kind, f"{count:,}") for kind, count in report.errors.items()] or [("None.", "")]
    warnings = "".join(f"<p>{escape(warning)}</p>" for warning in report.warnings)
    courses = "".join(_course(report.samples, name, read=read) for name, read in _COURSES)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Load on {escape(report.url)}'
        f"</title><style>{_STYLE}</style><h1>Load on {escape(report.url)}</h1>"
        f'<p class="{sound}"><strong>{escape(verdict(report))}</strong></p>{warnings}'
        f"{_table(rows(report))}{courses}<h2>Errors</h2>{_table(errors)}</html>\n"
    )


def _table(entries: Sequence[tuple[str, str]]) -> str:
    lines = [f"<tr><td>{escape(name)}<td>{escape(value)}" for name, value in entries]
    return f"<table>{''.join(lines)}</table>"


def _course(samples: Sequence[Sample], name: str, *, read: Callable[[Sample], float]) -> str:
    if not samples:
        return ""
    highest = max(map(read, samples)) or 1.0
    last_s = samples[-1].at_s or 1.0
    points = " ".join(
        f"{sample.at_s / last_s * WIDTH:.1f},{(1 - read(sample) / highest) * HEIGHT:.1f}"
        for sample in samples
    )
    return (
        f"<figure><figcaption><span>{escape(name)}</span><span>highest: {highest:,.1f}</span>"
        f'</figcaption><svg viewBox="0 -4 {WIDTH} {HEIGHT + 8}" role="img" '
        f'aria-label="{escape(name)}"><polyline points="{points}"/></svg></figure>'
    )
