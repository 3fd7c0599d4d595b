"""Hours of churn on a real cluster, sampled and judged by its slopes: `make soak HOURS=2`."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import cycle
from pathlib import Path

from churn import Churn
from curves import curves
from processes import CONTINUE, STOP, ApiProcess, GatewayProcess, Redis, ServerProcess
from slopes import Growth, GrowthLimit, growths

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reliability.md"
DRAWING = ROOT / "docs" / "images" / "soak.svg"
BEGIN, END = "<!-- make soak: begin -->", "<!-- make soak: end -->"
HISTORY_TTL_S = 20
"""What is kept of a channel is gone before the warm-up is over, also in a short run."""
SESSION_HISTORY_BYTES = 65_536
"""By default what is remembered of sessions fills 16 MiB, which takes hours."""
SAMPLES = 600
SAMPLE_S_MIN = 0.5
HICCUP_S = 20.0
PAUSE_S = 1.0
MEBIBYTE = 1 << 20
LIMITS = {
    "MiB": GrowthLimit(0.05, 4.0),
    "files": GrowthLimit(0.05, 20.0),
    "keys": GrowthLimit(0.05, 50.0),
    "clients": GrowthLimit(0.05, 6.0),
}
"""By unit. The number of visitors at a time goes up and down: files and clients follow it."""

KEPT_HOURS = 25
"""Redis keeps where a log ends for a day after its last publication: until then it grows."""
GROWS_FOR_A_DAY = ("Redis keys", "Redis MiB")

Series = dict[str, list[float]]


class Soak:
    """The processes, the load, and what was sampled."""

    def __init__(self, *, per_s: float) -> None:
        # As a setting of the environment it holds for all processes alike.
        os.environ["RIVER_HISTORY_TTL_S"] = str(HISTORY_TTL_S)
        os.environ["RIVER_SESSION_HISTORY_BYTES"] = str(SESSION_HISTORY_BYTES)
        self._folder = tempfile.TemporaryDirectory()
        self.redis = Redis(Path(self._folder.name))
        self.gateways = [GatewayProcess(self.redis.port, 1.0) for _ in range(2)]
        self.api = ApiProcess(self.redis.port)
        self.churn = Churn([one.port for one in self.gateways], self.api.port, per_s)
        self.hiccups = 0
        self.series: Series = defaultdict(list)

    @property
    def processes(self) -> dict[str, ServerProcess]:
        """All of them, by their names."""
        first, second = self.gateways
        return {"gateway 1": first, "gateway 2": second, "API": self.api, "Redis": self.redis}

    async def run(self, seconds: float) -> None:
        """Start, churn, sample, and end."""
        for one in (self.redis, *self.gateways, self.api):
            await asyncio.to_thread(one.start)
        tasks = [asyncio.create_task(one) for one in (self.churn.run(), self._trouble())]
        every_s, begun = max(SAMPLE_S_MIN, seconds / SAMPLES), time.monotonic()
        try:
            while time.monotonic() - begun < seconds:
                await asyncio.sleep(every_s)
                self._sample()
                for task in tasks:
                    if task.done():
                        task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """End everything."""
        for one in self.processes.values():
            one.close()
        self._folder.cleanup()

    def errors(self) -> list[str]:
        """What River's processes logged as errors."""
        return [line for one in (*self.gateways, self.api) for line in one.errors()]

    def _sample(self) -> None:
        for name, one in self.processes.items():
            self.series[f"{name} MiB"].append(one.memory_bytes() / MEBIBYTE)
            self.series[f"{name} files"].append(one.open_files())
        # A Redis that is paused has the figures of the last time.
        with suppress(OSError, ValueError):
            self.series["Redis keys"].append(float(self.redis.command("DBSIZE")[1:]))
            clients = self.redis.command("CLIENT LIST").count("addr=")
            self.series["Redis clients"].append(clients)

    async def _trouble(self) -> None:
        """One hiccup of the broker after the other."""
        kinds: list[Callable[[], Coroutine[None, None, None]]] = [
            self._pause,
            self._cut_feeds,
            self._cut,
        ]
        for kind in cycle(kinds):
            await asyncio.sleep(HICCUP_S)
            await kind()
            self.hiccups += 1

    async def _pause(self) -> None:
        self.redis.signal(STOP)
        await asyncio.sleep(PAUSE_S)
        self.redis.signal(CONTINUE)

    async def _cut_feeds(self) -> None:
        self.redis.command("CLIENT KILL TYPE pubsub")

    async def _cut(self) -> None:
        self.redis.command("CLIENT KILL TYPE normal")


def main() -> int:
    """Soak for as long as is wanted; 1 if something grows, or River logged an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--per-s", type=float, default=10.0, help="visitors a second")
    parser.add_argument("--json", type=Path, help="write all samples there")
    parser.add_argument(
        "--write", action="store_true", help=f"put table and curve into {PAGE.name}"
    )
    wanted = parser.parse_args()
    soak = Soak(per_s=wanted.per_s)
    try:
        asyncio.run(soak.run(wanted.hours * 3_600))
        errors = soak.errors()
    finally:
        soak.close()
    found = growths(soak.series, LIMITS)
    judged = [one for one in found if one.name not in GROWS_FOR_A_DAY or wanted.hours >= KEPT_HOURS]
    table = _table(soak, found, hours=wanted.hours)
    print(table)
    if wanted.json:
        wanted.json.write_text(json.dumps(soak.series), encoding="utf-8")
    if wanted.write:
        _write(table)
        memory = {name: one for name, one in soak.series.items() if name.endswith(("MiB", "keys"))}
        DRAWING.write_text(curves(memory, hours=wanted.hours), encoding="utf-8")
    for line in errors[:10]:
        print(line, file=sys.stderr)
    return 0 if all(one.is_steady for one in judged) and not errors else 1


def _table(soak: Soak, found: list[Growth], *, hours: float) -> str:
    churn = soak.churn
    lines = [
        f"{hours:.2g} hours: {churn.visits:,} visitors, each with a user, a token and "
        f"channel names of its own; {churn.received:,} deliveries; {soak.hiccups} hiccups of the "
        f"broker ({churn.failed:,} visits failed in them).",
        "",
        "| series | after the warm-up | at the end | growth by its slope | allowed | steady |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.name} | {one.first:.1f} | {one.last:.1f} | {one.growth:+.1f} | {one.limit:.1f}"
        f" | {_steady(one, hours)} |"
        for one in found
    ]
    return "\n".join(lines)


def _steady(one: Growth, hours: float) -> str:
    if one.name in GROWS_FOR_A_DAY and hours < KEPT_HOURS:
        return "grows for a day"
    return "yes" if one.is_steady else "**no**"


def _write(table: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
