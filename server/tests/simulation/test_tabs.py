"""Pages whose clients keep no positions, in trouble: they miss nothing without being told."""

from collections.abc import Callable

import pytest
from simulation.command import first_failure, likely_seed
from simulation.planting import Plant
from simulation.tab_plants import TAB_PLANTS
from simulation.tab_world import TabWorld, failure_of

OVERTAKEN = (763, 1326)
"""An earlier connection of a page asks the broker about it after a later one."""
SEEDS = (*range(16, 80), *OVERTAKEN)
"""Those before are run with the tests of nodes."""


def test_no_seed_finds_a_page_that_missed_something() -> None:
    failures = {seed: found for seed in SEEDS if (found := failure_of(seed)) is not None}
    assert failures == {}


def test_the_same_seed_of_pages_is_the_same_run() -> None:
    def trace_of(seed: int) -> list[str]:
        lines: list[str] = []
        TabWorld(seed, trace=lines.append).run()
        return lines

    trace = trace_of(7)
    assert len(trace) > 100
    assert trace == trace_of(7)


@pytest.mark.parametrize("plant", TAB_PLANTS, ids=lambda plant: plant.name.replace(" ", "-"))
def test_a_bug_in_what_is_kept_of_pages_is_found(
    plant: Plant, record_property: Callable[[str, object], None]
) -> None:
    found = first_failure(plant, failure_of, likely=likely_seed(plant))
    assert found is not None, f"no seed finds that {plant.name}"
    record_property("seeds", found[0] + 1)
