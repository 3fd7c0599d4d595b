"""Keeps the garbage collector from stopping the loop where there are many objects.

A full collection looks at every object: with 100,000 connections that stops the loop for a second.
Nothing of River needs it: what ends is freed at once. A sample of connections shows whether that is
so. Where it is not, their circles are collected with the old objects once, and that is logged.

Young objects are few as long as the collector counts them. It counts what is made less what is
freed: while many old objects end it sees no growth, and finds all that was made meanwhile at once.
"""

import asyncio
import gc
import sys
import time
import weakref
from collections.abc import Collection
from itertools import islice
from random import choice
from typing import Protocol

import structlog

from riverd.scheduling.large_copies import LARGE_COPIES

log = structlog.get_logger()

YOUNG_EVERY_S = 0.02
EVERY = 50
"""So many times young objects are collected for each look at how many there are in all."""
OLDER_EVERY = 500
MANY_BLOCKS = 60_000
"""So many pieces of memory beyond those at the start: to look at them takes some 15 ms."""
YOUNG_S_MAX = 0.004
"""What was looked at for so long is not looked at together once more."""
USUAL = (2_000, 10, 100)
YOUNG_ONLY = (2_000, 1_000_000, 1_000_000)
SAMPLE_MAX = 200
CHOSEN_OF = 256
FREED_WITHIN_S = 60.0
LEFT_MAX = 3
"""So many of a sample that are over and not freed are no accident."""
FULL_EVERY_S = 3_600.0


class Ending(Protocol):
    """Something that is over some day, and then to be freed."""

    @property
    def closed(self) -> bool:
        """Whether it is over."""
        ...


class EndedSample:
    """Follows some of what ends, without keeping it. `living` is all of it."""

    def __init__(self, living: Collection[Ending]) -> None:
        self._living = living
        self._over_since: dict[weakref.ref[Ending], float | None] = {}

    def look(self, now: float) -> int:
        """Take one more; how many are over for `FREED_WITHIN_S` and not freed."""
        some = list(islice(self._living, CHOSEN_OF))
        if some and len(self._over_since) < SAMPLE_MAX:
            self._over_since.setdefault(weakref.ref(choice(some)), None)  # noqa: S311  no secret
        left = 0
        for reference, since in list(self._over_since.items()):
            one = reference()
            if one is None:
                del self._over_since[reference]
            elif one.closed:
                over_since = self._over_since[reference] = now if since is None else since
                left += now - over_since >= FREED_WITHIN_S
        return left


class OldObjects:
    """Freezes them while there are many, and leaves them to the collector when there are few."""

    def __init__(self, living: Collection[Ending] = ()) -> None:
        self._sample = EndedSample(living)
        self._full_at = -FULL_EVERY_S
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
            LARGE_COPIES.collect_first = None

    def look(self) -> None:
        """Do what is due now."""
        if sys.getallocatedblocks() - self._blocks_at_start > MANY_BLOCKS:
            if not self._is_frozen:
                self._is_frozen = True
                LARGE_COPIES.collect_first = self._collect_first
                gc.set_threshold(*YOUNG_ONLY)
                gc.freeze()
            elif self._has_leftovers(asyncio.get_running_loop().time()):
                self._collect_all()
        elif self._is_frozen:
            self._is_frozen, LARGE_COPIES.collect_first = False, None
            gc.set_threshold(*USUAL)
            gc.unfreeze()

    def _has_leftovers(self, now: float) -> bool:
        if self._sample.look(now) < LEFT_MAX or now - self._full_at < FULL_EVERY_S:
            return False
        self._full_at = now
        return True

    def _collect_all(self) -> None:
        gc.unfreeze()
        found = gc.collect()
        gc.freeze()
        log.error("circles_left", objects=found)

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

    def _collect_first(self) -> None:
        # Those of the last seconds too, unless they are many.
        gc.collect(1 if self._took_s < YOUNG_S_MAX / 2 else 0)
        self._took_s = 0.0

    def _collected(self, phase: str, _info: object) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._began_at = now
        else:
            self._took_s += now - self._began_at
