"""Hearing channels of a real River, through cuts and restarts."""

import asyncio
import time
from pathlib import Path
from typing import Literal

import pytest
from real_river import Proxy, Running, start

from river_realtime import (
    AsyncRiver,
    Event,
    Gap,
    Joined,
    Left,
    Presence,
    RiverError,
    Subscriber,
    sign_token,
)
from river_realtime.addresses import websocket_url
from river_realtime.delivery_queue import WAITING_MAX

WAIT_S_MAX = 20.0
Transport = Literal["websocket", "stream"]


@pytest.fixture(params=["websocket", "stream"])
def transport(request: pytest.FixtureRequest) -> Transport:
    """Return how the subscriber connects; its channels are named after that."""
    found: Transport = request.param
    return found


async def next_of(subscriber: Subscriber, *kinds: type) -> object:
    async with asyncio.timeout(WAIT_S_MAX):
        async for heard in subscriber:
            if isinstance(heard, kinds):
                return heard
    raise AssertionError("it ended")


async def until_heard(river: AsyncRiver, channel: str, count: int = 1) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        while (await river.channels(channel)).get(channel, 0) < count:
            await asyncio.sleep(0.01)


async def test_events_come_in_order_through_a_line_that_is_cut(
    running: Running, gateway_proxy: Proxy, transport: Transport
) -> None:
    token = sign_token(running.secret, "ann")
    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(
            gateway_proxy.url, lambda: token, f"{transport}-cut", transport=transport
        ) as subscriber,
    ):
        await until_heard(river, f"{transport}-cut")
        for number in range(60):
            await river.publish(f"{transport}-cut", "n", number)
            if number % 20 == 10:
                gateway_proxy.cut()
        heard = [await next_of(subscriber, Event, Gap) for _ in range(60)]
    assert [one.data for one in heard if isinstance(one, Event)] == list(range(60))
    assert gateway_proxy.connections >= 2


async def test_history_comes_before_what_is_live(running: Running, transport: Transport) -> None:
    token = sign_token(running.secret, "ann")
    async with AsyncRiver(running.api_url, running.key) as river:
        for number in range(4):
            await river.publish(f"{transport}-past", "n", number)
        async with Subscriber(
            running.url, token, f"{transport}-past", history=2, transport=transport
        ) as subscriber:
            heard = [await next_of(subscriber, Event) for _ in range(2)]
            await river.publish(f"{transport}-past", "n", 4)
            heard.append(await next_of(subscriber, Event))
    assert [one.data for one in heard if isinstance(one, Event)] == [2, 3, 4]


async def test_a_log_that_began_again_is_told_as_a_gap(
    tmp_path: Path, transport: Transport
) -> None:
    first = start(tmp_path)
    port, api_port = (int(url.rpartition(":")[2]) for url in (first.url, first.api_url))
    token = sign_token(first.secret, "ann")
    async with (
        AsyncRiver(first.api_url, first.key) as river,
        Subscriber(first.url, token, f"{transport}-restart", transport=transport) as subscriber,
    ):
        await until_heard(river, f"{transport}-restart")
        await river.publish(f"{transport}-restart", "n", 1)
        await next_of(subscriber, Event)
        first.stop()
        second = start(tmp_path, port=port, api_port=api_port)
        gap = await next_of(subscriber, Gap)
        await river.publish(f"{transport}-restart", "n", 2)
        event = await next_of(subscriber, Event)
    second.stop()
    assert isinstance(gap, Gap)
    assert isinstance(event, Event)
    assert (event.data, event.position.epoch) == (2, gap.position.epoch)


async def test_members_are_told(running: Running, transport: Transport) -> None:
    ann, ben = (sign_token(running.secret, name, info={"name": name}) for name in ("ann", "ben"))
    async with Subscriber(
        running.url, ann, f"presence-{transport}", transport=transport
    ) as subscriber:
        here = await next_of(subscriber, Presence)
        async with Subscriber(running.url, ben, f"presence-{transport}", transport=transport):
            joined = await next_of(subscriber, Joined)
        left = await next_of(subscriber, Left)
    assert isinstance(here, Presence)
    assert [member.user for member in here.members] == ["ann"]
    assert isinstance(joined, Joined)
    assert joined.member.info == {"name": "ben"}
    assert left == Left(f"presence-{transport}", "ben")


async def test_a_channel_can_be_added_and_given_up(running: Running, transport: Transport) -> None:
    token = sign_token(running.secret, "ann")
    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(running.url, token, f"{transport}-first", transport=transport) as subscriber,
    ):
        await until_heard(river, f"{transport}-first")
        await subscriber.subscribe(f"{transport}-second")
        await until_heard(river, f"{transport}-second")
        await subscriber.unsubscribe(f"{transport}-first")
        await river.publish(f"{transport}-first", "n", 1)
        await river.publish(f"{transport}-second", "n", 2)
        event = await next_of(subscriber, Event)
    assert isinstance(event, Event)
    assert event.data == 2


