"""Makes what the tests share importable, and says on which event loops they run."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
# `support` holds what tests share; the simulator and the fault clients are folders of modules.
sys.path[:0] = [str(HERE / "support"), str(HERE), str(HERE.parents[1] / "chaos")]

# What an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("river", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("river")

# What touches transports and protocols must not depend on one loop's ways.
_ON_BOTH_LOOPS = {"http", "websocket", "gateway"}
_ON_UVLOOP = _ON_BOTH_LOOPS | {"broker"}


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    folder = item.path.parent.name
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {}
    if folder in _ON_UVLOOP:
        loops["uvloop"] = uvloop.new_event_loop
    if folder not in _ON_UVLOOP or folder in _ON_BOTH_LOOPS:
        loops["asyncio"] = asyncio.new_event_loop
    return loops
