"""A subscriber, and gateways that are away, broken, or something else."""

import asyncio
import socket
from pathlib import Path

import pytest
from bad_servers import SILENCE, Raw, Talk, certificate_for, gateway, good, html
from receiving import WAIT_S_MAX, closing, error_of, offsets, until_waiting

from river_realtime import RiverError, Subscriber, UnreachableError, UsageError
from river_realtime.subscriber import RETRY_S_MAX, backoff_s


@pytest.mark.parametrize("url", ["", "http://", "ftp://localhost", "http://a:b", "my host:8000"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        Subscriber(url, "token")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, "token"), "url: an address"),
        (("localhost:8000", None), "token: a text, or a function"),
        (("localhost:8000", b"token"), "token: a text, or a function"),
        (("localhost:8000", "token", ["dogs"]), r"\*channels for a list"),
    ],
)
def test_argument_that_cannot_work_is_named_at_once(
    arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Subscriber(*arguments)  # type: ignore[arg-type]


async def test_a_river_that_is_not_there_yet_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with Subscriber(f"127.0.0.1:{port}", "token", "dogs") as subscriber:
        await until_waiting(subscriber, "cannot connect")
        async with gateway(good, port=port):
            assert await offsets(subscriber, 1) == [1]


@pytest.mark.parametrize("answer", [html("200 OK"), html("404 Not Found"), html("403 Forbidden")])
async def test_something_else_at_the_address_is_said_at_once(answer: bytes) -> None:
    with Raw(answer) as server:
        error = await error_of(Subscriber(server.address, "token", "dogs"))
    assert isinstance(error, UnreachableError)
    assert server.address in error.message


async def test_a_certificate_that_nobody_signed_is_said_at_once(tmp_path: Path) -> None:
    with Raw(b"", tls=certificate_for("localhost", tmp_path)) as server:
        error = await error_of(Subscriber(f"wss://{server.address}", "token", "dogs"))
    assert "certificate" in error.message.lower()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (html("502 Bad Gateway"), "502"),
        (b"", "cannot connect"),
        (b"SSH-2.0-OpenSSH\r\n", "cannot connect"),
        (SILENCE, "timed out"),
    ],
)
async def test_a_server_that_is_not_well_is_tried_again(answer: bytes | None, reason: str) -> None:
    with Raw(answer) as server:
        subscriber = Subscriber(server.address, "token", "dogs", timeout_s=0.5)
        async with subscriber:
            await until_waiting(subscriber, reason)


async def test_a_gateway_that_says_nothing_is_left() -> None:
    async def mute(talk: Talk) -> None:
        await talk.connection.wait_closed()

    async with (
        gateway(mute, good) as url,
        Subscriber(url, "token", "dogs", timeout_s=0.5) as subscriber,
    ):
        await until_waiting(subscriber, "sends nothing")
        assert await offsets(subscriber, 1) == [1]


async def test_a_gateway_that_closes_after_each_event_loses_none() -> None:
    async with gateway(closing(1001)) as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 3) == [1, 2, 3]


@pytest.mark.parametrize("garbage", ["<html>", "[]", '{"kind":1}', b"\x00", "[" * 100_000])
async def test_garbage_from_the_first_is_said_at_once(garbage: str | bytes) -> None:
    async def script(talk: Talk) -> None:
        await talk.connection.send(garbage)
        await talk.connection.wait_closed()

    async with gateway(script) as url:
        error = await error_of(Subscriber(url, "token", "dogs"))
    assert isinstance(error, UnreachableError)


@pytest.mark.parametrize(
    "garbage",
    [
        "<html>",
        '{"type":"event","channel":"dogs"}',
        '{"type":"event","channel":"dogs","event":"n","data":1,"offset":"x"}',
        '{"type":"gap","channel":"dogs","epoch":"e"}',
        '{"type":"bye","reason":"draining","retry_after_ms":"soon"}',
        '{"type":"authenticated"}',
    ],
)
async def test_garbage_in_between_costs_the_connection_and_nothing_else(garbage: str) -> None:
    async def script(talk: Talk) -> None:
        await talk.accept()
        await talk.event(await talk.subscribed() + 1)
        await talk.connection.send(garbage)
        await talk.connection.wait_closed()

    async with gateway(script, good) as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 2) == [1, 2]


async def test_what_is_not_known_is_passed_over() -> None:
    async def script(talk: Talk) -> None:
        await talk.accept()
        await talk.say("news", channel="dogs")
        after = await talk.subscribed()
        await talk.say("error", code="new_code", message="of no question")
        await talk.event(after + 1, channel="another")
        await talk.event(after + 1)
        await talk.connection.wait_closed()

    async with gateway(script) as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 1) == [1]


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4408, 4413, 4429, 4503])
async def test_it_comes_back_after_this_close_code(code: int) -> None:
    gateways = gateway(closing(code), good)
    async with gateways as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 2) == [1, 2]


@pytest.mark.parametrize("code", [4400, 4401, 4403])
async def test_it_stays_away_after_this_close_code(code: int) -> None:
    async with gateway(closing(code)) as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 1) == [1]
        for _ in range(2):
            with pytest.raises(RiverError, match="so it is") as caught:
                await anext(subscriber)
        assert caught.value.status == code
        assert subscriber.state == "closed"


async def test_connection_that_died_silently_is_noticed() -> None:
    over = asyncio.Event()

    async def dying(talk: Talk) -> None:
        await talk.accept()
        await talk.event(await talk.subscribed() + 1)
        talk.connection.transport.pause_reading()
        await over.wait()
        talk.connection.transport.abort()

    async with (
        gateway(dying, good) as url,
        Subscriber(url, "token", "dogs", timeout_s=0.5) as subscriber,
    ):
        assert await offsets(subscriber, 2) == [1, 2]
        over.set()


async def test_a_channel_that_cannot_be_had_now_is_asked_for_again() -> None:
    async def script(talk: Talk) -> None:
        await talk.accept()
        asked = await talk.heard()
        await talk.say("error", id=asked["id"], code="broker_unavailable", message="away")
        await talk.connection.wait_closed()

    async with gateway(script, good) as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 1) == [1]


async def test_closing_ends_the_iteration_after_what_was_heard() -> None:
    async with gateway(good) as url, Subscriber(url, "token", "dogs") as subscriber:
        waiting = asyncio.create_task(offsets(subscriber, 2))
        async with asyncio.timeout(WAIT_S_MAX):
            while subscriber._protocol.positions["dogs"] is None:
                await asyncio.sleep(0.005)
        await subscriber.close()
        assert await waiting == [1]
        assert await offsets(subscriber, 1) == []


async def test_iterating_before_the_start_is_a_mistake_that_is_told() -> None:
    with pytest.raises(UsageError, match="async with"):
        await anext(Subscriber("localhost:1", "token"))


def test_the_wait_grows_and_has_a_limit_however_long_the_outage() -> None:
    assert all(backoff_s(0) <= 0.5 for _ in range(100))
    assert all(backoff_s(100_000) <= RETRY_S_MAX for _ in range(100))
