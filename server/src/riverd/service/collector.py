"""Keeps the garbage collector from stopping the loop where there are many objects.

A full collection looks at every object: with 100,000 connections that stops the loop for a second.
Nothing of River needs it: what ends is freed at once.

Young objects are few as long as the collector counts them. It counts what is made less what is
freed: while many old objects end it sees no growth, and finds all that was made meanwhile at once.
"""

import asyncio
import gc
import sys
import time

YOUNG_EVERY_S = 0.05
EVERY = 20
"""So many times young objects are collected for each look at how many there are in all."""
OLDER_EVERY = 200
MANY_BLOCKS = 60_000
"""So many pieces of memory beyond those at the start: to look at them takes some 15 ms."""
YOUNG_S_MAX = 0.004
"""What was looked at for so long is not looked at together once more."""
USUAL = (2_000, 10, 100)
YOUNG_ONLY = (2_000, 1_000_000, 1_000_000)


class OldObjects:
    """Freezes them while there are many, and leaves them to the collector when there are few."""

    def __init__(self) -> None:
        self._blocks_at_start = sys.getallocatedblocks()
        self._is_frozen = False
        self._began_at = self._took_s = 0.0

    async def run(self) -> None:
        """Look from time to time."""
        gc.set_threshold(*USUAL)
        gc.callbacks.append(self._collected)
        turn = 0
        try:
            while True:
                await asyncio.sleep(YOUNG_EVERY_S)
                turn += 1
                if turn % EVERY == 0:
                    self.look()
                if self._is_frozen:
                    self._collect_young(older=turn % OLDER_EVERY == 0)
        finally:
            gc.callbacks.remove(self._collected)

    def look(self) -> None:
        """Do what is due now."""
        if sys.getallocatedblocks() - self._blocks_at_start > MANY_BLOCKS:
            if not self._is_frozen:
                self._is_frozen = True
                gc.set_threshold(*YOUNG_ONLY)
                gc.freeze()
        elif self._is_frozen:
            self._is_frozen = False
            gc.set_threshold(*USUAL)
            gc.unfreeze()

    def _collect_young(self, *, older: bool) -> None:
        gc.collect(0)
        if self._took_s > YOUNG_S_MAX:
            self._took_s = 0.0
            gc.freeze()
        elif older:
            # What libraries leave is mostly young.
            gc.collect(1)
            self._took_s = 0.0
            gc.freeze()

    def _collected(self, phase: str, _info: object) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._began_at = now
        else:
            self._took_s += now - self._began_at
