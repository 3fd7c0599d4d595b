"""What has to happen in time: the request, the token, the next token, an answer to a ping."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from river_client import Client, condition, connection, member, metric, token, visitor
from river_process import River, Start, ask

# Long enough for a client of a busy machine to answer, short enough to wait for.
PING_INTERVAL_S = 2
LEEWAY_S = 0.2


@pytest.fixture(scope="module")
def hasty(start_shared: Start) -> River:
    """Return a server that wants to see tokens quickly."""
    return start_shared("gateway", settings={"RIVER_AUTH_TIMEOUT_S": "1"})


@pytest.fixture(scope="module")
def river(start_shared: Start) -> River:
    """Return a server that asks often whether its clients are there."""
    settings = {
        "RIVER_PING_INTERVAL_S": str(PING_INTERVAL_S),
        "RIVER_JWT_LEEWAY_S": str(LEEWAY_S),
    }
    return start_shared("gateway", settings=settings)


def soon(after_s: float) -> float:
    """A time in the near future, as tokens tell times."""
    return time.time() + after_s


@asynccontextmanager
async def expiring(url: str, *, with_upgrade: bool = False) -> AsyncIterator[tuple[Client, float]]:
    """A client whose token will run out, and when: in two seconds, if it is let in by then."""
    for life_s in (2, 8, 32):
        until = soon(life_s)
        proof = token(exp=until)
        headers = {"Authorization": f"Bearer {proof}"} if with_upgrade else {}
        async with visitor(url, **headers) as client:
            if not with_upgrade:
                await client.send(type="auth", id=1, token=proof)
            await client.expect("welcome")
            if (await client.next())["type"] == "authenticated":
                yield client, until
                return


async def heard_until(client: Client, until: float) -> None:
    """Listen until this time; it is not closed."""
    while time.time() < until and client.close_frame is None:
        with suppress(TimeoutError):
            async with asyncio.timeout(until - time.time()):
                await client.hear()
    assert client.close_frame is None


async def closed(client: Client) -> tuple[int, str]:
    """Wait until it is told that it is closed: code and reason."""
    while client.close_frame is None:
        await client.hear()
    return client.close_frame


async def test_who_brings_no_token_in_time_is_closed_whatever_else_it_says(hasty: River) -> None:
    async with visitor(hasty.url) as silent, visitor(hasty.url) as busy:
        assert (await silent.expect("welcome"))["auth_timeout_s"] == 1
        began = time.monotonic()
        while busy.close_frame is None:
            await busy.send(type="subscribe", id=1, channel="dogs")
            await busy.hear()
            await asyncio.sleep(0.05)
        assert time.monotonic() - began > 0.5
        assert busy.close_frame[0] == 4408
        assert await silent.ends() == (4408, "no token in time")


async def test_request_that_is_sent_too_slowly_is_dropped(hasty: River) -> None:
    reader, writer = await connection(hasty.url)
    writer.write(b"GET /ws HTTP/1.1\r\nHost: x\r\nCookie: ")
    async with asyncio.timeout(30):
        while True:
            writer.write(b"x")
            try:
                async with asyncio.timeout(0.1):
                    assert await reader.read(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                pass
            break
    writer.transport.abort()


async def test_default_of_fifteen_seconds_is_in_the_welcome(river: River) -> None:
    async with visitor(river.url) as client:
        assert (await client.expect("welcome"))["auth_timeout_s"] == 15


@pytest.mark.parametrize("with_upgrade", [False, True])
async def test_client_is_closed_when_its_token_runs_out(
    river: River, *, with_upgrade: bool
) -> None:
    async with expiring(river.url, with_upgrade=with_upgrade) as (client, until):
        assert (await client.until("error"))["code"] == "token_expired"
        assert time.time() >= until + LEEWAY_S
        assert (await client.ends())[0] == 4401


async def test_renewal_moves_the_end_there_and_back(river: River) -> None:
    async with expiring(river.url) as (client, until):
        await client.send(type="auth", id=1, token=token(exp=int(soon(3_600))))
        assert (await client.expect("authenticated"))["expires_at"] > soon(3_000)
        await heard_until(client, until + 0.5)
        await client.send(type="auth", id=2, token=token(exp=soon(0.5)))
        # However late it comes, it has run out, now or soon.
        assert (await client.until("error"))["code"] == "token_expired"
        assert (await client.ends())[0] == 4401


async def test_token_without_an_end_outlives_the_others(river: River) -> None:
    async with expiring(river.url) as (client, until):
        await client.send(type="auth", id=1, token=token(exp=None))
        assert (await client.expect("authenticated"))["expires_at"] is None
        await heard_until(client, until + 0.5)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": 1}, "token_expired"),
        ({"nbf": 4_000_000_000}, "token_not_yet_valid"),
        ({"sub": "bob"}, "user_mismatch"),
        ({"sub": ""}, "token_invalid"),
        ({"exp": "tomorrow"}, "token_invalid"),
        ({"exp": 1e308}, "token_invalid"),
        ({"nbf": -1e308}, "token_invalid"),
    ],
)
async def test_renewal_that_is_refused_ends_the_connection(
    river: River, claims: dict[str, object], code: str
) -> None:
    async with member(river.url, token("ann"), "dogs") as client:
        await client.send(type="auth", id=1, token=token("ann", **claims))
        assert (await client.expect("error"))["code"] == code
        assert (await client.ends())[0] == 4401
    assert ask(f"{river.url}/readyz")[0] == 200


async def talk(client: Client) -> None:
    """Whatever is said is a sign of life."""
    while True:
        await client.send(type="ping")
        await client.expect("pong")
        await asyncio.sleep(0.05)


async def test_client_that_answers_pings_is_kept_and_one_that_does_not_is_closed(
    river: River,
) -> None:
    async with (
        member(river.url, token("good"), "presence-dogs") as good,
        member(river.url, token("talker")) as talker,
        member(river.url, token("mute"), "presence-dogs") as mute,
    ):
        mute.mute = talker.mute = True
        assert (await good.expect("joined"))["user"] == "mute"
        talking = asyncio.create_task(talk(talker))
        assert (await good.until("left"))["user"] == "mute"
        assert await closed(mute) == (1001, "no sign of life")
        talking.cancel()
        assert good.pings >= 1
        assert talker.pings >= 1
        assert good.close_frame is talker.close_frame is None
    await condition(lambda: metric(river, "river_connections") == 0)
