"""A planned stop: asks clients to move in waves, so that the other nodes are not run over."""

import asyncio
import random
from collections.abc import Callable, Collection
from typing import Protocol, TypeVar

from riverd.core.session import Session
from riverd.errors import Reason
from riverd.scheduling.portions import portions

ASKING_SHARE = 0.6
STEP_S = 0.1
RETRY_S_MAX = 2.0
RETRY_MS_MAX = 5_000
AT_ONCE = 100
"""Clients that are asked, or closed, before it is others' turn."""


class Movable(Protocol):
    """A client that can be asked to go elsewhere."""

    def ask_to_move(self, retry_after_ms: int) -> None:
        """Have it connect again after this time."""
        ...


class Endable(Protocol):
    """A client that has a session."""

    @property
    def session(self) -> Session:
        """It."""
        ...


T = TypeVar("T", bound=Movable)


async def move(clients: Callable[[], Collection[T]], *, drain_s: float) -> None:
    """Ask all clients within the first part of the time, and wait for them in the rest.

    Returns when the last has left or the time is over; those who stayed are the caller's.
    """
    waiting = list(clients())
    steps = max(1, int(drain_s * ASKING_SHARE / STEP_S))
    size = max(1, -(-len(waiting) // steps))
    spread_ms = int(min(RETRY_S_MAX, drain_s / 4) * 1000)
    left_s = drain_s
    while clients() and (waiting or left_s > 0):
        wave, waiting = waiting[:size], waiting[size:]
        async for some in portions(wave, AT_ONCE):
            for client in some:
                client.ask_to_move(random.randint(0, spread_ms))  # noqa: S311  spread
        if drain_s:
            await asyncio.sleep(STEP_S)
        left_s -= STEP_S


async def end_all(clients: Collection[Endable]) -> None:
    """Close all that are left, some at a time."""
    async for some in portions(list(clients), AT_ONCE):
        for client in some:
            client.session.close(Reason.DRAINING, "draining")


def retry_ms() -> int:
    """When a client that is sent away is to come again: spread, so that not all come at once."""
    return random.randint(RETRY_MS_MAX // 5, RETRY_MS_MAX)  # noqa: S311  no secret
