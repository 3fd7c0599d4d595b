"""Work in portions is others' turn in between."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest
from turn_tally import TurnTally

from riverd.scheduling.large_copies import LARGE_COPIES, MANY
from riverd.scheduling.portions import (
    FREED_AT_ONCE,
    first_in_order,
    free,
    keys_in_portions,
    portions,
)


class Key:
    """Something that can be watched."""


@pytest.fixture
def frozen() -> Iterator[list[str]]:
    """Old objects are frozen, as in a process that has many."""
    collected = list[str]()
    LARGE_COPIES.collect_first = lambda: collected.append("collected")
    yield collected
    LARGE_COPIES.collect_first = None
    gc.unfreeze()


async def test_others_have_their_turn_between_two_portions() -> None:
    seen: list[list[int] | str] = []
    asyncio.get_running_loop().call_soon(seen.append, "another")
    async for some in portions(list(range(5)), 2):
        seen.append(list(some))  # noqa: PERF401  the order is what is looked at
    assert seen == [[0, 1], "another", [2, 3], [4]]


async def test_first_of_many_are_found_in_order() -> None:
    names = [f"{number:05}" for number in range(12_000)]
    assert await first_in_order(names[::-1], 3) == names[:3]
    assert await first_in_order(names[:2], 3) == names[:2]


async def test_nothing_is_no_portion() -> None:
    assert [some async for some in portions([])] == []


async def test_many_are_freed_some_at_a_time() -> None:
    items = dict.fromkeys(range(2 * FREED_AT_ONCE + 10), "")
    left = list[int]()

    async def others() -> None:
        while items:
            left.append(len(items))
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await free(items)
    await task
    assert left == [FREED_AT_ONCE + 10, 10]


async def test_keys_of_a_table_that_changes_are_those_of_the_beginning() -> None:
    table = dict.fromkeys(range(5), "")
    seen = list[list[int]]()
    async for some in keys_in_portions(table, 2):
        seen.append(some)
        table.pop(some[0])
        table[10 + some[0]] = ""
    assert seen == [[0, 1], [2, 3], [4]]


async def test_keys_that_were_looked_at_are_not_kept() -> None:
    table = {Key(): number for number in range(4)}
    kept = [weakref.ref(one) for one in table]
    turns = keys_in_portions(table, 1)
    await anext(turns)
    await anext(turns)
    table.clear()
    assert [one() is None for one in kept] == [True, False, False, False]
    await turns.aclose()


async def test_large_copies_are_frozen_and_what_is_left_in_circles_is_collected_before(
    frozen: list[str],
) -> None:
    before = gc.get_freeze_count()
    few = LARGE_COPIES.copy(range(MANY - 1), lambda: [[]])
    assert (frozen, gc.get_freeze_count(), few) == ([], before, [[]])
    LARGE_COPIES.copy(range(MANY), lambda: [[]])
    assert frozen == ["collected"]
    assert gc.get_freeze_count() > before


async def test_nothing_is_frozen_where_there_are_few_objects() -> None:
    before = gc.get_freeze_count()
    LARGE_COPIES.copy(range(MANY), lambda: [[]])
    assert gc.get_freeze_count() == before


async def test_two_large_tables_are_not_copied_in_one_turn() -> None:
    tally = TurnTally()
    copy = LARGE_COPIES.copy

    def counted(*arguments: object) -> object:
        tally.count()
        return copy(*arguments)  # type: ignore[arg-type]  as it is called

    async def look_at(table: dict[int, str]) -> int:
        return sum([len(some) async for some in keys_in_portions(table, MANY)])

    LARGE_COPIES.copy = counted  # type: ignore[method-assign]  to count
    try:
        tables = [dict.fromkeys(range(MANY), "") for _ in range(4)]
        assert await asyncio.gather(*map(look_at, tables)) == [MANY] * 4
    finally:
        del LARGE_COPIES.copy  # type: ignore[method-assign]  that of the class again
    assert (tally.end(), tally.done.total()) == (1, 4)
