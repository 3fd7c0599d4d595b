"""What a report shows of each scenario: which figures as bars, which as curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from storm import seconds_of

from report.goals import DISTURBED_CORES
from report.outcome import LIMIT, RIVER, best
from report.svg import Axis, Bar, Curve, bars, curves
from report.wording import times, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from report.outcome import Outcome, Seen

KNEE_MS = 100.0
LATENCY_TOLD = (10.0, 50.0, 100.0)


@dataclass(frozen=True)
class Picture:
    """One drawing with what it shows.

    Attributes:
        name: For a file name.
        title: What is counted.
        better: Which way is better.
        drawing: The SVG.
        remark: River against the others, in words.
    """

    name: str
    title: str
    better: str
    drawing: str
    remark: str


@dataclass(frozen=True)
class Section:
    """A scenario of the report.

    Attributes:
        scenario: Its name.
        title: For people.
        bars: Figures shown as bars.
        steps: Sizes at which they are shown; None: where there are none.
    """

    scenario: str
    title: str
    bars: tuple[str, ...]
    steps: tuple[float | None, ...] = (None,)


COST = "CPU a million deliveries"
SECTIONS = (
    Section("fanout", "One channel, 1,000 subscribers", ("deliveries/s", COST)),
    Section("fanout-batch", "The same, published 100 at a time", ("deliveries/s", COST)),
    Section("fanout-10k", "One channel, 10,000 subscribers", ("deliveries/s", COST)),
    Section("latency", "How late a message is", ("delay, p99",), (50.0,)),
    Section("single", "One message, until the last of 1,000 has it", ("last has it, median",)),
    Section("channels", "10,000 clients over 1,000 channels", ("delay, p99", COST)),
    Section("connect", "Clients that come", ("connect+auth+subscribe", "the same a CPU second")),
    Section("idle", "10,000 clients that wait", ("memory a client", "server's CPU")),
    Section("publish", "Publications one by one", ("publications/s", "the same a CPU second")),
    Section("publish-plain", "The same without history", ("publications/s",)),
    Section(
        "publish-batch", "Publications 100 at a time", ("publications/s", "the same a CPU second")
    ),
    Section("publish-batch-plain", "The same without history", ("publications/s",)),
    Section("comeback", "10,000 clients cut at once", ("until all are live",)),
    Section("many", "More of everything", (COST,), (8.0,)),
    Section(
        "storm",
        "Every join is sent to everybody",
        ("deliveries/s at the peak", "joins/s at the end"),
        (100.0, 1000.0),
    ),
)


def _remark(outcome: Outcome, found: dict[str, Seen]) -> str:
    """River beside the best peer and the machine's bound; ratios say how many times better."""
    river, leader, bound = found.get(RIVER), best(found), found.get(LIMIT)
    if river is None:
        return ""
    said: list[str] = []
    if leader:
        ratio, title = river.times_better(leader), outcome.title(leader.name)
        if ratio >= 1:
            said.append(f"River is {times(ratio)} better than the best peer, {title}")
        else:
            said.append(f"{title} is {times(leader.times_better(river))} better than River")
    if bound:
        said.append(f"{times(river.times_better(bound))} the bound of one message a write")
    return "; ".join(said)


def _bar_picture(
    outcome: Outcome, section: Section, *, label: str, step: float | None
) -> Picture | None:
    found = outcome.seen(section.scenario, label, step=step)
    if not found:
        return None
    ranked = sorted(found.values(), key=lambda one: one.middle, reverse=not _less(found))
    drawn = [
        Bar(one.name, outcome.title(one.name), one.middle, one.low, one.high, value(one))
        for one in ranked
    ]
    size = "" if step is None else f" at {step:g}"
    unit = next(iter(found.values())).unit
    title = label + (f", {unit}" if unit not in ("", "/s") else "") + size
    name = "-".join(part for part in (section.scenario, f"{step:g}" if step else "", label) if part)
    return Picture(
        name=name,
        title=title,
        better="less is better" if _less(found) else "more is better",
        drawing=bars(drawn, title=f"{section.title}: {title}"),
        remark=_remark(outcome, found),
    )


def _less(found: dict[str, Seen]) -> bool:
    return next(iter(found.values())).at_most


def _step_curves(outcome: Outcome, scenario: str, *, label: str) -> list[Curve]:
    drawn: list[Curve] = []
    for name in outcome.names(scenario):
        points = tuple(
            (step, seen[name].middle)
            for step in outcome.steps(scenario, name)
            if name in (seen := outcome.seen(scenario, label, step=step))
        )
        if points:
            drawn.append(Curve(name, outcome.title(name), points))
    return drawn


