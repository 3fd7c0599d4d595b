"""One object and several event loops, one after the other or at once."""

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor

from real_river import Running

from river_realtime import AsyncRiver, Event, Subscriber, sign_token

WAIT_S_MAX = 20.0


def test_async_river_works_in_one_event_loop_after_the_other(running: Running) -> None:
    river = AsyncRiver(running.api_url, running.key)
    positions = [asyncio.run(river.publish("py-loops", "n", number)) for number in range(3)]
    assert [position.offset for position in positions] == [1, 2, 3]
    # No connection outlived its loop: that would be a warning, which is an error here.
    gc.collect()


def test_async_river_works_in_many_event_loops_at_once(running: Running) -> None:
    river = AsyncRiver(running.api_url, running.key)

    async def publish(number: int) -> int:
        first = await river.publish("py-threads-of-loops", "n", number)
        second = await river.publish("py-threads-of-loops", "n", number)
        return second.offset - first.offset

    with ThreadPoolExecutor(8) as threads:
        steps = list(threads.map(lambda number: asyncio.run(publish(number)), range(40)))
    assert all(step > 0 for step in steps)


def test_async_river_can_be_used_again_after_it_was_closed(running: Running) -> None:
    async def publish_twice() -> None:
        river = AsyncRiver(running.api_url, running.key)
        await river.publish("py-closed", "n", 1)
        await river.close()
        await river.publish("py-closed", "n", 2)

    asyncio.run(publish_twice())


def test_subscriber_goes_on_in_another_event_loop(running: Running) -> None:
    subscriber = Subscriber(running.url, sign_token(running.secret, "ann"), "py-again", history=1)

    async def publish_and_receive(number: int) -> object:
        async with (
            asyncio.timeout(WAIT_S_MAX),
            AsyncRiver(running.api_url, running.key) as river,
            subscriber,
        ):
            await river.publish("py-again", "n", number)
            async for delivery in subscriber:
                if isinstance(delivery, Event):
                    return delivery.data
        return None

    assert [asyncio.run(publish_and_receive(number)) for number in range(3)] == [0, 1, 2]
