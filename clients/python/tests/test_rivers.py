"""Publishing through a real River, with and without await."""

import asyncio
import inspect
from collections.abc import Iterator

import jwt
import pytest
from real_river import Proxy, Running

from river_realtime import (
    AsyncRiver,
    Event,
    Position,
    River,
    RiverError,
    Subscriber,
    UnreachableError,
    sign_token,
)


@pytest.fixture
def river(running: Running) -> Iterator[River]:
    with River(running.api_url, running.key) as river:
        yield river


def test_one_line_publishes(river: River) -> None:
    position = river.publish("py-one", "post", {"text": "Hello"})
    told = river.history("py-one")
    assert told.position == position
    assert [(event.event, event.data) for event in told.events] == [("post", {"text": "Hello"})]


def test_several_channels_give_several_positions(river: River) -> None:
    first, second = river.publish(["py-a", "py-b"], "post", 1)
    assert isinstance(first, Position)
    assert (first.offset, second.offset) == (1, 1)


def test_a_batch_has_a_result_for_each_message(river: River) -> None:
    good, bad = river.publish_batch(
        [
            {"channel": "py-batch", "event": "post", "data": None},
            {"channel": "not a name", "event": "post", "data": 2},
        ]
    )
    assert isinstance(good, Position)
    assert isinstance(bad, RiverError)
    assert bad.code == "channel_invalid"


def test_the_same_key_publishes_once(river: River) -> None:
    first = river.publish("py-key", "post", 1, id="order-7")
    assert river.publish("py-key", "post", 1, id="order-7") == first
    assert len(river.history("py-key").events) == 1


def test_history_goes_on_after_a_position(river: River) -> None:
    positions = [river.publish("py-history", "n", number) for number in range(5)]
    told = river.history("py-history", after=positions[2])
    assert [event.data for event in told.events] == [3, 4]
    with pytest.raises(RiverError, match="unrecoverable"):
        river.history("py-history", after=Position("another", 1))


def test_an_error_has_the_code_of_the_server(running: Running, river: River) -> None:
    with pytest.raises(RiverError) as caught:
        river.publish("not a name", "post", 1)
    assert (caught.value.code, caught.value.status) == ("channel_invalid", 400)
    stranger = River(running.api_url, "another key, of a good length")
    with stranger, pytest.raises(RiverError, match="api_key_invalid"):
        stranger.publish("dogs", "post", 1)


def test_a_river_that_is_not_there_is_said_to_be_unreachable() -> None:
    river = River("http://127.0.0.1:9", "key", timeout_s=0.3)
    with river, pytest.raises(UnreachableError):
        river.publish("dogs", "post", 1)


async def test_an_answer_that_was_lost_does_not_publish_twice(
    running: Running, api_proxy: Proxy
) -> None:
    async with AsyncRiver(api_proxy.url, running.key) as river:
        api_proxy.answers_to_swallow = 2
        position = await river.publish("py-lost", "post", "once")
        told = await river.history("py-lost")
    assert api_proxy.connections >= 3
    assert [event.position for event in told.events] == [position]


async def test_the_async_river_does_what_the_other_does(running: Running) -> None:
    async with AsyncRiver(running.api_url, running.key) as river:
        many = await asyncio.gather(*[river.publish("py-async", "n", n) for n in range(50)])
        assert sorted(position.offset for position in many) == list(range(1, 51))
        assert await river.channels("nobody-is-here") == {}
        assert (await river.channel("py-async")).position.offset == 50
        nobody = await river.channel("presence-nobody")
        assert (nobody.channel, nobody.subscribers, nobody.users) == ("presence-nobody", 0, 0)
        assert (await river.presence("presence-nobody")).count == 0
        await river.disconnect("nobody")


def test_both_rivers_have_the_same_methods() -> None:
    def shape(river: type[object]) -> dict[str, inspect.Signature]:
        return {
            name: inspect.signature(member)
            for name, member in inspect.getmembers(river, inspect.isfunction)
            if not name.startswith("_")
        }

    assert shape(River) == shape(AsyncRiver)


def test_a_token_is_signed_here_or_by_river(running: Running, river: River) -> None:
    grants = {"channels": ["private-ann"], "publish": ["typing-*"], "info": {"name": "Ann"}}
    with River(running.api_url, running.key, secret=running.secret) as signing:
        tokens = (
            river.token("ann", **grants),
            signing.token("ann", **grants),
            sign_token(running.secret, "ann", **grants),
        )
    for token in tokens:
        claims = jwt.decode(token, running.secret, algorithms=["HS256"])
        assert claims["sub"] == "ann"
        assert claims["river"] == grants


@pytest.mark.parametrize("user", ["*", "[a]nn", "?nn"])
async def test_channel_named_after_a_user_opens_nobody_elses(running: Running, user: str) -> None:
    token = sign_token(running.secret, user, channels=[f"private-{user}"])
    async with Subscriber(running.url, token, "private-ann") as subscriber:
        with pytest.raises(RiverError) as caught:
            await anext(subscriber)
    assert caught.value.code == "forbidden"


async def test_token_with_all_that_a_server_takes_is_signed(running: Running) -> None:
    names = ["py-full"] * 100
    info = {"text": "x" * (4_096 - len('{"text":""}'))}
    token = sign_token(
        running.secret, "ann", subscribe=names, publish=names, channels=names, info=info
    )
    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(running.url, token, "py-full", history=1) as subscriber,
    ):
        await river.publish("py-full", "n", 1)
        assert isinstance(await anext(subscriber), Event)


async def test_channel_granted_by_name_is_open(running: Running) -> None:
    token = sign_token(running.secret, "ann", subscribe=[], channels=["private-ann"])
    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(running.url, token, "private-ann", history=1) as subscriber,
    ):
        await river.publish("private-ann", "n", 1)
        assert isinstance(await anext(subscriber), Event)


@pytest.mark.parametrize(
    "user",
    ["auth0|507f", "user+x@example.com", "github/17", "/", "..", ".", "-", "Jürgen 世", "a?b#%"],
)
async def test_user_of_any_name_is_disconnected_and_nobody_else(
    running: Running, user: str
) -> None:
    async with (
        AsyncRiver(running.api_url, running.key) as river,
        Subscriber(running.url, sign_token(running.secret, user), "py-names") as subscriber,
        Subscriber(running.url, sign_token(running.secret, "another"), "py-names") as other,
    ):
        async with asyncio.timeout(20):
            while (await river.channels("py-names")).get("py-names", 0) < 2:
                await asyncio.sleep(0.01)
            await river.disconnect(user)
            with pytest.raises(RiverError) as caught:
                await anext(subscriber)
    assert caught.value.status == 4403
    assert "4403" not in other.reason
