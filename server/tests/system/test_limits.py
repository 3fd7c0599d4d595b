"""Limits, and clients that go to them and beyond."""

from river_client import condition, enter, member, token, visitor
from river_process import River, Start, ask

MESSAGE_BYTES_MAX = 65_536
MEBIBYTE = 1 << 20
# Two processes' worth of noise: what must not grow would grow by much more.
GROWTH_BYTES_MAX = 8 * MEBIBYTE


def metric(river: River, name: str) -> float:
    """One number of a gateway's metrics."""
    _, text = ask(f"{river.url}/metrics")
    line = next(line for line in text.splitlines() if line.startswith(f"{name} "))
    return float(line.split()[1])


async def still_serves(river: River) -> None:
    async with member(river.ws_url, token("somebody-else"), "dogs") as client:
        await client.send(type="ping", id=1)
        assert (await client.expect("pong"))["id"] == 1


async def is_refused(url: str, **headers: str) -> None:
    """It is told to come again, and closed."""
    async with visitor(url, **headers) as client:
        told = await client.expect("bye")
        assert told["reason"] == "full"
        assert told["retry_after_ms"] > 0
        assert (await client.ends())[0] == 4503


async def test_full_gateway_tells_newcomers_to_come_again(start: Start) -> None:
    river = start(settings={"RIVER_MAX_CONNECTIONS": "3", "RIVER_MAX_UNAUTHENTICATED": "2"})
    bearer = f"Bearer {token('ann')}"
    async with visitor(river.url), visitor(river.url) as second:
        await is_refused(river.url)
        # The limit for those without a token does not keep those out who bring one.
        async with visitor(river.url, Authorization=bearer) as third:
            await third.until("authenticated")
            await enter(second, token("bob"))
            await is_refused(river.url, Authorization=bearer)
        await condition(lambda: metric(river, "river_connections") == 2)
        async with visitor(river.url) as fourth:
            await fourth.expect("welcome")
            assert metric(river, "river_unauthenticated") == 2
            await is_refused(river.url)
            assert metric(river, "river_refused_total") == 3


async def test_asking_for_a_page_of_a_full_gateway_refuses_nobody(start: Start) -> None:
    river = start("gateway", settings={"RIVER_MAX_CONNECTIONS": "1", "RIVER_DRAIN_S": "0"})
    async with visitor(river.url) as client:
        await client.expect("welcome")
        assert ask(f"{river.url}/healthz") == (200, "alive\n")
        assert metric(river, "river_refused_total") == 0
        assert ask(f"{river.url}/ws")[0] == 426
        assert metric(river, "river_refused_total") == 0
