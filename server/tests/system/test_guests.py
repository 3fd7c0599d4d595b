"""Clients without a token: they listen to channels for guests, and to nothing else."""

import json

import pytest
from river_client import metric, token, visitor
from river_process import API_KEY, River, Start, ask

RULES = [
    {"match": "price-*", "access": "guest"},
    {"match": "*", "access": "guest", "presence": True},
]


def publish(river: River, channel: str, **more: object) -> None:
    body = {"channel": channel, "event": "e", "data": 1, **more}
    assert ask(f"{river.api_url}/publish", body, key=API_KEY)[0] == 200


@pytest.fixture(scope="module")
def river(start_shared: Start) -> River:
    """Return a server that waits for a token for a second, and has room for two guests."""
    settings = {
        "RIVER_CHANNEL_RULES": json.dumps(RULES[:1]),
        "RIVER_AUTH_TIMEOUT_S": "1",
        "RIVER_MAX_GUESTS": "2",
        "RIVER_PING_INTERVAL_S": "600",
    }
    return start_shared(settings=settings)


async def test_a_guest_listens_for_as_long_as_it_is_subscribed(river: River) -> None:
    async with visitor(river.url) as guest, visitor(river.url) as stranger:
        await guest.send(type="subscribe", id=1, channel="price-eur")
        await guest.until("subscribed")
        assert await stranger.until_end() == (4408, "no token in time")
        assert metric(river, "river_guests") == 1
        publish(river, "price-eur")
        assert (await guest.until("event"))["offset"] == 1
        await guest.send(type="history", id=2, channel="price-eur")
        assert len((await guest.until("history"))["publications"]) == 1
        await guest.send(type="unsubscribe", id=3, channel="price-eur")
        await guest.until("unsubscribed")
        assert await guest.ends() == (4408, "no token in time")


async def test_a_guest_may_do_nothing_else(river: River) -> None:
    async with visitor(river.url) as guest:
        await guest.send(type="subscribe", id=1, channel="price-usd", history=5)
        await guest.until("subscribed")
        for message in (
            {"type": "publish", "channel": "price-usd", "event": "e", "data": 1},
            {"type": "subscribe", "channel": "news"},
            {"type": "subscribe", "channel": "private-price-usd"},
            {"type": "history", "channel": "news"},
        ):
            await guest.send(id=7, **message)
            assert (await guest.until("error"))["code"] == "unauthenticated"


async def test_a_guest_that_sends_a_token_goes_on_as_a_user(river: River) -> None:
    async with visitor(river.url) as guest:
        await guest.send(type="subscribe", id=1, channel="price-gbp")
        await guest.until("subscribed")
        limited = {"subscribe": ["news"]}
        await guest.send(type="auth", id=2, token=token("ann", river=limited))
        await guest.until("authenticated")
        publish(river, "price-gbp")
        # What all the world may see is also for a token that does not name it.
        assert (await guest.next())["type"] == "event"
        await guest.send(type="subscribe", id=3, channel="news")
        await guest.until("subscribed")
        assert metric(river, "river_guests") == 0


async def test_guests_have_a_limit_of_their_own(river: River) -> None:
    async with visitor(river.url) as one, visitor(river.url) as two, visitor(river.url) as third:
        for guest in (one, two):
            await guest.send(type="subscribe", id=1, channel="price-eur")
            await guest.until("subscribed")
        await third.send(type="subscribe", id=1, channel="price-eur")
        assert (await third.until("bye"))["reason"] == "full"
        code, _ = await third.ends()
        assert code == 4503
        async with visitor(river.url) as user:
            await user.send(type="auth", id=1, token=token("ann"))
            await user.until("authenticated")
        await one.send(type="ping", id=9)
        await one.until("pong")


async def test_guests_keep_what_strangers_may_send(start_shared: Start) -> None:
    settings = {
        "RIVER_CHANNEL_RULES": json.dumps(RULES),
        "RIVER_MAX_UNAUTHENTICATED_BYTES": "2000",
    }
    river = start_shared(settings=settings)
    async with visitor(river.url) as guest:
        await guest.send(type="subscribe", id=1, channel="room")
        subscribed = await guest.until("subscribed")
        # A guest is nobody: it sees who is there, and is not among them.
        assert subscribed["presence"] == {"count": 0, "members": []}
        for number in range(60):
            if guest.close_frame is None:
                await guest.send(type="ping", id=number, padding="x" * 40)
        code, _ = await guest.until_end()
        assert code == 4429
    async with visitor(river.url) as guest:
        await guest.send(type="subscribe", id=1, channel="private-room")
        assert (await guest.until("error"))["code"] == "unauthenticated"
