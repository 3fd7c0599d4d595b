"""What the terminal shows while a run goes on."""

import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from riverd.commands.loadtest.report import CPU_WARNING
from riverd.commands.loadtest.run import Phase, Run, Sample
from riverd.commands.terminal_text import seen

HISTORY = 40
ERRORS_SHOWN = 8
LINE_EVERY_S = 5.0
_BARS = "▁▂▃▄▅▆▇█"


class Display:
    """Figures of the last second with their recent course, errors, warnings.

    Without a terminal: a line every few seconds.
    """

    def __init__(self, run: Run, url: str) -> None:
        self._run = run
        self._url = url
        self._console = Console(stderr=True, highlight=False)
        self._last: Sample | None = None
        self._courses: dict[str, deque[float]] = {}
        self._line_at = 0.0
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Generator[None]:
        """Show it for as long as this lasts."""
        if not self._console.is_terminal:
            yield
            return
        with Live(
            # Drawn by `tick`, in the thread that counts.
            auto_refresh=False,
            get_renderable=self.render,
            console=self._console,
            transient=True,
        ) as self._live:
            yield

    def look(self, sample: Sample) -> None:
        """Take one more second."""
        self._last = sample
        for name in ("joins", "publications", "deliveries", "p99_ms", "cpu"):
            course = self._courses.setdefault(name, deque(maxlen=HISTORY))
            course.append(getattr(sample, name))
        if not self._console.is_terminal and sample.at_s >= self._line_at:
            self._line_at = sample.at_s + LINE_EVERY_S
            line = _line(sample, self._run.plan.connections)
            self._console.print(line, soft_wrap=True)

    def tick(self) -> None:
        """Draw it anew."""
        if self._live is not None:
            self._live.refresh()

    def render(self) -> RenderableType:
        """The whole picture."""
        parts: list[RenderableType] = [self._head(), self._figures()]
        if self._run.tally.errors:
            parts.append(self._errors())
        if self._last is not None and self._last.cpu > CPU_WARNING:
            warning = "this program is busy: what you see may be its limit, not the server's"
            parts.append(Text(warning, style="bold yellow"))
        parts.append(Text("Ctrl-C stops and reports", style="dim"))
        return Group(*parts)

    def _head(self) -> RenderableType:
        run = self._run
        table = Table.grid(padding=(0, 2))
        total, done = _progress(run)
        bar = ProgressBar(total=total, completed=min(done, total), width=30)
        left = f"{done:.0f} of {total:.0f} s" if run.phase is Phase.LOAD else ""
        table.add_row(
            Text("river bench", style="bold cyan"), seen(self._url), run.phase.value, bar, left
        )
        return table

    def _figures(self) -> RenderableType:
        run, tally, last = self._run, self._run.tally, self._last
        table = Table(box=None, pad_edge=False, padding=(0, 2))
        for name, justify in (("", "left"), ("now", "right"), ("in all", "right"), ("", "left")):
            table.add_column(name, justify=justify, header_style="dim")  # type: ignore[arg-type]
        up = f"{tally.up:,} of {run.plan.connections:,}"
        table.add_row("connections up", up, f"{tally.joins + tally.rejoins:,} joins", "")
        if last is None:
            return table
        delay = f"{last.p50_ms:.1f} / {last.p99_ms:.1f} / {last.max_ms:.1f}"
        total = tally.delays
        delays = (
            f"{total.percentile_ms(50):.1f} / {total.percentile_ms(99):.1f} / {total.max_ms:.1f}"
        )
        table.add_row("joins/s", f"{last.joins:,.0f}", "", self._course("joins"))
        table.add_row(
            "publications/s",
            f"{last.publications:,.0f}",
            f"{tally.accepted:,}",
            self._course("publications"),
        )
        table.add_row(
            "deliveries/s",
            f"{last.deliveries:,.0f}",
            f"{tally.deliveries:,}",
            self._course("deliveries"),
        )
        table.add_row("delay p50 / p99 / max, ms", delay, delays, self._course("p99_ms"))
        losses = f"{tally.holes + tally.lost_with_gap:,} lost, {tally.doubled:,} twice"
        table.add_row("losses", "", losses, "")
        table.add_row(
            "own CPU", f"{last.cpu:.0%}", f"{run.cpu_max:.0%} at most", self._course("cpu")
        )
        return table

    def _course(self, name: str) -> Text:
        values = self._courses.get(name, ())
        highest = max(values, default=0) or 1
        bars = [_BARS[min(len(_BARS) - 1, int(value / highest * len(_BARS)))] for value in values]
        return Text("".join(bars), style="cyan")

    def _errors(self) -> RenderableType:
        table = Table(box=None, pad_edge=False, padding=(0, 2))
        table.add_column("errors", header_style="bold red")
        table.add_column(justify="right", header_style="dim")
        errors = self._run.tally.errors.most_common()
        for kind, count in errors[:ERRORS_SHOWN]:
            table.add_row(Text(seen(kind), style="red"), f"{count:,}")
        if len(errors) > ERRORS_SHOWN:
            table.add_row(f"and {len(errors) - ERRORS_SHOWN} kinds more", "")
        return table


def _progress(run: Run) -> tuple[float, float]:
    """How much there is to do in this phase, and how much is done."""
    if run.phase is Phase.LOAD and run.load_began is not None:
        return run.plan.duration_s, time.monotonic() - run.load_began
    if run.phase in (Phase.FIRST, Phase.RAMP):
        return run.plan.connections, run.tally.joins
    return 1, 1


def _line(sample: Sample, connections: int) -> str:
    return (
        f"{sample.at_s:5.0f} s  {sample.phase}: {sample.up:,} of {connections:,} up, "
        f"{sample.joins:,.0f} joins/s, {sample.publications:,.0f} publications/s, "
        f"{sample.deliveries:,.0f} deliveries/s, delay p99 {sample.p99_ms:.1f} ms, "
        f"{sample.errors:,} errors, own CPU {sample.cpu:.0%}"
    )
