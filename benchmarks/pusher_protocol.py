"""River in Pusher's protocol beside Sockudo and soketi; a gateway that dies under 10,000 pages.

python benchmarks/pusher_protocol.py side-by-side --rounds 3
python benchmarks/pusher_protocol.py storm --clients 10000
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import loader
from keys import RunKeys
from measure import Size, one_round
from peers.contender import Ask
from peers.river.adapter import River, RiverPusher
from peers.sockudo.adapter import Sockudo
from peers.soketi.adapter import Soketi
from scenarios import SCENARIOS, GoalFigure
from serving import redis
from tree import at, number

if TYPE_CHECKING:
    from peers.contender import PeerServer

MEASURED = ("fanout", "connect", "idle")
AWAY_S = 1.0
CHANNELS = 10
COMEBACK_S = 60.0
ROUND_S_MAX = 180.0


def side_by_side(rounds: int, seconds: float) -> None:
    """Print the figures of each scenario, the contenders taking turns."""
    contenders = [one for one in (River(), RiverPusher(), Sockudo(), Soketi()) if one.is_here()]
    size = Size(seconds=seconds, rest=seconds, quiet_s=0)
    for name in MEASURED:
        scenario = next(one for one in SCENARIOS if one.name == name)
        found: dict[str, list[dict[str, object]]] = {one.title: [] for one in contenders}
        for _ in range(rounds):
            for one in contenders:
                found[one.title].append(one_round(scenario, one, keys=RunKeys(), size=size))
        for figure in scenario.figures:
            _print(name, figure, found=found)


def _print(name: str, figure: GoalFigure, *, found: dict[str, list[dict[str, object]]]) -> None:
    medians = {
        title: statistics.median(number(one, figure.path) or 0.0 for one in observed)
        for title, observed in found.items()
    }
    shown = ", ".join(f"{title} {value:,.2f}" for title, value in medians.items())
    print(f"{name}: {figure.label} {figure.unit}: {shown}", flush=True)


@dataclass
class Victim:
    """A gateway that is killed at the moment at which its clients lose it."""

    server: PeerServer

    def on_phase(self, phase: str) -> None:
        """Kill it."""
        if phase == "away":
            os.kill(self.server.pid, signal.SIGKILL)


def storm(clients: int) -> dict[str, object]:
    """Have all pages of a killed gateway come to another one after exactly a second."""
    contender, keys = RiverPusher(), RunKeys()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="river-storm-")))
        _, broker = stack.enter_context(redis(home))
        ask = Ask(keys=keys, home=home, side="gateway", broker=broker, core=None)
        gone, survivor = [stack.enter_context(contender.start(ask)) for _ in range(2)]
        options = (
            *("--connections", str(clients), "--connect-s", "120", "--duration-s", "1"),
            *("--channels", "room-%d", "--spread", str(CHANNELS), "--comeback", "--missed", "0"),
            *("--comeback-url", survivor.websocket_url, "--comeback-inflight", str(clients)),
            *("--away-s", str(AWAY_S), "--comeback-s", str(COMEBACK_S)),
        )
        tokens = loader.write_tokens(contender, keys, folder=home, users=1)
        work = loader.Work(options=options, tokens=tokens, core=None, ends_s=ROUND_S_MAX)
        return loader.run(loader.command(contender, gone, work=work), Victim(gone).on_phase)


def main() -> int:
    """Measure; 1 if a page of the storm opened a second connection or did not come back."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    beside = kinds.add_parser("side-by-side")
    beside.add_argument("--rounds", type=int, default=3)
    beside.add_argument("--seconds", type=float, default=5)
    kinds.add_parser("storm").add_argument("--clients", type=int, default=10_000)
    wanted = parser.parse_args()
    loader.build()
    if wanted.kind == "side-by-side":
        side_by_side(wanted.rounds, wanted.seconds)
        return 0
    found = storm(wanted.clients)
    print(at(found, "comeback"), at(found, "total"), "refused:", number(found, "connect.refused"))
    whole = number(found, "comeback.caught_up") == wanted.clients
    return 0 if whole and not number(found, "connect.refused") else 1


if __name__ == "__main__":
    sys.exit(main())