def _latency(outcome: Outcome) -> Iterator[Picture]:
    across = Axis("publications a second to 1,000 subscribers", logarithmic=True)
    for label, word in (
        ("delay, p99", "99 of 100 are faster"),
        ("delay, median", "half are faster"),
    ):
        drawn = _step_curves(outcome, "latency", label=label)
        if drawn:
            yield Picture(
                name=f"latency-curve-{label}",
                title=f"{label}, ms, at growing rates",
                better="less is better, further right is better",
                drawing=curves(
                    drawn, across=across, up=Axis(f"ms: {word}", logarithmic=True), title=label
                ),
                remark=knees(outcome),
            )


def knees(outcome: Outcome) -> str:
    """How far each goes before one of a hundred messages is late."""
    told: list[tuple[float, str]] = []
    if outcome.disturbed("latency") > DISTURBED_CORES:
        return ""
    for name in outcome.names("latency"):
        good = [
            step
            for step in outcome.steps("latency", name)
            if (late := outcome.seen("latency", "delay, p99", step=step).get(name)) is not None
            and late.middle <= KNEE_MS
            and outcome.seen("latency", "not delivered in time", step=step)[name].middle == 0
        ]
        told.append((max(good, default=0.0), outcome.title(name)))
    ranked = sorted(told, key=lambda one: -one[0])
    ways = ", ".join(f"{title} {step:g}" for step, title in ranked)
    return (
        f"Publications/s with a p99 of at most {KNEE_MS:g} ms and everything delivered: {ways}"
        if ways
        else ""
    )


def _growth(outcome: Outcome) -> Iterator[Picture]:
    drawn = _step_curves(outcome, "many", label=COST)
    if drawn:
        yield Picture(
            name="many-curve",
            title="CPU seconds a million deliveries, as everything grows",
            better="flat and low is better",
            drawing=curves(
                drawn,
                across=Axis(
                    "times 1,250 clients, 125 channels, 250 publications/s", logarithmic=True
                ),
                up=Axis("CPU s", logarithmic=True),
                title="growth",
            ),
            remark="",
        )


def _storms(outcome: Outcome) -> Iterator[Picture]:
    for step in (100.0, 1000.0):
        up: list[Curve] = []
        for name in outcome.names("storm"):
            rounds = outcome.rounds("storm", name, step=step)
            if rounds:
                loads = cast("dict[str, list[dict[str, object]]]", rounds[0])["loads"]
                points = tuple(
                    (float(nth + 1), float(live)) for nth, (live, _) in enumerate(seconds_of(loads))
                )
                up.append(Curve(name, outcome.title(name), points or ((0.0, 0.0),)))
        if up:
            yield Picture(
                name=f"storm-curve-{step:g}",
                title=f"clients up, at {step:,.0f} joins/s, second by second",
                better="steeper is better",
                drawing=curves(up, across=Axis("seconds"), up=Axis("clients"), title="clients up"),
                remark="",
            )


_CURVES = {"latency": _latency, "many": _growth, "storm": _storms}


def pictures(outcome: Outcome, section: Section) -> list[Picture]:
    """Everything that is drawn of a scenario; empty when it was not run."""
    drawn = [*_CURVES[section.scenario](outcome)] if section.scenario in _CURVES else []
    for step in section.steps:
        for label in section.bars:
            picture = _bar_picture(outcome, section, label=label, step=step)
            if picture is not None:
                drawn.append(picture)
    return drawn


@dataclass(frozen=True)
class Behind:
    """A figure in which a peer is better."""

    scenario: str
    label: str
    river: Seen
    leader: Seen


def behind(outcome: Outcome) -> list[Behind]:
    """Everything that is shown and in which River is not the best, the widest gap first."""
    found: list[Behind] = []
    for section in SECTIONS:
        steps = LATENCY_TOLD if section.scenario == "latency" else section.steps
        for step in steps:
            for label in section.bars:
                seen = outcome.seen(section.scenario, label, step=step)
                river, leader = seen.get(RIVER), best(seen)
                if river and leader and leader.beats(river):
                    size = "" if step is None else f" at {step:g}"
                    found.append(Behind(section.scenario, f"{label}{size}", river, leader))
    return sorted(found, key=lambda one: -one.leader.times_better(one.river))
