"""What came of a run, as a value, as Markdown and as JSON."""

import msgspec

from riverd.commands.loadtest.delays import Delays
from riverd.commands.loadtest.plan import LoadPlan
from riverd.commands.loadtest.run import Run, Sample

CPU_WARNING = 0.85
"""Of one core: above it this program, not the server, may be what is measured."""

LAG_S_WARNING = 0.05


class Spread(msgspec.Struct, frozen=True):
    """Times, in milliseconds."""

    p50: float
    p90: float
    p99: float
    max: float

    @classmethod
    def of(cls, delays: Delays) -> "Spread":
        """The spread of what was counted."""
        p50, p90, p99 = (round(delays.percentile_ms(percent), 3) for percent in (50, 90, 99))
        return cls(p50, p90, p99, round(delays.max_ms, 3))


class Report(msgspec.Struct, frozen=True):
    """Everything that a run has shown. `samples` is one a second."""

    url: str
    plan: LoadPlan
    ended: str
    clean: bool
    seconds: float
    connections_up: int
    joins: int
    rejoins: int
    moves: int
    join_ms: Spread
    publications_accepted: int
    publications_refused: int
    publications_unsent: int
    deliveries: int
    deliveries_per_s: float
    delay_ms: Spread
    lost: int
    lost_in_silence: int
    lost_at_the_end: int
    lost_with_gap: int = msgspec.field(name="lost_and_told")
    doubled: int
    gaps: int = msgspec.field(name="gaps_told")
    errors: dict[str, int]
    warnings: list[str]
    generator_cpu_max: float
    generator_lag_ms_max: float
    samples: list[Sample]


def report(run: Run, url: str) -> Report:
    """The report on a run that is over."""
    tally = run.tally
    return Report(
        url=url,
        plan=run.plan,
        ended=run.why or "as planned",
        clean=tally.is_clean and not run.unsent,
        seconds=round(run.load_s, 1),
        connections_up=run.up_at_end,
        joins=tally.joins,
        rejoins=tally.rejoins,
        moves=tally.moves,
        join_ms=Spread.of(tally.joining),
        publications_accepted=tally.accepted,
        publications_refused=tally.refused,
        publications_unsent=run.unsent,
        deliveries=tally.deliveries,
        deliveries_per_s=round(tally.deliveries / run.load_s) if run.load_s else 0,
        delay_ms=Spread.of(tally.delays),
        lost=tally.lost,
        lost_in_silence=tally.holes,
        lost_at_the_end=tally.missing,
        lost_with_gap=tally.lost_with_gap,
        doubled=tally.doubled,
        gaps=tally.gaps,
        errors=dict(tally.errors.most_common()),
        warnings=_warnings(run),
        generator_cpu_max=round(run.cpu_max, 2),
        generator_lag_ms_max=round(run.lag_s_max * 1000, 1),
        samples=run.samples,
    )


def verdict(report: Report) -> str:
    """One sentence."""
    if not report.clean:
        parts = [
            f"{report.lost:,} deliveries lost" if report.lost else "",
            f"{report.doubled:,} came twice" if report.doubled else "",
            _counted(report.gaps, "gap") if report.gaps else "",
            _counted(report.publications_refused, "publication") + " refused"
            if report.publications_refused
            else "",
            _counted(report.publications_unsent, "publication") + " never sent"
            if report.publications_unsent
            else "",
            _counted(sum(report.errors.values()), "error") if report.errors else "",
        ]
        return f"Not clean: {', '.join(filter(None, parts))}."
    if not report.deliveries:
        return "No errors; nothing was delivered."
    return f"Clean: {report.deliveries:,} deliveries, each once and in order; no errors."


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def markdown(report: Report) -> str:
    """The report for people."""
    plan = report.plan
    asked = (
        f"{plan.connections:,} connections ({plan.ramp:g} a second) in {plan.channels:,} channels, "
        f"{plan.channels_each} each; {plan.rate:g} publications a second of {plan.size} bytes "
        f"for {plan.duration_s:g} s"
    )
    lines = [f"# Load on {report.url}", "", f"Asked for: {asked}.", "", f"Ended: {report.ended}."]
    lines += ["", f"**{verdict(report)}**", "", "| | |", "|---|---:|"]
    lines += [f"| {name} | {value} |" for name, value in rows(report)]
    lines += ["", "## Errors", ""]
    if report.errors:
        lines += ["| kind | count |", "|---|---:|"]
        lines += [f"| {_cell(kind)} | {count:,} |" for kind, count in report.errors.items()]
    else:
        lines.append("None.")
    if report.warnings:
        lines += ["", "## To bear in mind", "", *(f"* {warning}" for warning in report.warnings)]
    return "\n".join(lines) + "\n"


def rows(report: Report) -> list[tuple[str, str]]:
    """The figures, named."""
    return [
        ("connections up at the end", f"{report.connections_up:,} of {report.plan.connections:,}"),
        ("came back after a loss", f"{report.rejoins:,}"),
        ("moved by a planned stop", f"{report.moves:,}"),
        ("connect, token, subscribe: p50 / p99 / max", _times(report.join_ms)),
        ("publications accepted", f"{report.publications_accepted:,}"),
        ("publications refused", f"{report.publications_refused:,}"),
        ("publications never sent", f"{report.publications_unsent:,}"),
        ("deliveries", f"{report.deliveries:,}"),
        ("deliveries a second", f"{report.deliveries_per_s:,}"),
        ("delay: p50 / p99 / max", _times(report.delay_ms)),
        ("lost: passed over in silence", f"{report.lost_in_silence:,}"),
        ("lost: not there at the end", f"{report.lost_at_the_end:,}"),
        ("lost: announced by a gap", f"{report.lost_with_gap:,}"),
        ("came twice", f"{report.doubled:,}"),
        ("gaps", f"{report.gaps:,}"),
        ("this program's CPU, at most", f"{report.generator_cpu_max:.0%} of a core"),
    ]


def json_text(report: Report) -> bytes:
    """The report for programs."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def _warnings(run: Run) -> list[str]:
    found: list[str] = []
    if run.cpu_max > CPU_WARNING:
        found.append(
            f"This program used up to {run.cpu_max:.0%} of a core: rates and delays may be its "
            "own limit, not the server's. Run several at once, or ask for less."
        )
    if run.lag_s_max > LAG_S_WARNING:
        found.append(
            f"This program was late by up to {run.lag_s_max * 1000:.0f} ms, which the delays "
            "contain: its machine is busy."
        )
    if run.unsent:
        found.append(
            f"{run.unsent:,} publications were due and never left: the API was too slow, or silent."
        )
    return found


def _times(spread: Spread) -> str:
    return f"{spread.p50:.1f} / {spread.p99:.1f} / {spread.max:.1f} ms"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
