"""A balancer that cuts what a removed gateway still has: with the drain sign nothing is left.

So do balancers in clouds: a target that is taken out gets no new connections, and what it has is
cut after a while; only then is the process told to stop, since open WebSockets never end.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from river_client import condition, is_refused
from river_process import ask

from cluster import OWN_TRANSPORTS, Cluster, Shape
from processes import KEY, TERMINATE

DRAIN_S = 2.0
DEREGISTRATION_S = 4.0
REMOVED = 2
"""The gateway that is taken out, as the balancer counts. The first one's broker is far away."""


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    running = Cluster(
        Shape(clients=60, drain_s=DRAIN_S, has_visitors=False, transports=OWN_TRANSPORTS)
    )
    try:
        await running.start()
        yield running
    finally:
        await running.close()


def connections(port: int) -> int:
    _, text = ask(f"http://127.0.0.1:{port}/metrics")
    line = next(one for one in text.splitlines() if one.startswith("river_connections "))
    return int(float(line.split()[1]))


def ask_to_drain(cluster: Cluster, name: str) -> None:
    url = f"http://127.0.0.1:{cluster.api.port}/nodes/{quote(name, safe='')}/drain"
    assert ask(url, key=KEY, method="POST")[0] == 200


async def removed(cluster: Cluster, *, with_sign: bool) -> tuple[int, int, int]:
    """Replace a gateway: how many clients it had, how many of them were moved, how many cut."""
    gateway = cluster.gateways[REMOVED - 1]
    had = await asyncio.to_thread(connections, gateway.port)
    moved = sum(one.moved for one in cluster.witnesses)
    cut = sum(one.cut for one in cluster.witnesses)
    taken_out = time.monotonic()
    await asyncio.to_thread(cluster.balancer.take_out, REMOVED)
    if with_sign:
        await asyncio.to_thread(ask_to_drain, cluster, gateway.name)
        # It takes nobody any more; those it has move long before the delay is over.
        await condition(lambda: is_refused(f"http://127.0.0.1:{gateway.port}"))
    await asyncio.sleep(DEREGISTRATION_S - (time.monotonic() - taken_out))
    await asyncio.to_thread(cluster.balancer.cut, REMOVED)
    await cluster.until_live()
    gateway.signal(TERMINATE)
    assert await asyncio.to_thread(gateway.wait) == 0
    await cluster.until_live()
    moved = sum(one.moved for one in cluster.witnesses) - moved
    return had, moved, sum(one.cut for one in cluster.witnesses) - cut


async def test_with_the_sign_all_are_moved_before_the_balancer_cuts(cluster: Cluster) -> None:
    had, moved, cut = await removed(cluster, with_sign=True)
    assert had > 0
    assert (moved, cut) == (had, 0)
    outcome = cluster.outcome("with the sign")
    assert (outcome.lost, outcome.duplicated, outcome.reordered, outcome.told) == (0, 0, 0, 0)
    assert outcome.errors == []
    assert outcome.published > 0


async def test_without_the_sign_the_balancer_cuts_them(cluster: Cluster) -> None:
    had, moved, cut = await removed(cluster, with_sign=False)
    assert had > 0
    assert (moved, cut) == (0, had)
    # They come back by themselves and miss nothing; but all at once, and without a word before.
    assert cluster.outcome("without the sign").is_clean
