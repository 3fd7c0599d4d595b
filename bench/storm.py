"""The original's load test: every join is announced to everybody, over two gateways and Redis.

    python bench/storm.py --clients 20000 --rate 100

Everything is the real thing: tokens, presence with members on each join, one Redis between the
gateways. A line a few seconds shows how it goes, so that one sees whether it slows down at the end.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from keys import Keys
from loader import LOAD, build
from serving import free_port, gateway_on, get, redis

GATEWAYS = 2
SAMPLE_S = 5.0
CONNECT_S_MAX = 600
_METRIC = re.compile(r"^(river_\w+?)(?:\{.*\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Sample:
    """What both gateways have counted so far, together."""

    at: float
    connections: float
    deliveries: float
    cpu_s: float


@dataclass(frozen=True)
class Pace:
    """What happened between two samples, a second."""

    connections: int
    joins: float
    deliveries: float
    cpu: float


def main() -> int:
    """Run one storm and print its paces and its end as JSON; 1 if a client was refused or lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=19_800)
    parser.add_argument("--rate", type=float, default=1_000, help="joins a second")
    wanted = parser.parse_args()
    build()
    keys = Keys()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="river-storm-")))
        broker = stack.enter_context(redis(folder))
        ports = [free_port() for _ in range(GATEWAYS)]
        for port in ports:
            home = folder / str(port)
            home.mkdir()
            stack.enter_context(gateway_on(port, keys, home, broker=broker))
        loads = [
            _load(port, keys, folder, clients=wanted.clients // GATEWAYS, rate=wanted.rate)
            for port in ports
        ]
        paces = _watch(ports, loads)
        return _report(paces, [json.loads(_output(load)) for load in loads])


def _load(
    port: int, keys: Keys, folder: Path, *, clients: int, rate: float
) -> subprocess.Popen[bytes]:
    """One generator for one gateway; every client is a user of its own."""
    tokens = folder / f"tokens-{port}"
    names = [keys.token(f"user-{port}-{number}") for number in range(clients)]
    tokens.write_text("\n".join(names), encoding="ascii")
    options = {
        "--url": f"ws://127.0.0.1:{port}/ws",
        "--token-file": str(tokens),
        "--channels": "presence-storm",
        "--connections": str(clients),
        "--rate": str(rate / GATEWAYS),
        "--connect-s": str(CONNECT_S_MAX),
        "--timeout-s": str(CONNECT_S_MAX + 60),
        "--duration-s": "3",
    }
    command = [str(LOAD), "--no-stamps", *[word for pair in options.items() for word in pair]]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _watch(ports: list[int], loads: list[subprocess.Popen[bytes]]) -> list[Pace]:
    paces: list[Pace] = []
    before = _sample(ports)
    while any(load.poll() is None for load in loads):
        time.sleep(SAMPLE_S)
        now = _sample(ports)
        if now.connections < before.connections:
            # They leave again: it is over.
            break
        took = now.at - before.at
        pace = Pace(
            int(now.connections),
            (now.connections - before.connections) / took,
            (now.deliveries - before.deliveries) / took,
            (now.cpu_s - before.cpu_s) / took,
        )
        paces.append(pace)
        print(
            f"{pace.connections:6} clients  {pace.joins:6.0f} joins/s"
            f"  {pace.deliveries / 1e6:6.2f} million deliveries/s  {pace.cpu:4.2f} cores",
            flush=True,
        )
        before = now
    return paces


def _sample(ports: list[int]) -> Sample:
    totals: dict[str, float] = {}
    for port in ports:
        text = get(f"http://127.0.0.1:{port}/metrics", timeout_s=60) or ""
        for name, value in cast("list[tuple[str, str]]", _METRIC.findall(text)):
            totals[name] = totals.get(name, 0) + float(value)
    return Sample(
        time.monotonic(),
        totals.get("river_connections", 0),
        totals.get("river_deliveries_total", 0),
        totals.get("river_cpu_seconds_total", 0),
    )


def _output(load: subprocess.Popen[bytes]) -> bytes:
    output, _ = load.communicate()
    return output


def _report(paces: list[Pace], told: list[dict[str, dict[str, float]]]) -> int:
    connects = [one["connect"] for one in told]
    refused = sum(int(one["refused"]) for one in connects)
    lost = sum(int(one["total"]["lost"]) for one in told)
    busiest = max(paces, key=lambda pace: pace.deliveries)
    result = {
        "live": sum(int(one["live"]) for one in connects),
        "seconds": max(one["seconds"] for one in connects),
        "refused": refused,
        "lost": lost,
        "deliveries_per_s_peak": round(busiest.deliveries),
    }
    print(json.dumps(result))
    return 1 if refused or lost else 0


if __name__ == "__main__":
    sys.exit(main())
