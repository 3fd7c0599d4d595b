"""Which event loops the gateway's tests run on."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

# The WebSocket layer touches transports and protocols: it must not depend on one loop's ways.
_ON_BOTH = {"test_websocket.py", "test_listener.py"}


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]]
    factories = {"uvloop": uvloop.new_event_loop}
    if item.path.name in _ON_BOTH:
        factories["asyncio"] = asyncio.new_event_loop
    return factories
