"""Does every fault to a real cluster, and writes down what the clients were told: `make chaos`."""

import argparse
import asyncio
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from apart import ApartFindings, connect_loopback, suffer_apart
from cluster import Cluster, FaultOutcome, Shape
from faults import BEGINS_AGAIN, Fault, suffer
from groups import FAULTS_OF_GROUPS, GROUPS
from large_load import CROWD_FAULT, suffer_with_crowd
from riverd.commands.verify.checker import BrokenRule
from versions import FAULTS_OF_VERSIONS, FirstVersion, shape_of

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reliability.md"
HEADS = (
    "fault",
    "lost",
    "duplicated",
    "reordered",
    "told that it is lost",
    "all live again after",
    "quiet channel right after",
    "webhooks right after",
    "slowest 503",
    "remark",
)
WRONG_SHOWN_MAX = 20
NAMES = [*FAULTS_OF_GROUPS, *FAULTS_OF_VERSIONS, CROWD_FAULT]
BEGIN, END = "<!-- make chaos: begin -->", "<!-- make chaos: end -->"


def main() -> int:
    """Run the wanted faults; 1 if anything was lost, doubled or reordered in silence.

    Also if somebody was told of a loss where there was none, or if River logged an error.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=300)
    parser.add_argument("--only", action="append", choices=NAMES, help="this fault alone")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    # What `suffer_apart` starts: says what it found, and leaves the judgement to others.
    parser.add_argument("--apart", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    shape, names = Shape(clients=wanted.clients), wanted.only or NAMES
    if wanted.apart:
        connect_loopback()
        found = asyncio.run(_run(shape, names, is_apart=True))
        sys.stdout.buffer.write(ApartFindings(*found).packed())
        return 0
    outcomes, wrong = asyncio.run(_run(shape, names))
    table = _table(outcomes, wanted.clients)
    print(table)
    if wanted.write:
        _write(_table_of_page(outcomes, wanted.clients))
    told_wrongly = [one.fault for one in outcomes if one.told and one.fault not in BEGINS_AGAIN]
    if told_wrongly:
        print(f"told that something is lost, where nothing was: {told_wrongly}", file=sys.stderr)
    for one in wrong[:WRONG_SHOWN_MAX]:
        print(f"the checker: {one.rule.value}: {one.message}", file=sys.stderr)
    clean = all(one.is_clean for one in outcomes) and not wrong
    return 0 if clean and not told_wrongly else 1


async def _run(
    shape: Shape, names: list[str], *, is_apart: bool = False
) -> tuple[list[FaultOutcome], list[BrokenRule]]:
    """Those of a group to one cluster."""
    outcomes: list[FaultOutcome] = []
    wrong: list[BrokenRule] = []
    for group in GROUPS:
        some = {name: group.faults[name] for name in names if name in group.faults}
        why_not = group.why_not() if some else ""
        if why_not:
            print(f"skipped: {', '.join(some)}: {why_not}", file=sys.stderr)
        elif some and group.is_apart and not is_apart:
            found = await suffer_apart(list(some), shape.clients)
            _add(found.outcomes, outcomes)
            wrong += found.wrong
        elif some:
            wrong += await _suffer_all(group.cluster(shape), some, outcomes)
    of_versions = [name for name in names if name in FAULTS_OF_VERSIONS]
    wrong += await _replace_versions(shape, of_versions, outcomes)
    if CROWD_FAULT in names:
        outcomes.append(await suffer_with_crowd())
        print(outcomes[-1], file=sys.stderr)
    return outcomes, wrong


async def _replace_versions(
    shape: Shape, names: list[str], outcomes: list[FaultOutcome]
) -> list[BrokenRule]:
    """Each in a cluster of its own; none where the first version cannot be run."""
    wrong: list[BrokenRule] = []
    with FirstVersion() as first:
        why_not = first.why_not() if names else ""
        if why_not:
            print(f"skipped: {', '.join(names)}: {why_not}", file=sys.stderr)
            return wrong
        for name in names:
            fault = {name: FAULTS_OF_VERSIONS[name]}
            wrong += await _suffer_all(Cluster(shape_of(name, shape, first)), fault, outcomes)
    return wrong


async def _suffer_all(
    cluster: Cluster, faults: Mapping[str, Fault], outcomes: list[FaultOutcome]
) -> list[BrokenRule]:
    suffered: list[FaultOutcome] = []
    try:
        await cluster.start()
        print(f"{cluster.shape.clients} clients live on three gateways", file=sys.stderr)
        for name, fault in faults.items():
            suffered.append(await suffer(cluster, name, fault_of=fault))
            print(suffered[-1], file=sys.stderr)
        return cluster.violations()
    finally:
        await cluster.close()
        _add(suffered, outcomes)


def _add(suffered: Iterable[FaultOutcome], outcomes: list[FaultOutcome]) -> None:
    """Count what was published in all clusters together."""
    published = outcomes[-1].published if outcomes else 0
    outcomes += [replace(one, published=published + one.published) for one in suffered]


def _setting(outcomes: list[FaultOutcome], clients: int) -> str:
    published = max((one.published for one in outcomes if one.fault != CROWD_FAULT), default=0)
    return (
        f"{clients} clients (of twelve six by WebSocket, two by stream, one by polls, one by "
        "Pusher's protocol, one each of the libraries for Python and JavaScript) in 3 of 6 "
        "channels each and in a quiet presence channel, users who come and go and a webhook that "
        "reports them, 3 gateways behind haproxy, Redis, one publish API; "
        f"{published:,} publications."
    )


def _table(outcomes: list[FaultOutcome], clients: int) -> str:
    lines = [
        _setting(outcomes, clients),
        "",
        "| " + " | ".join(HEADS) + " |",
        "|---" * len(HEADS) + "|",
    ]
    lines += [
        f"| {one.fault} | {one.lost} | {one.duplicated} | {one.reordered} | {one.told}"
        f" | {_seconds(one.live_after_s)} | {_seconds(one.agreed_after_s)}"
        f" | {_seconds(one.counted_after_s)} | {_refusal(one)}"
        f" | {one.remark} |"
        for one in outcomes
    ]
    return "\n".join(lines)


def _table_of_page(outcomes: list[FaultOutcome], clients: int) -> str:
    """Say once what is the same for all faults."""
    harm = [sum(getattr(one, of) for one in outcomes) for of in ("lost", "duplicated", "reordered")]
    lines = [
        f"{_setting(outcomes, clients)} Of all faults together: {harm[0]} lost, {harm[1]} "
        f"duplicated, {harm[2]} reordered. After each the quiet channel was right within "
        f"{_longest(one.agreed_after_s for one in outcomes)}, webhooks within "
        f"{_longest(one.counted_after_s for one in outcomes)}.",
        "",
        "| fault | told that it is lost | all live again after | slowest 503 | remark |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.fault} | {one.told} | {_seconds(one.live_after_s)} | {_refusal(one)}"
        f" | {one.remark} |"
        for one in outcomes
    ]
    return "\n".join(lines)


def _longest(took_s: Iterable[float]) -> str:
    return _seconds(max((one for one in took_s if not math.isnan(one)), default=math.nan))


def _seconds(took_s: float) -> str:
    return "-" if math.isnan(took_s) else f"{took_s:.1f} s"


def _refusal(outcome: FaultOutcome) -> str:
    return f"{outcome.slowest_refusal_s * 1000:.0f} ms" if outcome.slowest_refusal_s else "none"


def _write(table: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