async def test_a_channel_may_be_taken_twice_and_given_up_before_it_is_there(
    running: Running, transport: Transport
) -> None:
    token = sign_token(running.secret, "ann")
    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(running.url, token, transport=transport) as subscriber,
    ):
        await subscriber.subscribe(f"{transport}-early")
        await until_heard(river, f"{transport}-early")
        for _ in range(20):
            await subscriber.subscribe(f"{transport}-twice")
            await subscriber.subscribe(f"{transport}-twice")
            await subscriber.unsubscribe(f"{transport}-twice")
        await subscriber.subscribe(f"{transport}-twice")
        await subscriber.unsubscribe(f"{transport}-early")
        await subscriber.unsubscribe(f"{transport}-early")
        await subscriber.subscribe(f"{transport}-late")
        await until_heard(river, f"{transport}-late")
        for channel in (f"{transport}-twice", f"{transport}-early", f"{transport}-late"):
            await river.publish(channel, "n", channel)
        heard = {str(getattr(await next_of(subscriber, Event), "data", "")) for _ in range(2)}
    assert heard == {f"{transport}-twice", f"{transport}-late"}


async def test_who_takes_nothing_is_not_buried_and_is_told_of_what_is_gone(
    running: Running, transport: Transport
) -> None:
    token = sign_token(running.secret, "ann")
    size, batches = 900, 12
    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(running.url, token, f"{transport}-slow", transport=transport) as subscriber,
    ):
        await until_heard(river, f"{transport}-slow")
        for number in range(batches):
            data = f"{number} " + "x" * 1_000
            message = {"channel": f"{transport}-slow", "event": "n", "data": data}
            await river.publish_batch([message] * size)
        assert len(subscriber._queue._waiting) < 2 * WAITING_MAX
        last, offset = size * batches, 0
        while offset < last:
            heard = await next_of(subscriber, Event, Gap)
            assert isinstance(heard, Event | Gap)
            step = heard.position.offset - offset
            assert step == 1 if isinstance(heard, Event) else step > 0
            offset = heard.position.offset


@pytest.mark.parametrize(
    ("token", "channel", "code"),
    [("garbage", "dogs", "token_invalid"), (None, "private-dogs", "forbidden")],
)
async def test_what_is_refused_for_good_is_raised(
    running: Running, transport: Transport, token: str | None, channel: str, code: str
) -> None:
    given = token or sign_token(running.secret, "ann")
    async with Subscriber(running.url, given, channel, transport=transport) as subscriber:
        with pytest.raises(RiverError) as caught:
            await next_of(subscriber, Event)
    assert caught.value.code == code


async def test_a_channel_that_is_refused_does_not_end_the_others(
    running: Running, transport: Transport
) -> None:
    token = sign_token(running.secret, "ann")
    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(
            running.url, token, f"private-{transport}", f"{transport}-open", transport=transport
        ) as subscriber,
    ):
        with pytest.raises(RiverError, match="forbidden"):
            await next_of(subscriber, Event)
        await river.publish(f"{transport}-open", "n", 1)
        assert isinstance(await next_of(subscriber, Event), Event)


async def test_a_program_that_kept_its_position_goes_on_after_it(
    running: Running, transport: Transport
) -> None:
    token = sign_token(running.secret, "ann")
    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(running.url, token, transport=transport) as subscriber,
    ):
        kept = [await river.publish(f"{transport}-kept", "n", number) for number in range(3)][1]
        await subscriber.subscribe(f"{transport}-kept", after=kept)
        event = await next_of(subscriber, Event, Gap)
        await subscriber.subscribe(f"{transport}-kept-elsewhere", after=kept)
        gap = await next_of(subscriber, Event, Gap)
    assert isinstance(event, Event)
    assert event.data == 2
    assert isinstance(gap, Gap)


async def test_a_user_who_is_disconnected_stays_away(
    running: Running, transport: Transport
) -> None:
    token = sign_token(running.secret, "zoe")
    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(running.url, token, f"{transport}-zoe", transport=transport) as subscriber,
    ):
        await until_heard(river, f"{transport}-zoe")
        await river.disconnect("zoe")
        with pytest.raises(RiverError) as caught:
            await next_of(subscriber, Event)
    assert caught.value.status == 4403


async def test_a_new_token_is_asked_for_when_one_has_expired(
    running: Running, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [sign_token(running.secret, "ann")]
    long_ago = time.time() - 7_200
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: long_ago)
        tokens.insert(0, sign_token(running.secret, "ann"))

    async def token() -> str:
        return tokens.pop(0)

    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(running.url, token, f"{transport}-token", transport=transport) as subscriber,
    ):
        await until_heard(river, f"{transport}-token")
        await river.publish(f"{transport}-token", "n", 1)
        event = await next_of(subscriber, Event)
    assert isinstance(event, Event)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("localhost:8000", "ws://localhost:8000/ws"),
        ("http://localhost:8000/", "ws://localhost:8000/ws"),
        ("https://rt.example.com", "wss://rt.example.com/ws"),
        ("wss://rt.example.com/ws", "wss://rt.example.com/ws"),
    ],
)
def test_an_address_may_be_written_as_people_write_it(written: str, meant: str) -> None:
    assert websocket_url(written) == meant
