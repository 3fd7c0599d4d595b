"""A rolling restart of two gateways behind a balancer, under clients and publications."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from balancers import Place
from caddy_process import running
from cloud_balancers import AnyBalancer, CloudBalancer
from listener import publish
from restart_clients import CHANNEL, Client

from processes import KEY, SECRET, TERMINATE, ApiProcess, GatewayProcess, Redis

CLIENTS = 300
DRAIN_S = 3.0
PUBLISH_EVERY_S = 0.25
TICK_S = 0.05
LIVE_S_MAX = 60.0


@dataclass(frozen=True)
class Restart:
    """What a rolling restart was for the clients."""

    waits_s: list[float]
    """The longest of each client, from when a publication was accepted until the client had it."""
    refusals: Counter[str]
    gaps: int
    lost: int
    behind: int
    """Clients that do not have the last publication in the end."""
    stalled_s: float
    """The longest that the clients' own process was not let run."""

    @property
    def longest_s(self) -> float:
        return max(self.waits_s)


@dataclass(frozen=True)
class Town:
    """Two gateways, a publish API, and what stands before the gateways."""

    gateways: tuple[GatewayProcess, GatewayProcess]
    api: ApiProcess
    balancer: AnyBalancer


@contextmanager
def town(make: Callable[[Place], AnyBalancer], folder: Path) -> Iterator[Town]:
    """All of it, started."""
    redis = Redis(folder)
    gateways = (GatewayProcess(redis.port, DRAIN_S), GatewayProcess(redis.port, DRAIN_S))
    api = ApiProcess(redis.port)
    addresses = [f"127.0.0.1:{one.port}" for one in gateways]
    with ExitStack() as stack:
        stack.enter_context(running(redis, *gateways, api))
        balancer = make(Place(folder, addresses))
        stack.enter_context(running(balancer))
        yield Town(gateways, api, balancer)


async def restart(of: Town, clients: int = CLIENTS) -> Restart:
    """Restart both gateways, one after the other, as soon as the first is ready again."""
    url, context = of.balancer.url.replace("http", "ws", 1), of.balancer.context()
    crowd = [Client(url, f"u{n}", secret=SECRET, context=context) for n in range(clients)]
    publisher, clock = Publisher(of.api), Clock()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.run()) for one in (*crowd, clock)]
        await _until(lambda: all(client.position is not None for client in crowd))
        publishing = group.create_task(publisher.run())
        for gateway in of.gateways:
            await asyncio.to_thread(_restart_one, of, gateway)
        publishing.cancel()
        last = await publisher.publish()
        with contextlib.suppress(TimeoutError):
            await _until(lambda: all(client.position == last for client in crowd))
        for task in tasks:
            task.cancel()
    seen = [client.seen for client in crowd]
    return Restart(
        waits_s=[publisher.longest_wait_s(one.heard_at) for one in seen],
        refusals=sum((one.refusals for one in seen), Counter[str]()),
        gaps=sum(one.gaps for one in seen),
        lost=sum(one.lost for one in seen),
        behind=sum(client.position != last for client in crowd),
        stalled_s=clock.stalled_s,
    )


def _restart_one(of: Town, gateway: GatewayProcess) -> None:
    if isinstance(of.balancer, CloudBalancer):
        of.balancer.before_stop(gateway, of.api)
    gateway.signal(TERMINATE)
    gateway.wait()
    gateway.start()
    if isinstance(of.balancer, CloudBalancer):
        of.balancer.put_back(gateway)


class Publisher:
    """Publishes to the clients' channel, and knows when each publication was accepted."""

    def __init__(self, api: ApiProcess) -> None:
        self._url = f"http://127.0.0.1:{api.port}"
        self._accepted_at: dict[int, float] = {}

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self.publish()
            await asyncio.sleep(PUBLISH_EVERY_S)

    async def publish(self) -> tuple[str, int]:
        """Publish one event; its position."""
        told = await asyncio.to_thread(publish, self._url, KEY, CHANNEL)
        self._accepted_at[told["offset"]] = time.monotonic()
        return told["epoch"], told["offset"]

    def longest_wait_s(self, heard_at: Mapping[int, float]) -> float:
        """The longest that a client waited for what had been accepted."""
        waits = (heard_at[one] - self._accepted_at.get(one, heard_at[one]) for one in heard_at)
        return max(waits, default=0.0)


class Clock:
    """Notices when this process was not let run: others want the machine too."""

    def __init__(self) -> None:
        self.stalled_s = 0.0

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(TICK_S)
            self.stalled_s = max(self.stalled_s, time.monotonic() - began - TICK_S)


async def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIVE_S_MAX
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come to pass")
        await asyncio.sleep(0.05)
