"""What a subscriber does over HTTP streaming and not over a WebSocket."""

import asyncio

import pytest
from real_river import Proxy, Running
from receiving import WAIT_S_MAX, error_of

from river_realtime import (
    AsyncRiver,
    Event,
    Gap,
    RiverError,
    Subscriber,
    UnreachableError,
    sign_token,
)
from river_realtime.errors import ConnectionLostError
from river_realtime.stream_channels import CHANNELS_MAX, StreamChannels
from river_realtime.stream_connection import StreamConnection
from river_realtime.values import Position

SUBSCRIBED = {"type": "subscribed", "channel": "dogs", "epoch": "e", "recovered": False}


async def next_data(subscriber: Subscriber) -> object:
    async with asyncio.timeout(WAIT_S_MAX):
        while not isinstance(delivery := await anext(subscriber), Event):
            assert not isinstance(delivery, Gap)
        return delivery.data


async def connected(subscriber: Subscriber) -> StreamConnection:
    async with asyncio.timeout(WAIT_S_MAX):
        while not isinstance(subscriber._connection, StreamConnection):
            await asyncio.sleep(0.01)
        return subscriber._connection


async def test_user_channel_and_session_go_on_through_cuts_and_tokens(
    running: Running, gateway_proxy: Proxy
) -> None:
    def token() -> str:
        return sign_token(running.secret, "stream-ann")

    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(
            gateway_proxy.url, token, "#user", "stream-own", transport="stream"
        ) as subscriber,
    ):
        await connected(subscriber)
        session = subscriber.session
        async with asyncio.timeout(WAIT_S_MAX):
            while not (await river.channels("stream-own")).get("stream-own"):
                await asyncio.sleep(0.01)
        await river.publish_to_user("stream-ann", "n", 1)
        assert await next_data(subscriber) == 1
        gateway_proxy.cut()
        await river.publish_to_user("stream-ann", "n", 2)
        await river.publish("stream-own", "n", "own", exclude=session)
        assert await next_data(subscriber) == 2
        # Another token is another request of the same connection.
        await (await connected(subscriber)).authenticate(token())
        await subscriber.subscribe("stream-more")
        await river.publish_to_user("stream-ann", "n", 3)
        await river.publish("stream-own", "n", 4)
        assert {await next_data(subscriber), await next_data(subscriber)} == {3, 4}
        assert subscriber.session == session


async def test_more_channels_than_a_stream_has_are_refused_and_the_others_live(
    running: Running,
) -> None:
    names = [f"stream-{number}" for number in range(CHANNELS_MAX + 1)]
    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(
            running.url, sign_token(running.secret, "ann"), *names, transport="stream"
        ) as subscriber,
    ):
        with pytest.raises(RiverError, match="too_many_channels"):
            await anext(subscriber)
        async with asyncio.timeout(WAIT_S_MAX):
            while len(await river.channels("stream-")) < CHANNELS_MAX:
                await asyncio.sleep(0.01)
        await river.publish(names[CHANNELS_MAX - 1], "n", 1)
        assert await next_data(subscriber) == 1


async def test_another_server_at_the_address_is_an_error_at_once(running: Running) -> None:
    error = await error_of(Subscriber(running.api_url, "token", "dogs", transport="stream"))
    assert isinstance(error, UnreachableError)
    assert "publish API" in error.message


def asked(history: int = 0) -> StreamChannels:
    """One channel, asked for with the number 7, whose log stands at 5."""
    channels = StreamChannels(user_position=None)
    question = {"type": "subscribe", "id": 7, "channel": "dogs", "history": history}
    assert channels.subscribe(question) is None
    channels.request()
    [answer] = channels.receive({**SUBSCRIBED, "id": 0, "offset": 5})
    assert answer["id"] == 7
    return channels


def test_next_request_begins_where_the_last_one_was_read_up_to() -> None:
    channels = asked()
    assert channels.request()[1] == ".e:5"
    list(channels.receive({"type": "event", "channel": "dogs", "offset": 6}))
    assert channels.request() == ("shape=native&channel=dogs", ".e:6")


def test_history_that_has_not_come_yet_is_asked_for_again() -> None:
    assert asked(history=2).request()[1] == ".e:3"


def test_what_a_later_request_cannot_resume_is_a_gap() -> None:
    channels = asked()
    again = {**SUBSCRIBED, "id": 0, "offset": 9, "epoch": "f", "reason": "epoch"}
    assert list(channels.receive(again)) == [
        {"type": "gap", "channel": "dogs", "epoch": "f", "offset": 9}
    ]
    assert list(channels.receive({**SUBSCRIBED, "id": 0, "offset": 9, "recovered": True})) == []


def test_channel_that_a_later_token_does_not_grant_is_ended() -> None:
    channels = asked()
    refused = {"type": "error", "id": 0, "code": "forbidden", "message": "no"}
    [ended] = channels.receive(refused)
    assert ended == {"type": "unsubscribed", "channel": "dogs", "reason": "grant"}
    assert channels.request()[0] == "shape=native"


def test_channel_that_cannot_be_had_just_now_costs_the_connection() -> None:
    refused = {"type": "error", "id": 0, "code": "unavailable", "message": "wait"}
    with pytest.raises(ConnectionLostError):
        list(asked().receive(refused))


def test_position_in_the_users_channel_stands_last() -> None:
    channels = StreamChannels(user_position=Position("u", 3))
    resumed = {**SUBSCRIBED, "channel": "#user", "offset": 4, "recovered": True}
    list(channels.receive(resumed))
    assert channels.request()[1] == ".@u:3"
    list(channels.receive({"type": "event", "channel": "#user", "offset": 4}))
    assert channels.request()[1] == ".@u:4"
