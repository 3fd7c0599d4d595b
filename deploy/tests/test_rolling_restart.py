"""Two gateways are restarted one after the other, behind each balancer file, under 300 clients."""

import asyncio

import pytest
from cloud_balancers import ALL_BALANCERS, PRE_STOP, PRE_STOP_S
from rolling_restart import CLIENTS, Restart, restart, town

WAIT_S_MAX = 3.0
STALLS_MAX = 3
"""A machine that does not let the clients run does not let gateways and balancer run either."""


@pytest.fixture(scope="module", params=ALL_BALANCERS)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Restart:
    """Return what the clients saw of the restart."""
    with town(ALL_BALANCERS[request.param], tmp_path_factory.mktemp("restart")) as of:
        return asyncio.run(restart(of))


def test_every_client_has_every_publication_afterwards(seen: Restart) -> None:
    assert len(seen.waits_s) == CLIENTS
    assert (seen.lost, seen.gaps, seen.behind) == (0, 0, 0)


def test_balancer_refuses_no_client(seen: Restart) -> None:
    assert not {"HTTP 502", "HTTP 503"} & {*seen.refusals}, seen.refusals


def test_the_chart_sleeps_as_long_before_the_signal_as_here() -> None:
    assert f'"river.preStopSeconds" -}}}}{PRE_STOP_S:.0f}{{{{-' in PRE_STOP.read_text("utf-8")


def test_nobody_waits_longer_than_three_seconds(seen: Restart) -> None:
    assert seen.longest_s <= WAIT_S_MAX + STALLS_MAX * seen.stalled_s, seen.refusals
