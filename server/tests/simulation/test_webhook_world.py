"""Webhooks in trouble: nothing is lost, order is kept, and the receiver's count is right."""

from collections.abc import Callable

import pytest
from simulation.command import first_failure, likely_seed
from simulation.planting import Plant
from simulation.webhook_plants import WEBHOOK_PLANTS
from simulation.webhook_world import failure_of

SEEDS = range(16)


def test_no_seed_finds_a_receiver_that_was_misled() -> None:
    failures = {seed: found for seed in SEEDS if (found := failure_of(seed)) is not None}
    assert failures == {}


@pytest.mark.parametrize("plant", WEBHOOK_PLANTS, ids=lambda plant: plant.name.replace(" ", "-"))
def test_a_bug_in_what_webhooks_are_sent_is_found(
    plant: Plant, record_property: Callable[[str, object], None]
) -> None:
    found = first_failure(plant, failure_of, likely=likely_seed(plant))
    assert found is not None, f"no seed finds that {plant.name}"
    record_property("seeds", found[0] + 1)
