"""Long work in portions, between which it is others' turn."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

PORTION = 500
"""Of channels: some milliseconds of the loop."""

T = TypeVar("T")


async def portions(items: Sequence[T], size: int = PORTION) -> AsyncIterator[Sequence[T]]:
    """The items, some at a time."""
    for start in range(0, len(items), size):
        if start:
            await asyncio.sleep(0)
        yield items[start : start + size]
