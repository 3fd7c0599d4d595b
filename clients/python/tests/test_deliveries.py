"""What a subscriber makes of what a gateway sends."""

import asyncio
import time

import pytest
from bad_servers import Talk, gateway
from receiving import WAIT_S_MAX, offsets

from river_realtime import Event, Gap, Joined, Member, Position, RiverError, Subscriber
from river_realtime.delivery_queue import POSTPONED_MAX
from river_realtime.protocol import reload_after_s


async def test_gap_comes_when_the_server_wants_its_channel_reloaded() -> None:
    began: list[float] = []

    async def script(talk: Talk) -> None:
        await talk.accept()
        for _ in range(2):
            await talk.subscribed()
        began.append(time.monotonic())
        await talk.say("gap", channel="dogs", epoch="e", offset=7, reload_after_ms=400)
        await talk.event(8)
        await talk.event(1, channel="cats")
        await talk.connection.wait_closed()

    async with gateway(script) as url, Subscriber(url, "token", "dogs", "cats") as subscriber:
        async with asyncio.timeout(WAIT_S_MAX):
            deliveries = [await anext(subscriber) for _ in range(3)]
    assert time.monotonic() - began[0] >= 0.39
    positions = [(one.channel, one.position.offset) for one in deliveries]  # type: ignore[union-attr]
    assert positions == [("cats", 1), ("dogs", 7), ("dogs", 8)]
    assert isinstance(deliveries[1], Gap)


async def test_gap_of_a_resume_comes_when_the_server_wants_its_channel_reloaded() -> None:
    lost = {"epoch": "f", "offset": 7, "recovered": False, "reason": "epoch"}
    connected: list[float] = []

    async def script(talk: Talk) -> None:
        await talk.accept()
        connected.append(time.monotonic())
        if len(connected) == 1:
            await talk.subscribed()
            return
        number = (await talk.heard())["id"]
        await talk.say("subscribed", id=number, channel="dogs", reload_after_ms=400, **lost)
        await talk.connection.wait_closed()

    async with gateway(script) as url, Subscriber(url, "token", "dogs") as subscriber:
        async with asyncio.timeout(WAIT_S_MAX):
            assert isinstance(await anext(subscriber), Gap)
    assert time.monotonic() - connected[1] >= 0.39


def test_gap_in_the_channel_of_a_user_has_its_delay_beside_its_position() -> None:
    placed = {"epoch": "f", "offset": 7, "recovered": False, "reload_after_ms": 400}
    assert reload_after_s({"type": "authenticated", "user_position": placed}) == 0.4
    assert reload_after_s({"type": "authenticated"}) == 0


async def test_what_waits_behind_a_gap_is_bounded_and_not_lost_at_the_end() -> None:
    async def script(talk: Talk) -> None:
        await talk.accept()
        await talk.subscribed()
        for number in range(2):
            await talk.say("gap", channel="dogs", epoch="e", offset=1, reload_after_ms=60_000)
            for offset in range(2, POSTPONED_MAX + 1 if number == 0 else 4):
                await talk.event(offset)
        await talk.connection.wait_closed()

    async with gateway(script) as url:
        subscriber = Subscriber(url, "token", "dogs")
        async with asyncio.timeout(WAIT_S_MAX), subscriber:
            assert isinstance(await anext(subscriber), Gap)
            assert await offsets(subscriber, POSTPONED_MAX - 1) == list(range(2, POSTPONED_MAX + 1))
            while len(subscriber._queue) < 3:
                await asyncio.sleep(0.005)
        assert isinstance(await anext(subscriber), Gap)
        assert await offsets(subscriber, 9) == [2, 3]


def at_full_depth(text: str) -> str:
    return "[" * 50_000 + text + "]" * 50_000


@pytest.mark.parametrize(
    "data", ["9" * 4_301, '{"a":[1,{"b":-' + "9" * 60_000 + "}]}", at_full_depth('"]}\\""')]
)
async def test_event_that_python_cannot_hold_is_a_gap_and_no_obstacle(
    data: str, caplog: pytest.LogCaptureFixture
) -> None:
    connections: list[str] = []

    async def script(talk: Talk) -> None:
        connections.append("one more")
        await talk.accept()
        after = await talk.subscribed()
        fields = f'"channel":"dogs","event":"n","data":{data},"offset":{after + 1}'
        await talk.connection.send(f'{{"type":"event",{fields}}}')
        await talk.event(after + 2)
        await talk.connection.wait_closed()

    async with gateway(script) as url, Subscriber(url, "token", "dogs") as subscriber:
        async with asyncio.timeout(WAIT_S_MAX):
            assert await anext(subscriber) == Gap("dogs", Position("e", 1))
        assert await offsets(subscriber, 1) == [2]
    assert len(connections) == 1
    assert [record.message[:15] for record in caplog.records] == ["skipped 'dogs' "]


async def test_infos_of_members_that_python_cannot_hold_are_left_out() -> None:
    async def script(talk: Talk) -> None:
        await talk.accept()
        await talk.subscribed()
        info = '{"points":' + "9" * 5_000 + "}"
        joined = f'{{"type":"joined","channel":"dogs","user":"ann","info":{info}}}'
        await talk.connection.send(joined)
        await talk.connection.wait_closed()

    async with gateway(script) as url, Subscriber(url, "token", "dogs") as subscriber:
        async with asyncio.timeout(WAIT_S_MAX):
            assert await anext(subscriber) == Joined("dogs", Member("ann"))


async def test_channel_that_the_back_end_took_away_is_an_error_and_no_end() -> None:
    async def script(talk: Talk) -> None:
        await talk.accept()
        for _ in range(2):
            await talk.subscribed()
        await talk.say("unsubscribed", channel="dogs", reason="removed")
        await talk.event(1)
        await talk.event(1, channel="cats")
        await talk.connection.wait_closed()

    async with gateway(script) as url, Subscriber(url, "token", "dogs", "cats") as subscriber:
        with pytest.raises(RiverError, match=r"removed: .*'dogs'"):
            await anext(subscriber)
        event = await anext(subscriber)
        assert isinstance(event, Event)
        assert event.channel == "cats"


async def test_event_that_is_not_kept_has_the_position_that_it_follows() -> None:
    async def script(talk: Talk) -> None:
        await talk.accept()
        await talk.event(await talk.subscribed() + 1)
        await talk.say("event", channel="dogs", event="typing", data=1, after=1)
        await talk.event(2)
        await talk.connection.wait_closed()

    async with gateway(script) as url, Subscriber(url, "token", "dogs") as subscriber:
        async with asyncio.timeout(WAIT_S_MAX):
            events = [await anext(subscriber) for _ in range(3)]
    assert all(isinstance(one, Event) for one in events)
    found = [(one.event, one.position.offset, one.is_kept) for one in events]  # type: ignore[union-attr]
    assert found == [("n", 1, True), ("typing", 1, False), ("n", 2, True)]
