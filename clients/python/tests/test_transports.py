"""Where WebSockets do not come through, a subscriber goes by a stream, and loses nothing."""

import asyncio

import pytest
from bad_servers import gateway, good
from real_river import NoWebSockets, Running
from receiving import WAIT_S_MAX, error_of, offsets

from river_realtime import AsyncRiver, Event, Subscriber, UnreachableError, UsageError, sign_token
from river_realtime.errors import ConnectionLostError
from river_realtime.transports import FAILURES_MAX, SOON_S, Transports

CUT = ConnectionLostError("the connection was lost")
REFUSED = ConnectionLostError("403", is_wrong_address=True)
STOPPING = ConnectionLostError("draining", code=4503, retry_after_s=1.0)


def auto() -> Transports:
    return Transports("http://localhost:8000", "auto")


def test_refused_websocket_is_followed_by_a_stream_at_once() -> None:
    transports = auto()
    assert transports.change_after(REFUSED)
    assert transports.current.name == "stream"


def test_two_websockets_that_are_cut_soon_are_followed_by_a_stream() -> None:
    transports = auto()
    assert not transports.change_after(CUT, lived_s=1)
    assert transports.change_after(CUT, lived_s=1)


@pytest.mark.parametrize(("lost", "lived_s"), [(CUT, SOON_S), (STOPPING, 1)])
def test_end_of_a_websocket_that_any_network_or_server_has_changes_nothing(
    lost: ConnectionLostError, lived_s: float
) -> None:
    transports = auto()
    for _ in range(5):
        assert not transports.change_after(lost, lived_s=lived_s)


def test_after_a_stream_one_websocket_is_tried() -> None:
    transports = auto()
    transports.change_after(REFUSED)
    assert not transports.change_after(CUT, lived_s=600)
    assert transports.current.name == "websocket"
    assert transports.change_after(CUT)


@pytest.mark.parametrize("name", ["websocket", "stream"])
def test_transport_that_was_named_is_kept(name: str) -> None:
    transports = Transports("http://localhost:8000", name)
    assert not any(transports.change_after(REFUSED) for _ in range(5))
    assert transports.current.name == name


def test_unknown_transport_is_named() -> None:
    with pytest.raises(UsageError, match="websocket, stream, auto"):
        Subscriber("localhost:8000", "token", transport="poll")  # type: ignore[arg-type]


async def test_token_function_that_fails_says_nothing_of_websockets() -> None:
    asked = 0

    def token() -> str:
        nonlocal asked
        asked += 1
        if asked <= FAILURES_MAX:
            raise RuntimeError("no database")
        return "token"

    # It speaks over WebSockets only.
    async with gateway(good) as url, Subscriber(url, token, "dogs", transport="auto") as subscriber:
        assert await offsets(subscriber, 1) == [1]
    assert asked == FAILURES_MAX + 1


async def test_another_server_at_the_address_is_an_error_of_both(running: Running) -> None:
    error = await error_of(Subscriber(running.api_url, "token", "dogs", transport="auto"))
    assert isinstance(error, UnreachableError)


async def test_events_come_once_through_a_proxy_that_begins_and_ends_to_block(
    running: Running,
) -> None:
    token = sign_token(running.secret, "ada")
    async with (
        AsyncRiver(running.api_url, running.key) as river,
        NoWebSockets(running.url) as proxy,
        Subscriber(proxy.url, token, "auto", transport="auto") as subscriber,
    ):

        async def publish(*numbers: int) -> None:
            for number in numbers:
                await river.publish("auto", "n", number)

        async def received() -> object:
            async with asyncio.timeout(WAIT_S_MAX):
                delivery = await anext(subscriber)
            assert isinstance(delivery, Event), delivery
            return delivery.data

        async def subscribed(connected_by: str) -> None:
            async with asyncio.timeout(WAIT_S_MAX):
                while subscriber.connected_by != connected_by:
                    await asyncio.sleep(0.01)
                while not (await river.channels("auto")).get("auto"):
                    await asyncio.sleep(0.01)

        await subscribed("stream")
        await publish(1)
        assert await received() == 1
        proxy.is_blocking = False
        proxy.cut()
        await publish(2)
        await subscribed("websocket")
        assert await received() == 2
        proxy.is_blocking = True
        proxy.cut()
        await publish(3, 4)
        await subscribed("stream")
        assert [await received() for _ in range(2)] == [3, 4]
