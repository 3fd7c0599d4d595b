"""A subscriber that is asked to leave its gateway."""

import asyncio
import time

from bad_servers import Talk, gateway, good
from receiving import offsets

from river_realtime import Subscriber


async def test_a_server_that_is_full_says_when_to_come_again() -> None:
    came: list[float] = []

    async def full(talk: Talk) -> None:
        came.append(time.monotonic())
        await talk.say("bye", reason="full", retry_after_ms=700)
        await talk.connection.close(4503)

    async def then(talk: Talk) -> None:
        came.append(time.monotonic())
        await good(talk)

    async with gateway(full, then) as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 1) == [1]
    assert came[1] - came[0] >= 0.69


async def test_a_goodbye_moves_it_before_the_old_connection_ends_and_loses_nothing() -> None:
    old_closed_early = asyncio.Event()
    settled = asyncio.Event()

    async def draining(talk: Talk) -> None:
        await talk.accept()
        after = await talk.subscribed()
        await talk.say("bye", reason="draining", retry_after_ms=200)
        await talk.event(after + 1)
        await talk.connection.wait_closed()
        if not settled.is_set():
            old_closed_early.set()

    async def new(talk: Talk) -> None:
        await talk.accept()
        message = await talk.heard()
        assert message["offset"] == 1
        settled.set()
        place = {"epoch": "e", "offset": 1, "recovered": True}
        await talk.say("subscribed", id=message["id"], channel="dogs", **place)
        await talk.event(2)
        await talk.connection.wait_closed()

    async with gateway(draining, new) as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 2) == [1, 2]
        assert subscriber.state == "connected"
    assert not old_closed_early.is_set()


async def test_a_goodbye_with_nowhere_to_go_is_a_lost_connection() -> None:
    async def draining(talk: Talk) -> None:
        await talk.accept()
        await talk.event(await talk.subscribed() + 1)
        await talk.say("bye", reason="draining", retry_after_ms=0)
        await talk.connection.wait_closed()

    async def refusing(talk: Talk) -> None:
        await talk.say("bye", reason="draining", retry_after_ms=100)
        await talk.connection.close(4503)

    async with (
        gateway(draining, refusing, good) as url,
        Subscriber(url, "token", "dogs") as subscriber,
    ):
        assert await offsets(subscriber, 2) == [1, 2]


async def test_old_connection_serves_until_another_accepts() -> None:
    refused = asyncio.Event()

    async def draining(talk: Talk) -> None:
        await talk.accept()
        after = await talk.subscribed()
        await talk.say("bye", reason="draining", retry_after_ms=0)
        await refused.wait()
        await talk.event(after + 1)
        await talk.connection.wait_closed()

    async def refusing(talk: Talk) -> None:
        await talk.connection.close(4503)
        refused.set()

    gateways = gateway(draining, refusing, good)
    async with gateways as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 1) == [1]
        assert subscriber.state == "connected"
        assert await offsets(subscriber, 1) == [2]


async def test_wait_begins_anew_after_a_goodbye() -> None:
    async def draining(talk: Talk) -> None:
        await talk.accept()
        await talk.event(await talk.subscribed() + 1)
        await talk.say("bye", reason="draining", retry_after_ms=0)
        await talk.connection.wait_closed()

    async def refusing(talk: Talk) -> None:
        await talk.connection.close(4503)

    gateways = gateway(*[refusing] * 3, draining, good)
    async with gateways as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 2) == [1, 2]
        assert subscriber._failures == 0


async def test_outage_begins_when_the_old_connection_ends_however_long_another_was_tried() -> None:
    refused = asyncio.Event()

    async def draining(talk: Talk) -> None:
        await talk.accept()
        await talk.event(await talk.subscribed() + 1)
        await talk.say("bye", reason="draining", retry_after_ms=0)
        await refused.wait()
        await talk.connection.close(4503)

    async def refusing(talk: Talk) -> None:
        await talk.say("bye", reason="draining", retry_after_ms=60_000)
        await talk.connection.close(4503)
        refused.set()

    gateways = gateway(draining, refusing, good)
    async with gateways as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 2) == [1, 2]
