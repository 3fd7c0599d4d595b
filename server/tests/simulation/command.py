"""The command line of the simulator."""

import argparse
import json
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

from simulation import part_world, tab_world
from simulation.healing_plants import HEALING_PLANTS
from simulation.part_plants import PART_PLANTS
from simulation.planting import Plant, planted
from simulation.plants import PLANTS
from simulation.tab_plants import TAB_PLANTS
from simulation.world import World

PORTION = 20
PLANT_SEEDS_MAX = 500
FOUND = Path(__file__).with_name("found.json")
"""The seed that found each plant when it was last recorded."""
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
    plant: Plant, run: Callable[[int], str | None] = failure_of, *, likely: int = 0
) -> ErrorReply | None:
    """The first seed that finds a bug, and what it says of it; `likely` is tried before all."""
    with planted(plant):
        for seed in chain([likely], range(PLANT_SEEDS_MAX)):
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
    parser.add_argument("--record", action="store_true", help="keep that for the tests")
    options = parser.parse_args(arguments)
    if options.plants:
        return _all_plants(record=options.record)
    if options.seed is not None:
        return _one(options.seed, trace=options.trace, plant=options.plant)
    first, _, last = options.seeds.rpartition(":")
    return _many(range(int(first or 0), int(last)), jobs=options.jobs, plant=options.plant)


def _with(plant: str | None) -> AbstractContextManager[None]:
    return (
        nullcontext()
        if plant is None
        else planted({one.name: one for one in (*PLANTS, *HEALING_PLANTS)}[plant])
    )


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


def _all_plants(*, record: bool) -> int:
    runs = [(plant, failure_of) for plant in (*PLANTS, *HEALING_PLANTS)]
    runs += [(plant, tab_world.failure_of) for plant in TAB_PLANTS]
    runs += [(plant, part_world.failure_of) for plant in PART_PLANTS]
    seeds: dict[str, int] = {}
    for plant, run in runs:
        found = first_failure(plant, run)
        if found is None:
            _say(f"NONE  {plant.name}")
            continue
        seeds[plant.name] = found[0]
        _say(f"{found[0] + 1:4}  {plant.name:60}  {found[1].splitlines()[0][:120]}")
    if record:
        FOUND.write_text(json.dumps(seeds, indent=2) + "\n", encoding="utf-8")
    return 0 if len(seeds) == len(runs) else 1


def likely_seed(plant: Plant) -> int:
    """Which seed found a bug last: tried first, it saves minutes."""
    seeds: dict[str, int] = json.loads(FOUND.read_text(encoding="utf-8"))
    return seeds.get(plant.name, 0)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
