"""The original's load test: every join is announced to everybody, over two nodes and Redis.

    python benchmarks/storm.py --clients 20000 --rate 100 --peer socketio2

Everything is the real thing: tokens, presence with members on each join, one Redis between the
nodes, all on any core. A line a second shows how it went.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import loader
from keys import RunKeys
from measure import Size, await_quiet, look, machine_figures
from peers import CONTENDERS
from peers.contender import Ask
from scenarios import SCENARIOS
from serving import redis
from tree import at, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peers.contender import Contender
    from scenarios import Scenario

    Report = dict[str, object]

GRACE_S = 10.0  # behind the moment at which all should be up
END_S = 5
WINDOW_S = 3


def storm_round(scenario: Scenario, contender: Contender, *, keys: RunKeys, size: Size) -> Report:
    """Let everybody join fresh nodes; how that went, second by second.

    Raises:
        RuntimeError: A node or a load did not do its part.
    """
    await_quiet(size.quiet_s)
    rate = size.step["step"]
    clients = int(size.step["clients"] / scenario.nodes)
    limit_s = clients * scenario.nodes / rate + GRACE_S
    step = {"step": rate / scenario.nodes, "clients": clients, "limit": limit_s}
    options = replace(size, step=step).fill(scenario.load)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="river-storm-")))
        pid, broker = stack.enter_context(redis(home))
        ask = Ask(keys=keys, home=home, side=scenario.side, broker=broker, core=None)
        nodes = [stack.enter_context(contender.start(ask)) for _ in range(scenario.nodes)]
        pids = (pid, *(one for node in nodes for one in node.pids))
        work: list[list[str]] = []
        for nth, node in enumerate(nodes):
            folder = home / f"load-{nth}"
            folder.mkdir()
            tokens = loader.write_tokens(contender, keys, folder=folder, users=clients)
            told = loader.Work(options=options, tokens=tokens, core=None, ends_s=limit_s + GRACE_S)
            work.append(loader.command(contender, node, work=told))
        begin = look(pids)
        loads = _together(work)
        end = look(pids)
    return {
        "loads": loads,
        "machine": machine_figures(begin, end),
        "storm": {**figures_of(loads), "cpu": (end.cpu_s - begin.cpu_s) / (end.at_s - begin.at_s)},
    }


def _together(work: Sequence[list[str]]) -> list[Report]:
    """One generator for each node, at the same time."""
    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(lambda line: loader.run(line, lambda _: None), work))


def seconds_of(loads: Sequence[Report]) -> list[tuple[int, int]]:
    """Clients up, and deliveries with presence messages, of all generators second by second."""
    series = [cast("list[tuple[int, int, int]]", at(load, "series") or []) for load in loads]
    last = [one[-1][0] if one else 0 for one in series]

    def whole(nth: int) -> tuple[int, int]:
        rows = [
            one[nth] if nth < len(one) else (up, 0, 0) for one, up in zip(series, last, strict=True)
        ]
        return sum(row[0] for row in rows), sum(row[1] + row[2] for row in rows)

    return [whole(nth) for nth in range(max(map(len, series), default=0))]


def figures_of(loads: Sequence[Report]) -> dict[str, float]:
    """What became of a storm, of all its generators together."""

    def total(path: str) -> float:
        return sum(number(load, path) or 0.0 for load in loads)

    def most(path: str) -> float:
        return max(number(load, path) or 0.0 for load in loads)

    seconds = seconds_of(loads)
    up = [live for live, _ in seconds]
    joining = up[: int(most("connect.seconds"))]
    last = joining[-END_S - 1 :]
    return {
        "live": total("connect.live"),
        "wanted": total("settings.connections"),
        "seconds": most("connect.seconds"),
        "refused": total("connect.refused"),
        "lost": total("total.lost"),
        "joins_per_s_end": (last[-1] - last[0]) / max(len(last) - 1, 1) if last else 0.0,
        "deliveries_per_s_peak": max((count for _, count in seconds), default=0),
        "connect_ms_p99": most("connect.ms.p99"),
    }


def main() -> int:
    """Run one storm and print its seconds and its end; 1 if a client was refused or lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=1_000, help="joins a second")
    parser.add_argument("--peer", choices=sorted(CONTENDERS), default="river")
    wanted = parser.parse_args()
    loader.build()
    scenario = next(one for one in SCENARIOS if one.name == "storm")
    step = {"step": wanted.rate, "clients": wanted.clients}
    size = Size(seconds=WINDOW_S, rest=0, quiet_s=5, step=step)
    found = storm_round(scenario, CONTENDERS[wanted.peer], keys=RunKeys(), size=size)
    for live, deliveries in seconds_of(cast("list[Report]", found["loads"])):
        print(f"{live:6} clients  {deliveries / 1e6:6.2f} million deliveries/s")
    print(json.dumps(found["storm"]))
    lost = (number(found, "storm.refused") or 0) + (number(found, "storm.lost") or 0)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
