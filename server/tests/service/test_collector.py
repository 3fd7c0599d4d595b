"""Old objects are no work for the collector where there are many of them."""

import gc
from collections.abc import Iterator

import pytest

from riverd.service.collector import MANY_BLOCKS, OldObjects


@pytest.fixture(autouse=True)
def unfrozen() -> Iterator[None]:
    """Leave the collector as it was."""
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_many_objects_are_frozen_and_left_to_the_collector_when_they_are_gone() -> None:
    old = OldObjects()
    old.look()
    assert gc.get_freeze_count() == 0
    many = [[number] for number in range(2 * MANY_BLOCKS)]
    old.look()
    assert gc.get_freeze_count() >= len(many)
    del many
    old.look()
    assert gc.get_freeze_count() == 0
