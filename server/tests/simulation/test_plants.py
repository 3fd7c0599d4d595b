"""The simulator is as good as the bugs that it finds."""

from collections.abc import Callable

import pytest
from simulation.command import first_failure, likely_seed
from simulation.healing_plants import HEALING_PLANTS
from simulation.planting import Plant
from simulation.plants import PLANTS


@pytest.mark.parametrize(
    "plant", [*PLANTS, *HEALING_PLANTS], ids=lambda plant: plant.name.replace(" ", "-")
)
def test_a_planted_bug_is_found(
    plant: Plant, record_property: Callable[[str, object], None]
) -> None:
    found = first_failure(plant, likely=likely_seed(plant))
    assert found is not None, f"no seed finds that {plant.name}"
    record_property("seeds", found[0] + 1)
