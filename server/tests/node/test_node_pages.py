"""Pages whose clients keep no positions, on nodes: the first of the simulator's runs with them."""

import pytest
from simulation.tab_world import failure_of


@pytest.mark.parametrize("seed", range(16))
def test_pages_on_nodes_in_trouble_miss_nothing(seed: int) -> None:
    assert failure_of(seed) is None
