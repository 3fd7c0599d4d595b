"""Thousands of made-up clusters in trouble: nobody misses anything without being told."""

import asyncio
import os
import shlex
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from simulation.command import first_failure, likely_seed
from simulation.loop import Stuck, VirtualLoop
from simulation.world import World
from simulation.worlds import KINDS, shares

RUN = Path(__file__).with_name("run.py")
SEEDS = 2000


def simulator(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(RUN), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def trace_of(seed: int) -> list[str]:
    lines: list[str] = []
    World(seed, trace=lines.append).run()
    return lines


def test_no_seed_finds_a_broken_promise() -> None:
    done = simulator("--seeds", str(SEEDS))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_same_seed_is_the_same_run() -> None:
    trace = trace_of(7)
    assert len(trace) > 100
    assert trace == trace_of(7)
    assert trace != trace_of(8)


@pytest.mark.parametrize("seed", [3, 11, 29])
def test_the_same_seed_is_the_same_run_in_every_process(seed: int) -> None:
    runs = [
        simulator("--seed", str(seed), "--trace", PYTHONHASHSEED=hashes).stdout for hashes in "012"
    ]
    assert runs[0].count("\n") > 100
    assert runs[0] == runs[1] == runs[2]


def test_a_seed_that_fails_prints_the_command_that_shows_it_again() -> None:
    done = simulator("--seeds", "0:40", "--plant", "a gap is not sent")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("seed "))
    failure = lines[at].partition(": ")[2]
    python, script, *arguments = shlex.split(lines[at + 1])
    assert (python, Path(script).name) == ("python", RUN.name)
    again = simulator(*arguments)
    assert again.returncode == 1
    assert failure.partition(": ")[2] in again.stdout
    assert "FAILS" in again.stdout


@pytest.mark.parametrize("world", KINDS)
def test_each_world_is_run_by_its_name(world: str) -> None:
    kind = KINDS[world]
    plant = kind.plants[0]
    found = first_failure(plant, kind.failure_of, likely=likely_seed(plant))
    assert found is not None
    seed = found[0]
    with_bug = ("--plant", plant.name)
    runs = [
        simulator("--world", world, *arguments)
        for arguments in (
            ("--seed", str(seed), "--trace"),
            ("--seed", str(seed), *with_bug),
            ("--seeds", f"{seed}:{seed + 1}", *with_bug),
        )
    ]
    assert [one.returncode for one in runs] == [0, 1, 1], [one.stdout for one in runs]
    assert runs[0].stdout.count("\n") > 50
    assert runs[0].stdout.endswith(f"seed {seed} of {world} is fine\n")
    assert f"--world {world} --seed {seed} --trace --plant" in runs[2].stdout
    assert [one.stderr for one in runs] == ["", "", ""]


def test_all_worlds_share_the_seeds() -> None:
    found = shares("all", range(100, 200))
    assert found.keys() == KINDS.keys()
    assert sum(map(len, found.values())) == 100
    assert {one.start for one in found.values()} == {100}
    assert shares("pages", range(3)) == {"pages": range(3)}


def test_time_passes_at_once() -> None:
    loop = VirtualLoop(step_s=0.001)
    loop.run_until_complete(asyncio.sleep(1_000_000))
    assert loop.time() == pytest.approx(1_000_000)
    loop.close()


def test_a_loop_in_which_nothing_can_happen_any_more_says_so() -> None:
    loop = VirtualLoop(step_s=0.001)
    with pytest.raises(Stuck, match="nobody waits"):
        loop.run_until_complete(loop.create_future())
    loop.close()


def test_a_loop_that_turns_for_ever_says_so() -> None:
    loop = VirtualLoop(step_s=0.001)

    def turn() -> None:
        loop.call_soon(turn)

    turn()
    with pytest.raises(Stuck, match="no time passes"):
        loop.run_until_complete(loop.create_future())
    loop.close()


def test_loops_of_other_threads_sleep_as_ever_while_a_world_runs() -> None:
    loop, failures = VirtualLoop(step_s=0.001), list[BaseException]()

    def sleep_beside() -> None:
        try:
            asyncio.run(asyncio.sleep(0.01))
        except RuntimeError as error:
            failures.append(error)

    async def wait_for_it() -> None:
        beside = Thread(target=sleep_beside)
        beside.start()
        beside.join()

    loop.run_until_complete(wait_for_it())
    loop.close()
    assert failures == []
