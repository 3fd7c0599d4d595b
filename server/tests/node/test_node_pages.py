"""Pages whose clients keep no positions, on nodes: the first of the simulator's runs with them."""

import time
from math import inf

import pytest
from river_feed import until
from river_wire import Client, session_of
from simulation.tab_world import failure_of

from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.channels.rules import ChannelRules
from riverd.core.hub import Hub
from riverd.core.tab import Tab
from riverd.node.tabs import Tabs
from riverd.scheduling.tasks import Tasks


@pytest.mark.parametrize("seed", range(16))
def test_pages_on_nodes_in_trouble_miss_nothing(seed: int) -> None:
    assert failure_of(seed) is None


async def test_pages_are_written_after_a_turn_that_failed() -> None:
    rules = ChannelRules(history_size=10, history_ttl_s=60)
    failures: list[BaseException] = []
    is_broken = False

    def clock() -> float:
        if is_broken:
            raise OSError("no time")
        return time.monotonic()

    broker = MemoryBroker(Switchboard(Store(rules, new_epoch=lambda: "e")), time.monotonic)
    tasks = Tasks(failures.append)
    hub = Hub(rules, part_bytes_max=65_536)
    tabs = Tabs(broker, hub, tasks=tasks, clock=clock, claimed=lambda *_: None)

    def page(name: str) -> Tab:
        session = session_of(Client())
        session.tab = Tab(name, session.id, is_new=True, began_at=inf)
        tabs.opened(session)
        return session.tab

    first = page("1:first")
    await until(lambda: first.is_claimed)
    is_broken = True
    await until(lambda: len(failures) > 0)
    is_broken = False
    second = page("1:second")
    await until(lambda: second.is_kept)
    await tasks.close()
    assert [str(one) for one in failures] == ["no time"]
