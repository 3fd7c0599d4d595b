"""Does every attack to a River of its own, and writes down what it cost: `make attack`."""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from before import HEAD, cost_before
from catalogue import ATTACKS

# After the attackers, which makes the tests' client known.
from innocent import Innocent
from memory_group import limited
from pusher_attackers import APPS, RULES
from river_process import API_KEY, KEYS, MEBIBYTE, River, ask

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- make attack: begin -->", "<!-- make attack: end -->"
MEMORY_BYTES = 512 * MEBIBYTE
DELAY_MS_MAX = 2_000
"""Of the innocent's pings, 99 of 100. Two cores are shared by all: it is no goal, but a sign."""
SERVED_SHARE_MIN = 0.9
SETTINGS = {
    "RIVER_TRUSTED_PROXIES": "127.0.0.1",
    "RIVER_ALLOWED_ORIGINS": "https://*.example.com,https://*-*.example.com",
    "RIVER_LOG_LEVEL": "error",
    "RIVER_APPS": APPS,
    "RIVER_CHANNEL_RULES": RULES,
}
HEADS = ("attack", "connections", "peak of memory", "99 of 100 pings within", HEAD)


@dataclass(frozen=True)
class AttackOutcome:
    """What an attack was for others."""

    attack: str
    size: int
    peak_bytes: int
    median_ms: float
    p99_ms: float
    served: int
    refused: int
    died: bool
    in_group: bool

    @property
    def is_borne(self) -> bool:
        """Whether nobody but the attacker was the worse for it."""
        return (
            not self.died
            and self.peak_bytes < MEMORY_BYTES
            and self.p99_ms < DELAY_MS_MAX
            and self.served >= SERVED_SHARE_MIN * (self.served + self.refused)
        )

    def row(self) -> str:
        """A line of the table."""
        peak = "killed" if self.died else f"{self.peak_bytes / MEBIBYTE:.0f} MiB"
        cells = (self.attack, f"{self.size:,}", peak, f"{self.p99_ms:.0f} ms")
        return "| " + " | ".join((*cells, cost_before(self.attack))) + " |"


def main() -> int:
    """Do the wanted attacks; 1 if one of them was not borne."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--scale", type=float, default=1, help="of the number of connections")
    parser.add_argument("--only", action="append", choices=list(ATTACKS), help="this attack alone")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    wanted = parser.parse_args()
    outcomes = [
        asyncio.run(bear(name, seconds=wanted.seconds, scale=wanted.scale))
        for name in wanted.only or ATTACKS
    ]
    table = _table(outcomes, wanted.seconds)
    print(table)
    if wanted.write:
        _write(table)
    unborne = [one.attack for one in outcomes if not one.is_borne]
    if unborne:
        print(f"not borne: {unborne}", file=sys.stderr)
    return 1 if unborne else 0


async def bear(name: str, *, seconds: float, scale: float) -> AttackOutcome:
    """One attack to a new River, with the innocent beside it."""
    size = max(10, int(ATTACKS[name][1] * scale))
    with tempfile.TemporaryDirectory() as folder:
        river = River("dev", settings={**KEYS, **SETTINGS}, folder=Path(folder))
        try:
            _fill(river)
            before = river.memory_bytes()
            with limited(river.pid, MEMORY_BYTES - before) as in_group:
                innocent = Innocent(river.url)
                await _attack(name, river.url, size=size, innocent=innocent, seconds=seconds)
                died = river.process.poll() is not None
                peak = 0 if died else river.memory_bytes("VmHWM")
                river.kill()
        finally:
            river.kill()
    print(f"{name}: {peak / MEBIBYTE:.0f} MiB", file=sys.stderr)
    return AttackOutcome(
        name,
        size,
        peak,
        innocent.percentile_ms(0.5),
        innocent.percentile_ms(0.99),
        innocent.served,
        innocent.refused,
        died,
        in_group,
    )


async def _attack(name: str, url: str, *, size: int, innocent: Innocent, seconds: float) -> None:
    # In a process of its own: its work is not the innocent's delay.
    attacker = subprocess.Popen(  # noqa: ASYNC220  it is awaited by nobody
        [sys.executable, str(ROOT / "attacks" / "catalogue.py"), name, url, str(size)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        await innocent.run(seconds)
    except (OSError, EOFError, TimeoutError):
        # River is gone, or sends it away: that shows in the figures.
        innocent.refused += 1
        innocent.delays_s.append(seconds)
    finally:
        has_ended = attacker.poll() is not None
        attacker.kill()
        said = attacker.communicate()[1]
    if has_ended:
        raise RuntimeError(f"the attack ended by itself:\n{said}")


def _fill(river: River) -> None:
    """A full history, for those who ask for one."""
    for _ in range(100):
        ask(
            f"{river.api_url}/publish",
            {"channel": "full", "event": "e", "data": "x" * 60_000},
            key=API_KEY,
        )


def _table(outcomes: list[AttackOutcome], seconds: float) -> str:
    bound = "a control group of 512 MiB" if outcomes[0].in_group else "no control group"
    served = sum(one.served for one in outcomes)
    came = served + sum(one.refused for one in outcomes)
    median_ms = max(one.median_ms for one in outcomes)
    lines = [
        (
            f"`river dev` in {bound}, {seconds:.0f} s of each attack, all on one machine. Served: "
            f"{served} of {came} new clients. Pings took {median_ms:.0f} ms at most in the median."
        ),
        "",
        "| " + " | ".join(HEADS) + " |",
        "|---" * len(HEADS) + "|",
        *(one.row() for one in outcomes),
    ]
    return "\n".join(lines)


def _write(table: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
