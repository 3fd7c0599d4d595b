"""Ten thousand clients, and a Redis that comes back without its data.

They are those of `river bench`: small, and each checks the offsets of all that it receives.
"""

import asyncio
import math
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import jwt

from cluster import GATEWAYS, FaultOutcome
from doubles import given_twice
from processes import SECRET, ApiProcess, GatewayProcess, Redis
from publisher import FaultPublisher
from riverd.commands.loadtest.client import Client, Endpoint
from riverd.commands.loadtest.tally import LoadTally
from riverd.commands.loadtest.target import Target
from until import LIVE_S_MAX, until_live
from witness import end

CLIENTS = 10_000
CROWD_FAULT = "10,000 clients; Redis killed, back without its data"
ROOMS = 20
EVERY_S = 1.0
AT_ONCE = 200
"""So many clients connect at the same time."""
AWAY_S = 2.0
CALM_S = 3.0
ROOM_ENOUGH = {
    f"RIVER_{name}": str(2 * CLIENTS)
    for name in (
        "MAX_CONNECTIONS",
        "MAX_CONNECTIONS_PER_ADDRESS",
        "MAX_UNAUTHENTICATED",
        "MAX_UNAUTHENTICATED_PER_ADDRESS",
        "CONNECT_RATE_PER_ADDRESS",
    )
}


class LargeLoad:
    """Three gateways with many clients, each in one channel for all and in one of twenty."""

    def __init__(self, stack: ExitStack, clients: int) -> None:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        self.redis = stack.enter_context(closing(Redis(Path(folder))))
        self.gateways = [
            stack.enter_context(closing(GatewayProcess(self.redis.port, 3.0, ROOM_ENOUGH)))
            for _ in range(GATEWAYS)
        ]
        self.api = stack.enter_context(closing(ApiProcess(self.redis.port)))
        self.tally = LoadTally()
        self.clients: list[Client] = []
        self.publishers: list[FaultPublisher] = []
        self._count = clients
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Bring all up, and wait until all are live."""
        for program in (self.redis, *self.gateways, self.api):
            await asyncio.to_thread(program.start)
        targets = [Target(f"ws://127.0.0.1:{one.port}/ws") for one in self.gateways]
        ends = [Endpoint(one, None, _token, self.tally) for one in targets]
        for one in targets:
            await one.look_up(self._count)
        for number in range(self._count):
            channels = ["news", f"room-{number % ROOMS}"]
            self.clients.append(Client(number, ends[number % GATEWAYS], channels=channels))
        for first in range(0, self._count, AT_ONCE):
            some = self.clients[first : first + AT_ONCE]
            self._tasks += [asyncio.create_task(one.run()) for one in some]
            await asyncio.gather(*[one.first for one in some])
        for name in ["news", *(f"room-{number}" for number in range(ROOMS))]:
            publisher = FaultPublisher(f"http://127.0.0.1:{self.api.port}", name, EVERY_S)
            self.publishers.append(publisher)
            self._tasks.append(asyncio.create_task(publisher.run()))
        await self.until_live()

    async def until_live(self) -> float:
        """Seconds until every client has what was published after this was called."""
        return await until_live(self.publishers, self.behind)

    def behind(self) -> int:
        """How many clients do not stand where their channels' logs stand."""
        last = {one.channel: one.last for one in self.publishers}
        return sum(
            any((at.epoch, at.offset) != last[name] for name, at in client.cursors.items())
            for client in self.clients
        )

    async def lose_redis(self) -> None:
        """`kill -9` Redis and start it without its data."""
        self.redis.kill()
        self.redis.lose_data()
        await asyncio.sleep(AWAY_S)
        await asyncio.to_thread(self.redis.start)

    async def close(self) -> None:
        """End the load."""
        for client in self.clients:
            client.stop()
        await end(*self._tasks)


async def suffer_with_crowd(clients: int = CLIENTS) -> FaultOutcome:
    """Do it, and count."""
    with ExitStack() as stack:
        crowd = LargeLoad(stack, clients)
        try:
            await crowd.start()
            await asyncio.sleep(CALM_S)
            before = sum(crowd.tally.errors.values())
            await crowd.lose_redis()
            try:
                live_after_s, missing = await crowd.until_live(), 0
            except TimeoutError:
                live_after_s, missing = LIVE_S_MAX, crowd.behind()
            return _outcome(crowd, live_after_s, missing=missing, errors_before=before)
        finally:
            await crowd.close()


def _outcome(
    crowd: LargeLoad, live_after_s: float, *, missing: int, errors_before: int
) -> FaultOutcome:
    tally, doubles = crowd.tally, given_twice(crowd.publishers)
    programs = (crowd.redis, *crowd.gateways, crowd.api)
    errors = sum(tally.errors.values()) - errors_before
    return FaultOutcome(
        CROWD_FAULT,
        lost=tally.holes + missing,
        duplicated=tally.doubled + sum(one.count for one in doubles),
        reordered=0,
        told=tally.gaps,
        live_after_s=live_after_s,
        agreed_after_s=math.nan,
        counted_after_s=math.nan,
        published=sum(len(one.accepted) for one in crowd.publishers),
        slowest_refusal_s=max(one.slowest_refusal_s for one in crowd.publishers),
        errors=[line for program in programs for line in program.errors()],
        doubles=doubles,
        remark=f"{errors} connections were lost" if errors else "",
    )


def _token(number: int) -> str:
    return jwt.encode({"sub": f"user-{number}"}, SECRET)
