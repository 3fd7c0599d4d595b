"""Work in portions is others' turn in between."""

import asyncio

from riverd.scheduling.portions import FREED_AT_ONCE, first_in_order, free, portions


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
