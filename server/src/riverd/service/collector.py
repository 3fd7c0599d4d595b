"""Freezes old objects where there are many, so that the garbage collector does not look at them.

A full collection looks at every object: with 100,000 connections that stops the loop for a second.
Nothing of River needs it: what ends is freed at once.
"""

import asyncio
import gc
import sys

EVERY_S = 10.0
MANY_BLOCKS = 60_000
"""So many pieces of memory beyond those at the start: to look at them takes some 15 ms."""


class OldObjects:
    """Freezes them while there are many, and leaves them to the collector when there are few."""

    def __init__(self) -> None:
        self._blocks_at_start = sys.getallocatedblocks()
        self._is_frozen = False

    async def run(self) -> None:
        """Look from time to time."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.look()

    def look(self) -> None:
        """Do what is due now."""
        if sys.getallocatedblocks() - self._blocks_at_start > MANY_BLOCKS:
            # The young ones first: what libraries leave is mostly young.
            gc.collect(1)
            gc.freeze()
            self._is_frozen = True
        elif self._is_frozen:
            gc.unfreeze()
            self._is_frozen = False
