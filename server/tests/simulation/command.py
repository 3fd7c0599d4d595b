"""The command line of the simulator."""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from simulation.world import World

PORTION = 20
REPLAY = "python server/tests/simulation/run.py --seed {seed} --trace"


def failure_of(seed: int) -> str | None:
    """What went wrong in one run."""
    try:
        World(seed).run()
    except Exception as error:  # noqa: BLE001  whatever it is, it is the result
        return f"seed {seed}: {type(error).__name__}: {error}"
    return None


def failures_of(seeds: Sequence[int]) -> list[tuple[int, str]]:
    """The seeds that failed, and how."""
    return [(seed, failure) for seed in seeds if (failure := failure_of(seed)) is not None]


def main(arguments: list[str]) -> int:
    """Exit code 0 if no seed failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="one run")
    parser.add_argument("--trace", action="store_true", help="with all that happens in it")
    parser.add_argument("--seeds", default="0:2000", help="COUNT, or FROM:TO")
    parser.add_argument("--jobs", type=int, default=2, help="how many processes")
    options = parser.parse_args(arguments)
    if options.seed is not None:
        return _one(options.seed, trace=options.trace)
    first, _, last = options.seeds.rpartition(":")
    return _many(range(int(first or 0), int(last)), options.jobs)


def _one(seed: int, *, trace: bool) -> int:
    try:
        World(seed, trace=_say if trace else None).run()
    except Exception:  # noqa: BLE001  whatever it is, it is the result
        traceback.print_exc(file=sys.stdout)
        return 1
    _say(f"seed {seed} is fine")
    return 0


def _many(seeds: range, jobs: int) -> int:
    began = time.perf_counter()
    portions = [seeds[at : at + PORTION] for at in range(0, len(seeds), PORTION)]
    failures: list[tuple[int, str]] = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for found in pool.map(failures_of, portions):
            for seed, failure in found:
                _say(f"{failure}\n    {REPLAY.format(seed=seed)}")
            failures += found
    took_s = time.perf_counter() - began
    _say(
        f"{len(seeds)} seeds in {took_s:.0f} s ({took_s / len(seeds) * 1000:.0f} ms each on "
        f"{jobs} processes), {len(failures)} failed"
    )
    return 1 if failures else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
