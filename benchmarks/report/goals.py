"""What River wants to reach beside the best, held against an outcome."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.outcome import LIMIT, RIVER, best
from report.wording import times, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from report.outcome import Outcome, Seen

FANOUT_OVER_PEERS = 2.0
FANOUT_OVER_LIMIT = 5.0
LATENCY_STEP = 50.0
IDLE_KIB_MAX = 16.0
IDLE_CORES_MAX = 0.02
IDLE_CLIENTS = 10_000
LEANEST = frozenset(("nchan",))
STORM_CLIENTS = 20_000
STORM_STEADY_S_MAX = 205.0
STORM_S_MAX = 25.0
STORM_DELIVERIES_MIN = 8_000_000
STORM_STEADY, STORM_FAST = 100.0, 1000.0
SINGLE_SHARE = 1 / 3
COMEBACK_S_MAX = 5.0
GROWTH_MAX = 1.1  # what is more is no noise of one machine
COST = "CPU a million deliveries"
DISTURBED_CORES = 0.5


@dataclass(frozen=True)
class Verdict:
    """One goal and what became of it.

    Attributes:
        scenario: The scenario that decides it.
        goal: What should be.
        found: What is, in words.
        reached: None when the run does not say.
        steady: It does not depend on what else the machine does.
    """

    scenario: str
    goal: str
    found: str
    reached: bool | None
    steady: bool = False


def _unknown(scenario: str, goal: str) -> Verdict:
    return Verdict(scenario, goal, "not measured in this run", None)


def _beside(
    outcome: Outcome, scenario: str, *, label: str, step: float | None = None
) -> tuple[Seen, Seen] | None:
    """River and the best peer."""
    found = outcome.seen(scenario, label, step=step)
    leader = best(found)
    river = found.get(RIVER)
    return (river, leader) if river and leader else None


def _against(outcome: Outcome, pair: tuple[Seen, Seen]) -> str:
    river, leader = pair
    return f"{value(river)} against {value(leader)} ({outcome.title(leader.name)})"


def _fanout(outcome: Outcome) -> Iterator[Verdict]:
    goal = "at least 2 times the best peer"
    pair = _beside(outcome, "fanout", label="deliveries/s")
    if pair:
        ratio = pair[0].times_better(pair[1])
        told = f"{times(ratio)}: {_against(outcome, pair)}"
        yield Verdict("fanout", goal, told, ratio >= FANOUT_OVER_PEERS)
    else:
        yield _unknown("fanout", goal)
    goal = "at least 5 times the machine's one-message-a-write rate"
    found = outcome.seen("fanout", "deliveries/s")
    if RIVER in found and LIMIT in found:
        ratio = found[RIVER].times_better(found[LIMIT])
        told = f"{times(ratio)}: {value(found[RIVER])} against {value(found[LIMIT])}"
        yield Verdict("fanout", goal, told, ratio >= FANOUT_OVER_LIMIT)
    else:
        yield _unknown("fanout", goal)


def _latency(outcome: Outcome) -> Iterator[Verdict]:
    goal = "at 50 publications/s to 1,000: p99 at most the best peer's"
    pair = _beside(outcome, "latency", label="delay, p99", step=LATENCY_STEP)
    if pair is None:
        yield _unknown("latency", goal)
    else:
        yield Verdict("latency", goal, _against(outcome, pair), not pair[1].beats(pair[0]))


def _connect(outcome: Outcome) -> Iterator[Verdict]:
    goal = "at least the best peer's on the same core"
    pair = _beside(outcome, "connect", label="connect+auth+subscribe")
    if pair is None:
        yield _unknown("connect", goal)
    else:
        yield Verdict("connect", goal, _against(outcome, pair), not pair[1].beats(pair[0]))


def _idle(outcome: Outcome) -> Iterator[Verdict]:
    memory = outcome.seen("idle", "memory a client")
    cpu = outcome.seen("idle", "server's CPU")
    goal = f"at most {IDLE_KIB_MAX:g} KiB a client"
    if RIVER not in memory or RIVER not in cpu:
        yield _unknown("idle", goal)
        return
    river = memory[RIVER]
    yield Verdict("idle", goal, value(river), river.middle <= IDLE_KIB_MAX, steady=True)
    leader = best(memory, without=LEANEST)
    if leader:
        told = _against(outcome, (river, leader))
        less = river.beats(leader)
        yield Verdict("idle", "less memory than every peer but Nchan", told, less, steady=True)
    told = f"{cpu[RIVER].middle:.1%} of a core"
    reached: bool | None = cpu[RIVER].middle < IDLE_CORES_MAX
    pings = outcome.seen("idle", "pings answered").get(RIVER)
    if pings is None or pings.middle < IDLE_CLIENTS:
        reached, told = None, f"{told} (no verdict: the window ended before all were pinged)"
    yield Verdict("idle", "10,000 idle clients under 2% of a core", told, reached)


def _storm(outcome: Outcome) -> Iterator[Verdict]:
    for step in (STORM_STEADY, STORM_FAST):
        goal = (
            "100 joins/s to the end (20,000), no error"
            if step == STORM_STEADY
            else "1,000 joins/s: 20,000 up in 25 s, at least 8 million deliveries/s at the peak"
        )
        figures = {
            label: found[RIVER].middle
            for label in outcome.labels("storm", step=step)
            if RIVER in (found := outcome.seen("storm", label, step=step))
        }
        if not figures:
            yield _unknown("storm", goal)
            continue
        up, took = figures["clients up"], figures["until all are up"]
        peak = figures["deliveries/s at the peak"]
        clean = figures["refused"] == 0 and figures["lost"] == 0
        told = f"{up:,.0f} up after {took:.0f} s, {peak / 1e6:.1f} million deliveries/s at the peak"
        told += "" if clean else f", {figures['refused']:.0f} refused, {figures['lost']:.0f} lost"
        reached: bool | None = clean and up >= STORM_CLIENTS
        if step == STORM_FAST:
            reached = reached and took <= STORM_S_MAX and peak >= STORM_DELIVERIES_MIN
        elif reached:
            reached = took <= STORM_STEADY_S_MAX
        yield Verdict("storm", goal, told, reached)


def _publish(outcome: Outcome) -> Iterator[Verdict]:
    for scenario, goal, share in (
        ("publish", "at least a third of Centrifugo's single publishes", SINGLE_SHARE),
        ("publish-batch", "at least Centrifugo's rate in batches", 1.0),
    ):
        found = outcome.seen(scenario, "publications/s")
        if RIVER not in found or "centrifugo" not in found:
            yield _unknown(scenario, goal)
            continue
        pair = (found[RIVER], found["centrifugo"])
        ratio = pair[0].times_better(pair[1])
        yield Verdict(scenario, goal, f"{times(ratio)}: {_against(outcome, pair)}", ratio >= share)


def _comeback(outcome: Outcome) -> Iterator[Verdict]:
    goal = "10,000 live again, with all they missed, within 5 s"
    found = outcome.seen("comeback", "until all are live").get(RIVER)
    if found is None:
        yield _unknown("comeback", goal)
    else:
        yield Verdict("comeback", goal, value(found), found.middle <= COMEBACK_S_MAX)


def _growth(outcome: Outcome) -> Iterator[Verdict]:
    goal = "the cost of a delivery does not rise from 1x to 8x"
    steps = outcome.steps("many", RIVER)
    costs = [outcome.seen("many", COST, step=step).get(RIVER) for step in steps]
    first, last = (costs[0], costs[-1]) if costs else (None, None)
    if first is None or last is None or steps[-1] < 8:  # noqa: PLR2004 - the goal's own number
        yield _unknown("many", goal)
    else:
        told = f"{value(first)} at 1x, {value(last)} at 8x, a million deliveries"
        yield Verdict("many", goal, told, last.middle <= first.middle * GROWTH_MAX)


_ALL: tuple[Callable[[Outcome], Iterator[Verdict]], ...] = (
    _fanout,
    _latency,
    _connect,
    _idle,
    _storm,
    _publish,
    _comeback,
    _growth,
)


def _fair(outcome: Outcome, verdict: Verdict) -> Verdict:
    """No verdict where other programs had much of the machine, unless it is about memory."""
    busy = outcome.disturbed(verdict.scenario)
    if verdict.reached is None or busy <= DISTURBED_CORES or verdict.steady:
        return verdict
    told = f"{verdict.found} (no verdict: other work had {busy:.1f} cores meanwhile)"
    return replace(verdict, found=told, reached=None)


def verdicts(outcome: Outcome) -> list[Verdict]:
    """Every goal, in the order of the scenarios."""
    return [_fair(outcome, verdict) for judge in _ALL for verdict in judge(outcome)]
