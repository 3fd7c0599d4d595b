"""What the tests of the subscriber wait for."""

import asyncio

import pytest
from bad_servers import Script, Talk

from river_realtime import Event, RiverError, Subscriber

WAIT_S_MAX = 20.0


async def offsets(subscriber: Subscriber, count: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(WAIT_S_MAX):
        async for heard in subscriber:
            assert isinstance(heard, Event)
            found.append(heard.position.offset)
            if len(found) == count:
                break
    return found


async def error_of(subscriber: Subscriber) -> RiverError:
    async with asyncio.timeout(WAIT_S_MAX), subscriber:
        with pytest.raises(RiverError) as caught:
            await anext(subscriber)
    return caught.value


async def until_waiting(subscriber: Subscriber, reason: str) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        while subscriber.state != "waiting":
            await asyncio.sleep(0.005)
    assert reason in subscriber.reason


def closing(code: int, reason: str = "so it is") -> Script:
    async def script(talk: Talk) -> None:
        await talk.accept()
        await talk.event(await talk.subscribed() + 1)
        await talk.connection.close(code, reason)

    return script
