"""Lists of members that began again: no false leaves, whatever the seed."""

from collections.abc import Callable

import pytest
from simulation.command import first_failure, likely_seed
from simulation.list_plants import LIST_PLANTS
from simulation.planting import Plant
from simulation.worlds import KINDS

SEEDS = range(300)
failure_of = KINDS["lists"].failure_of


def test_no_seed_finds_a_leave_of_one_who_stays() -> None:
    failures = {seed: found for seed in SEEDS if (found := failure_of(seed)) is not None}
    assert failures == {}


@pytest.mark.parametrize("plant", LIST_PLANTS, ids=lambda plant: plant.name.replace(" ", "-"))
def test_a_bug_in_taking_a_list_is_found(
    plant: Plant, record_property: Callable[[str, object], None]
) -> None:
    found = first_failure(plant, failure_of, likely=likely_seed(plant))
    assert found is not None, f"no seed finds that {plant.name}"
    record_property("seeds", found[0] + 1)
