"""Long work in portions, between which it is others' turn."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from heapq import merge, nsmallest
from itertools import islice
from typing import TypeVar

from riverd.scheduling.large_copies import LARGE_COPIES, MANY
from riverd.scheduling.tasks import Tasks

PORTION = 500
"""Of channels: some milliseconds of the loop."""

FREED_AT_ONCE = 5_000
COPY_EVERY_S = 0.01

K = TypeVar("K")
T = TypeVar("T")


async def portions(items: Sequence[T], size: int = PORTION) -> AsyncIterator[Sequence[T]]:
    """The items, some at a time; others' turn comes between."""
    for start in range(0, len(items), size):
        if start:
            await asyncio.sleep(0)
        yield items[start : start + size]


async def keys_in_portions(
    table: Mapping[K, object], size: int = PORTION
) -> AsyncIterator[list[K]]:
    """The keys of a table that others change meanwhile, as it is now: some at a time."""
    if len(table) < MANY:
        keys = list(table)
    else:
        await _copies.turn()
        keys = LARGE_COPIES.copy(table, lambda: list(table))
        await asyncio.sleep(0)
    keys.reverse()
    while keys:
        some = keys[-size:]
        # What they are of may be over meanwhile: to free all of them in one moment takes long.
        del keys[-size:]
        some.reverse()
        yield some
        if keys:
            await asyncio.sleep(0)


class _CopyTurns:
    """Large copies take some milliseconds: no two of them are made in one turn."""

    def __init__(self) -> None:
        self._next_at = -math.inf

    async def turn(self) -> None:
        loop = asyncio.get_running_loop()
        while 0 < (wait_s := self._next_at - loop.time()) <= COPY_EVERY_S:  # noqa: ASYNC110
            # Somebody else may be first then.
            await asyncio.sleep(wait_s)
        self._next_at = loop.time() + COPY_EVERY_S


_copies = _CopyTurns()


async def sorted_portions(names: Sequence[str]) -> AsyncIterator[Sequence[str]]:
    """The same in their order: no more than a portion of them is sorted at once."""
    parts = [sorted(some) async for some in portions(names)]
    merged = merge(*parts) if len(parts) > 1 else iter(parts[0] if parts else ())
    while some := list(islice(merged, PORTION)):
        yield some
        await asyncio.sleep(0)


async def first_in_order(names: Sequence[str], count: int) -> list[str]:
    """The first so many of them, in their order."""
    found: list[str] = []
    async for some in portions(names, PORTION * 10):
        found = nsmallest(count, [*found, *some])
    return found


def do_all(
    items: Sequence[T], work: Callable[[T], object], *, tasks: Tasks, size: int = PORTION
) -> None:
    """Do the first portion at once, and the others when others have had their turn."""

    async def do_rest() -> None:
        async for some in portions(items[size:], size):
            for one in some:
                work(one)

    for one in items[:size]:
        work(one)
    if len(items) > size:
        tasks.start(do_rest())


async def free(items: dict[K, T]) -> None:
    """Empty what nobody else has: to free very many objects in one moment takes long."""
    while items:
        for _ in range(min(len(items), FREED_AT_ONCE)):
            items.popitem()
        await asyncio.sleep(0)
