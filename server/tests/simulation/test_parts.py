"""Offers in parts: a part that is lost, old, early or another one's heals no log otherwise."""

from collections.abc import Callable

import pytest
from simulation.command import first_failure
from simulation.part_plants import PART_PLANTS
from simulation.part_world import failure_of
from simulation.planting import Plant

SEEDS = range(2_000)


def test_no_seed_finds_a_log_that_parts_heal_otherwise_than_whole_offers() -> None:
    failures = {seed: found for seed in SEEDS if (found := failure_of(seed)) is not None}
    assert failures == {}


@pytest.mark.parametrize("plant", PART_PLANTS, ids=lambda plant: plant.name.replace(" ", "-"))
def test_a_bug_in_offers_in_parts_is_found(
    plant: Plant, record_property: Callable[[str, object], None]
) -> None:
    found = first_failure(plant, failure_of)
    assert found is not None, f"no seed finds that {plant.name}"
    record_property("seeds", found[0] + 1)
