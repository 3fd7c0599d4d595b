"""The command line of the simulator."""

import argparse
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import count
from multiprocessing import get_context

from simulation.planting import Plant, planted
from simulation.plants import PLANTS
from simulation.world import World

PORTION = 20
PLANT_SEEDS_MAX = 500
REPLAY = "python server/tests/simulation/run.py --seed {seed} --trace"

ErrorReply = tuple[int, str]


def failure_of(seed: int) -> str | None:
    """What went wrong in one run."""
    try:
        World(seed).run()
    except Exception as error:  # noqa: BLE001  whatever it is, it is the result
        return f"{type(error).__name__}: {error}"
    return None


def first_failure(
    plant: Plant, run: Callable[[int], str | None] = failure_of, *, since: int = 0
) -> ErrorReply | None:
    """The first seed that finds a bug, and what it says of it."""
    with planted(plant):
        for seed in range(since, since + PLANT_SEEDS_MAX):
            failure = run(seed)
            if failure is not None:
                return seed, failure
    return None


def main(arguments: list[str]) -> int:
    """Exit code 0 if no seed failed, and every plant was found."""
    parser = argparse.ArgumentParser(description="River's core in virtual time, under faults.")
    parser.add_argument("--seed", type=int, help="one run")
    parser.add_argument("--trace", action="store_true", help="with all that happens in it")
    parser.add_argument("--seeds", default="2000", help="COUNT, or FROM:TO")
    parser.add_argument("--jobs", type=int, default=2, help="how many processes")
    parser.add_argument("--plant", help="with a bug: one of plants.py")
    parser.add_argument("--plants", action="store_true", help="how many seeds each bug needs")
    options = parser.parse_args(arguments)
    if options.plants:
        return _all_plants()
    if options.seed is not None:
        return _one(options.seed, trace=options.trace, plant=options.plant)
    first, _, last = options.seeds.rpartition(":")
    return _many(range(int(first or 0), int(last)), jobs=options.jobs, plant=options.plant)


def _with(plant: str | None) -> AbstractContextManager[None]:
    return nullcontext() if plant is None else planted({one.name: one for one in PLANTS}[plant])


def _one(seed: int, *, trace: bool, plant: str | None) -> int:
    try:
        with _with(plant):
            World(seed, trace=_say if trace else None).run()
    except Exception:  # noqa: BLE001  whatever it is, it is the result
        traceback.print_exc(file=sys.stdout)
        return 1
    _say(f"seed {seed} is fine")
    return 0


def _failures_of(seeds: Sequence[int], plant: str | None) -> list[ErrorReply]:
    with _with(plant):
        return [(seed, failure) for seed in seeds if (failure := failure_of(seed)) is not None]


def _many(seeds: range, *, jobs: int, plant: str | None) -> int:
    began_s = time.perf_counter()
    portions = [seeds[at : at + PORTION] for at in range(0, len(seeds), PORTION)]
    failed = 0
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for failures in pool.map(partial(_failures_of, plant=plant), portions):
            failed += len(failures)
            for seed, failure in failures:
                again = "" if plant is None else f" --plant {shlex.quote(plant)}"
                _say(f"seed {seed}: {failure}\n    {REPLAY.format(seed=seed)}{again}")
    took_s = time.perf_counter() - began_s
    each_ms = took_s / len(seeds) * 1000
    _say(f"{len(seeds)} seeds in {took_s:.0f} s ({each_ms:.0f} ms each), {failed} failed")
    return 1 if failed else 0


def _all_plants() -> int:
    missed = count()
    for plant in PLANTS:
        found = first_failure(plant)
        if found is None:
            next(missed)
        seeds, failure = (found[0] + 1, found[1]) if found else (PLANT_SEEDS_MAX, "NOT FOUND")
        _say(f"{seeds:4}  {plant.name:60}  {failure.splitlines()[0][:120]}")
    return 1 if next(missed) else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
