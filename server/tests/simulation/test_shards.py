"""A cluster whose servers, slots and processes fail: nothing is lost without a new epoch."""

from collections.abc import Callable

import pytest
from simulation.command import first_failure, likely_seed
from simulation.planting import Plant
from simulation.shard_plants import SHARD_PLANTS
from simulation.worlds import KINDS

SEEDS = range(300)
failure_of = KINDS["shards"].failure_of


def test_no_seed_finds_a_publication_that_is_lost_silently() -> None:
    failures = {seed: found for seed in SEEDS if (found := failure_of(seed)) is not None}
    assert failures == {}


@pytest.mark.parametrize("plant", SHARD_PLANTS, ids=lambda plant: plant.name.replace(" ", "-"))
def test_a_bug_in_the_healing_of_a_cluster_is_found(
    plant: Plant, record_property: Callable[[str, object], None]
) -> None:
    found = first_failure(plant, failure_of, likely=likely_seed(plant))
    assert found is not None, f"no seed finds that {plant.name}"
    record_property("seeds", found[0] + 1)
