"""Limits of an address, as a proxy on this machine names it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from pusher_runner import SETTINGS, signed_query
from river_client import Client, condition, metric, opened, token, visitor
from river_process import River, Start, ask

from riverd.api.pusher.failed_signatures import FAILURES_MAX

PROXY = {"RIVER_TRUSTED_PROXIES": "127.0.0.1"}
BEARER = f"Bearer {token('ann')}"
ANN, BEN, NETWORK = "198.51.100.1", "198.51.100.2", "2001:db8:5:6:{}::1"

Visit = Callable[..., Awaitable[Client]]


@pytest.fixture
async def visit() -> AsyncIterator[Visit]:
    """Return what connects from an address, with or without a token."""
    async with AsyncExitStack() as stack:

        async def visit(river: River, address: str, *, known: bool = True) -> Client:
            headers = {"Authorization": BEARER} if known else {}
            client = await opened(river.url, **{"X-Forwarded-For": address}, **headers)
            stack.push_async_callback(client.close)
            return client

        yield visit


async def is_refused(client: Client) -> None:
    told = await client.expect("bye")
    assert told["reason"] == "address"
    assert told["retry_after_ms"] > 0
    assert (await client.ends())[0] == 4429


@pytest.mark.parametrize("mine", [[ANN] * 3, [NETWORK.format(n) for n in range(3)]])
async def test_address_with_too_many_connections_is_refused_and_others_are_not(
    start: Start, visit: Visit, mine: list[str]
) -> None:
    river = start(settings={**PROXY, "RIVER_MAX_CONNECTIONS_PER_ADDRESS": "2"})
    first, second = [await visit(river, address) for address in mine[:2]]
    for client in (first, second):
        await client.until("authenticated")
    await is_refused(await visit(river, mine[2]))
    await (await visit(river, BEN)).until("authenticated")
    river.stderr.wait_for(lambda line: "connections_refused" in line and mine[0][:8] in line)
    assert metric(river, 'river_refused_by_limit_total{limit="address_connections"}') == 1
    await first.close()
    await condition(lambda: metric(river, "river_connections") == 2)
    await (await visit(river, mine[2])).until("authenticated")


async def test_address_that_connects_too_often_is_refused(start: Start, visit: Visit) -> None:
    river = start(settings={**PROXY, "RIVER_CONNECT_RATE_PER_ADDRESS": "0.3"})
    for _ in range(3):
        await (await visit(river, ANN)).close()
    await is_refused(await visit(river, ANN))
    await (await visit(river, BEN)).until("authenticated")


async def test_address_makes_room_among_its_own_silent_connections(
    start: Start, visit: Visit
) -> None:
    river = start(settings={**PROXY, "RIVER_MAX_UNAUTHENTICATED_PER_ADDRESS": "2"})
    other = await visit(river, BEN, known=False)
    first, *rest = [await visit(river, ANN, known=False) for _ in range(3)]
    assert (await first.until("bye"))["reason"] == "full"
    assert (await first.ends())[0] == 4503
    for client in (other, *rest):
        await client.send(type="ping", id=1)
        await client.until("pong")


async def test_proxy_that_is_not_listed_locks_nobody_out_and_is_logged(start: Start) -> None:
    river = start(settings={"RIVER_MAX_CONNECTIONS_PER_ADDRESS": "1"})
    forwarded = {"X-Forwarded-For": ANN, "Authorization": BEARER}
    async with visitor(river.url, **forwarded) as one, visitor(river.url, **forwarded) as two:
        for client in (one, two):
            await client.until("authenticated")
    # `river dev` logs for people.
    river.stderr.wait_for(lambda line: "proxy_not_listed" in line and "127.0.0.1" in line)


def test_address_with_wrong_signatures_is_refused_also_with_right_ones(start: Start) -> None:
    river = start(settings={**SETTINGS, "RIVER_TRUSTED_PROXIES": "none"})
    path = "/apps/3/channels"
    right = f"{river.url}{path}?{signed_query('GET', path, b'', {})}"
    wrong = f"{right}00"
    for _ in range(FAILURES_MAX):
        assert ask(wrong)[0] == 401
    assert ask(wrong)[0] == 429
    assert ask(right)[0] == 429
    # The private port is for those who may be trusted with a loop.
    assert ask(right.replace(river.url, river.api_url))[0] == 200
