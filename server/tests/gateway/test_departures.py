"""Clients that leave in one moment are taken out of the node in portions."""

import asyncio
from collections import Counter
from typing import Any, cast

from riverd.core.session import Session
from riverd.gateway.departures import ENDED_AT_ONCE, MOMENT_S, Departures

LEAVING = 1_000


async def test_those_that_leave_in_one_moment_are_taken_out_in_portions_and_in_order() -> None:
    removed: list[Any] = []
    muted: list[Any] = []
    turns: Counter[int] = Counter()
    turn = 0

    def remove(session: Session) -> None:
        removed.append(session)
        turns[turn] += 1

    departures = Departures(remove, mute=muted.append)
    for number in range(LEAVING):
        departures.add(cast("Session", number))
    # However slow the machine is: a moment may have passed meanwhile, but not for each.
    assert len(removed) < LEAVING
    assert muted
    assert not set(muted) & set(removed)
    while len(removed) < LEAVING:
        turn += 1
        await asyncio.sleep(0)
    assert removed == list(range(LEAVING))
    assert max(count for one, count in turns.items() if one) <= ENDED_AT_ONCE
    await departures.finish()


async def test_one_that_leaves_is_taken_out_at_once() -> None:
    removed: list[Any] = []
    muted: list[Any] = []
    departures = Departures(removed.append, mute=muted.append)
    departures.add(cast("Session", 1))
    assert removed == [1]
    for number in range(2, 2 * ENDED_AT_ONCE):
        departures.add(cast("Session", number))
    await departures.finish()
    await asyncio.sleep(2 * MOMENT_S)
    departures.add(cast("Session", "last"))
    assert removed[-1] == "last"


async def test_one_that_cannot_be_taken_out_keeps_none_of_the_others() -> None:
    removed: list[Any] = []
    muted: list[Any] = []
    failures: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))

    def remove(session: Session) -> None:
        if cast("int", session) in {LEAVING - 2, LEAVING - 1}:
            raise ValueError(session)
        removed.append(session)

    departures = Departures(remove, mute=muted.append)
    for number in range(LEAVING):
        departures.add(cast("Session", number))
    async with asyncio.timeout(10):
        await departures.finish()
    assert removed == list(range(LEAVING - 2))
    assert len(failures) == 2
