"""A subscriber, and tokens that are refused, run out, or cannot be had."""

import asyncio
import threading
import time

import pytest
from bad_servers import Talk, gateway, good
from receiving import WAIT_S_MAX, error_of, offsets, until_waiting

from river_realtime import Subscriber


async def test_another_token_is_asked_for_after_4401_however_often_one_ran_out() -> None:
    tokens = iter("abcdef")
    seen: list[str] = []

    async def script(talk: Talk) -> None:
        seen.append(await talk.accept())
        await talk.event(await talk.subscribed() + 1)
        await talk.say("error", code="token_expired", message="the token has expired")
        await talk.connection.close(4401, "the token has expired")

    async with gateway(script) as url, Subscriber(url, lambda: next(tokens), "dogs") as subscriber:
        assert await offsets(subscriber, 3) == [1, 2, 3]
    assert seen[:3] == ["a", "b", "c"]


async def test_a_function_whose_tokens_are_refused_twice_in_a_row_is_not_asked_for_ever() -> None:
    async def script(talk: Talk) -> None:
        await talk.heard()
        await talk.say("error", id=0, code="token_expired", message="the token has expired")
        await talk.connection.close(4401, "the token has expired")

    async with gateway(script) as url:
        error = await error_of(Subscriber(url, lambda: "old", "dogs"))
    assert (error.code, error.status) == ("token_expired", 4401)


async def test_a_token_function_that_fails_is_asked_again() -> None:
    asked: list[str] = []

    async def token() -> str:
        asked.append("once more")
        if len(asked) == 1:
            raise RuntimeError("no database")
        return "token"

    async with gateway(good) as url, Subscriber(url, token, "dogs") as subscriber:
        await until_waiting(subscriber, "no database")
        assert await offsets(subscriber, 1) == [1]


@pytest.mark.parametrize("given", [None, "", b"token"])
async def test_a_token_function_that_gives_no_text_is_told_so(given: object) -> None:
    async with Subscriber("localhost:1", lambda: given, "dogs") as subscriber:
        await until_waiting(subscriber, "returned no text")


async def test_a_token_function_that_hangs_is_left_and_asked_again() -> None:
    hanging = asyncio.Event()
    asked: list[str] = []

    async def token() -> str:
        asked.append("once more")
        if len(asked) == 1:
            await hanging.wait()
        return "token"

    async with gateway(good) as url, Subscriber(url, token, "dogs", timeout_s=0.5) as subscriber:
        await until_waiting(subscriber, "did not answer")
        assert await offsets(subscriber, 1) == [1]


async def test_a_token_function_without_await_stops_nobody_and_hangs_in_one_thread_only() -> None:
    release = threading.Event()
    asked: list[str] = []

    def token() -> str:
        asked.append("once more")
        release.wait(WAIT_S_MAX)
        return "token"

    async with gateway(good) as url, Subscriber(url, token, "dogs", timeout_s=0.1) as subscriber:
        await until_waiting(subscriber, "did not answer")
        await until_failures(subscriber, 2)
        assert len(asked) == 1
        release.set()
        assert await offsets(subscriber, 1) == [1]


async def until_failures(subscriber: Subscriber, count: int) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        while subscriber._failures < count:
            await asyncio.sleep(0.005)


async def test_the_next_token_is_shown_before_the_old_one_ends() -> None:
    tokens = iter("abc")
    seen: list[object] = []

    async def script(talk: Talk) -> None:
        seen.append(await talk.accept(time.time() + 0.2))
        after = await talk.subscribed()
        renewal = await talk.heard()
        seen.append((renewal["type"], renewal["token"]))
        await talk.say("authenticated", id=renewal["id"], user="ann", expires_at=None)
        await talk.event(after + 1)
        await talk.connection.wait_closed()

    async with gateway(script) as url, Subscriber(url, lambda: next(tokens), "dogs") as subscriber:
        assert await offsets(subscriber, 1) == [1]
    assert seen == ["a", ("auth", "b")]


async def test_token_that_is_not_valid_yet_is_shown_again_until_it_is() -> None:
    async def early(talk: Talk) -> None:
        await talk.heard()
        await talk.say("error", id=0, code="token_not_yet_valid", message="not valid yet")
        await talk.connection.close(4401, "the token is not valid yet")

    gateways = gateway(early, early, early, good)
    async with gateways as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 1) == [1]


async def test_refusal_that_says_when_to_come_back_is_obeyed() -> None:
    came: list[float] = []

    async def recently(talk: Talk) -> None:
        came.append(time.monotonic())
        await talk.heard()
        fields = {"code": "token_revoked_recently", "message": "soon", "retry_after_ms": 700}
        await talk.say("error", id=0, **fields)
        await talk.connection.close(4401, "soon")

    async def then(talk: Talk) -> None:
        came.append(time.monotonic())
        await good(talk)

    async with gateway(recently, then) as url, Subscriber(url, "token", "dogs") as subscriber:
        assert await offsets(subscriber, 1) == [1]
    assert came[1] - came[0] >= 0.69
