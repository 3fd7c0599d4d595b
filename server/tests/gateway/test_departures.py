"""Clients that leave in one moment are taken out of the node in portions."""

import asyncio
from collections import Counter
from typing import Any

from river_wire import Client, session_of

from riverd.core.session import Session, Subscription
from riverd.gateway.departures import ENDED_AT_ONCE, MOMENT_S, Departures
from riverd.model.commands import Subscribe

LEAVING = 1_000


def some_sessions(count: int, *, channels: int = 0) -> list[Session]:
    sessions = [session_of(Client()) for _ in range(count)]
    for session in sessions:
        for number in range(channels):
            request = Subscribe(None, f"c{number}")
            session.subscriptions[request.channel] = Subscription(session, request, member=None)
    return sessions


async def test_those_that_leave_in_one_moment_are_taken_out_in_portions_and_in_order() -> None:
    removed: list[Any] = []
    muted: list[Any] = []
    turns: Counter[int] = Counter()
    turn = 0

    def remove(session: Session) -> None:
        removed.append(session)
        turns[turn] += 1

    departures = Departures(remove, mute=muted.append)
    leaving = some_sessions(LEAVING)
    for session in leaving:
        departures.add(session)
    # However slow the machine is: a moment may have passed meanwhile, but not for each.
    assert len(removed) < LEAVING
    assert muted
    assert not set(muted) & set(removed)
    while len(removed) < LEAVING:
        turn += 1
        await asyncio.sleep(0)
    assert removed == leaving
    assert max(count for one, count in turns.items() if one) <= ENDED_AT_ONCE
    await departures.finish()


async def test_one_that_leaves_is_taken_out_at_once() -> None:
    removed: list[Any] = []
    muted: list[Any] = []
    departures = Departures(removed.append, mute=muted.append)
    first, *others, last = some_sessions(2 * ENDED_AT_ONCE)
    departures.add(first)
    assert removed == [first]
    for session in others:
        departures.add(session)
    await departures.finish()
    await asyncio.sleep(2 * MOMENT_S)
    departures.add(last)
    assert removed[-1] is last


async def test_sessions_with_many_subscriptions_are_taken_out_a_few_at_a_time() -> None:
    turns: Counter[int] = Counter()
    turn = 0

    def remove(session: Session) -> None:
        turns[turn] += len(session.subscriptions)

    departures = Departures(remove, mute=lambda _: None)
    for session in some_sessions(100, channels=100):
        departures.add(session)
    while turns.total() < 100 * 100:
        turn += 1
        await asyncio.sleep(0)
    assert max(count for one, count in turns.items() if one) <= 4 * ENDED_AT_ONCE
    await departures.finish()


async def test_one_that_cannot_be_taken_out_keeps_none_of_the_others() -> None:
    removed: list[Any] = []
    muted: list[Any] = []
    failures: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))

    def remove(session: Session) -> None:
        if session in leaving[-2:]:
            raise ValueError(session)
        removed.append(session)

    departures = Departures(remove, mute=muted.append)
    leaving = some_sessions(LEAVING)
    for session in leaving:
        departures.add(session)
    async with asyncio.timeout(10):
        await departures.finish()
    assert removed == leaving[:-2]
    assert len(failures) == 2
