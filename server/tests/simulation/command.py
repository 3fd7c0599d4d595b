"""The command line of the simulator."""

import argparse
import json
import logging
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

import structlog
from simulation.planting import Plant, planted
from simulation.worlds import ALL, KINDS, named, plant_named, shares

NODES = "nodes"
PORTION = 20
PLANT_SEEDS_MAX = 500
FOUND = Path(__file__).with_name("found.json")
"""The seed that found each plant when it was last recorded."""
REPLAY = "python server/tests/simulation/run.py --world {world} --seed {seed} --trace"

ErrorReply = tuple[int, str]


def failure_of(seed: int) -> str | None:
    """What went wrong in one run of the world of nodes."""
    return KINDS[NODES].failure_of(seed)


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
    parser.add_argument(
        "--world", choices=[*KINDS, ALL], help=f"{NODES} by default, all of them for --plants"
    )
    parser.add_argument("--seed", type=int, help="one run")
    parser.add_argument("--trace", action="store_true", help="with all that happens in it")
    parser.add_argument("--seeds", default="2000", help="COUNT, or FROM:TO; of all worlds, shared")
    parser.add_argument("--jobs", type=int, default=2, help="how many processes")
    parser.add_argument("--plant", help="with a bug, by its name in plants.py and its like")
    parser.add_argument("--plants", action="store_true", help="how many seeds each bug needs")
    parser.add_argument("--record", action="store_true", help="keep that for the tests")
    options = parser.parse_args(arguments)
    if options.plants:
        return _all_plants(options.world or ALL, record=options.record)
    world = options.world or NODES
    if options.seed is not None:
        fine = [
            _one(name, options.seed, trace=options.trace, plant=options.plant)
            for name in named(world)
        ]
        return 0 if all(fine) else 1
    first, _, last = options.seeds.rpartition(":")
    return _many(world, range(int(first or 0), int(last)), jobs=options.jobs, plant=options.plant)


def _with(plant: str | None) -> AbstractContextManager[None]:
    return nullcontext() if plant is None else planted(plant_named(plant))


def _quiet() -> None:
    """What River logs in a run is not what is looked for."""
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent)


def _one(world: str, seed: int, *, trace: bool, plant: str | None) -> bool:
    _quiet()
    try:
        with _with(plant):
            KINDS[world].make(seed, trace=_say if trace else None).run()
    except Exception:  # noqa: BLE001  whatever it is, it is the result
        traceback.print_exc(file=sys.stdout)
        return False
    _say(f"seed {seed} of {world} is fine")
    return True


def _failures_of(world: str, seeds: Sequence[int], plant: str | None) -> list[ErrorReply]:
    run = KINDS[world].failure_of
    with _with(plant):
        return [(seed, failure) for seed in seeds if (failure := run(seed)) is not None]


def _many(world: str, seeds: range, *, jobs: int, plant: str | None) -> int:
    began_s = time.perf_counter()
    portions = [
        (name, some[at : at + PORTION])
        for name, some in shares(world, seeds).items()
        for at in range(0, len(some), PORTION)
    ]
    failed = 0
    again = "" if plant is None else f" --plant {shlex.quote(plant)}"
    spawn = get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_quiet) as pool:
        found = pool.map(_failures_of, *zip(*portions, strict=True), [plant] * len(portions))
        for (name, _), failures in zip(portions, found, strict=True):
            failed += len(failures)
            for seed, failure in failures:
                replay = REPLAY.format(world=name, seed=seed)
                _say(f"seed {seed} of {name}: {failure}\n    {replay}{again}")
    took_s = time.perf_counter() - began_s
    each_ms = took_s / len(seeds) * 1000
    _say(f"{len(seeds)} seeds in {took_s:.0f} s ({each_ms:.0f} ms each), {failed} failed")
    return 1 if failed else 0


def _all_plants(world: str, *, record: bool) -> int:
    runs = [(plant, kind.failure_of) for kind in named(world).values() for plant in kind.plants]
    seeds: dict[str, int] = {}
    for plant, run in runs:
        found = first_failure(plant, run)
        if found is None:
            _say(f"NONE  {plant.name}")
            continue
        seeds[plant.name] = found[0]
        _say(f"{found[0] + 1:4}  {plant.name:60}  {found[1].splitlines()[0][:120]}")
    if record:
        # What needs more seeds than these was found in another way: it stays.
        names = {plant.name for kind in KINDS.values() for plant in kind.plants}
        kept = {name: seed for name, seed in (_found() | seeds).items() if name in names}
        FOUND.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return 0 if len(seeds) == len(runs) else 1


def likely_seed(plant: Plant) -> int:
    """Which seed found a bug last: tried first, it saves minutes."""
    return _found().get(plant.name, 0)


def _found() -> dict[str, int]:
    seeds: dict[str, int] = json.loads(FOUND.read_text(encoding="utf-8"))
    return seeds


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
