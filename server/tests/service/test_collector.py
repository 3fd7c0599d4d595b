"""Old objects are no work for the collector where there are many of them."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator

import pytest
from river_time import in_no_time
from structlog.testing import capture_logs

from riverd.service.collector import (
    FREED_WITHIN_S,
    MANY_BLOCKS,
    OLDER_EVERY,
    SAMPLE_MAX,
    USUAL,
    YOUNG_EVERY_S,
    YOUNG_ONLY,
    OldObjects,
)


@pytest.fixture(autouse=True)
def unfrozen() -> Iterator[None]:
    """Leave the collector as it was."""
    before = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(100):
        while not holds():
            await asyncio.sleep(0.1)


@in_no_time
async def test_many_objects_are_frozen_and_left_to_the_collector_when_they_are_gone() -> None:
    callbacks = len(gc.callbacks)
    looking = asyncio.create_task(OldObjects().run())
    await asyncio.sleep(5)
    assert (gc.get_freeze_count(), gc.get_threshold()) == (0, USUAL)
    many = [[number] for number in range(2 * MANY_BLOCKS)]
    await until(lambda: gc.get_freeze_count() >= len(many))
    assert gc.get_threshold() == YOUNG_ONLY
    many.clear()
    await until(lambda: gc.get_freeze_count() == 0)
    assert gc.get_threshold() == USUAL
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    assert len(gc.callbacks) == callbacks


@in_no_time
async def test_while_there_are_many_new_ones_are_not_looked_at_again_and_again() -> None:
    looking, many = await frozen(OldObjects())
    before = asyncio.get_running_loop().time()
    more = [[number] for number in range(10 * MANY_BLOCKS)]
    await until(lambda: gc.get_freeze_count() >= len(many) + len(more))
    assert asyncio.get_running_loop().time() - before < OLDER_EVERY * YOUNG_EVERY_S / 2
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


async def frozen(old: OldObjects) -> tuple[asyncio.Task[None], list[list[int]]]:
    """The task that looks, and many objects that it has frozen."""
    looking = asyncio.create_task(old.run())
    await asyncio.sleep(0)
    many = [[number] for number in range(2 * MANY_BLOCKS)]
    await until(lambda: gc.get_freeze_count() >= len(many))
    return looking, many


class Connection:
    closed = False


def in_a_circle() -> Connection:
    one, two = Connection(), Connection()
    one.__dict__["other"], two.__dict__["other"] = two, one
    return one


@in_no_time
async def test_circles_that_were_old_before_they_were_left_are_collected_and_logged() -> None:
    living = {in_a_circle() for _ in range(SAMPLE_MAX)}
    # The collector lists nothing that is frozen.
    in_memory = weakref.WeakSet(living)
    looking, many = await frozen(OldObjects(living))
    # Long enough that some of them are in the sample.
    await asyncio.sleep(60)
    with capture_logs() as logged:
        while living:
            living.pop().closed = True
        # Frozen, so that no young collection finds them.
        await asyncio.sleep(FREED_WITHIN_S / 2)
        assert len(in_memory) == SAMPLE_MAX
        assert logged == []
        await until(lambda: not in_memory)
    assert [one["event"] for one in logged] == ["circles_left"]
    assert gc.get_freeze_count() >= len(many)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


@in_no_time
async def test_what_ends_without_a_circle_costs_no_full_collection() -> None:
    living = {Connection() for _ in range(SAMPLE_MAX)}
    looking, _many = await frozen(OldObjects(living))
    await asyncio.sleep(60)
    with capture_logs() as logged:
        while living:
            living.pop().closed = True
        await asyncio.sleep(2 * FREED_WITHIN_S)
    assert logged == []
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


@in_no_time
async def test_what_is_left_in_a_circle_is_freed_while_there_are_many() -> None:
    looking, _many = await frozen(OldObjects())
    # The collector lists nothing that is frozen.
    in_memory = weakref.WeakSet(in_a_circle() for _ in range(10))
    await until(lambda: not in_memory)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
