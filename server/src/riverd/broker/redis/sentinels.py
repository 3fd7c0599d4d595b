"""The Sentinels of a master: asked all the time, so that a majority stands behind each write.

A master that was cut off takes writes until it learns that another one was made. Sentinels
make another one `down-after-milliseconds` after they last heard of it. So a process writes only
within half of that after it asked a majority who the master is: it stops before another one begins.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import cast

from riverd.broker.redis.connection import RedisConnection
from riverd.broker.redis.topology import NodeAddress
from riverd.errors import BrokerError
from riverd.scheduling.backoff import Backoff
from riverd.scheduling.tasks import Tasks

ASKS_WITHIN_LIMIT = 6
ASK_S_MAX = 1.0
FIRST_ROUND_S_MAX = 0.5
RETRY_S_FIRST = 0.1
RETRY_S_MAX = 2.0
DOWN_AFTER_S_DEFAULT = 30.0

OpenSentinel = Callable[[NodeAddress], Awaitable[RedisConnection]]


class Sentinels:
    """What each Sentinel says, and since when a majority agrees."""

    def __init__(
        self,
        service: str,
        addresses: tuple[NodeAddress, ...],
        *,
        open_to: OpenSentinel,
        tasks: Tasks,
    ) -> None:
        self._service = service
        self._addresses = set(addresses)
        self._open = open_to
        self._tasks = tasks
        self._started = False
        self._named: dict[bytes, tuple[NodeAddress, float]] = {}
        """By the Sentinel's id: the master that it named last, and when it was asked."""
        self._others = 0
        self._down_after_s = DOWN_AFTER_S_DEFAULT
        self._answered = asyncio.Event()

    @property
    def majority(self) -> int:
        """How many have to agree."""
        return max(len(self._named), self._others + 1) // 2 + 1

    def is_confirmed(self, master: NodeAddress) -> bool:
        """Whether a majority, asked a moment ago, named this master."""
        asked = sorted((at for named, at in self._named.values() if named == master), reverse=True)
        if len(asked) < self.majority:
            return False
        return time.monotonic() - asked[self.majority - 1] < self._down_after_s / 2

    async def master(self) -> NodeAddress:
        """The master that a majority names now.

        Raises:
            BrokerError: when there is none.
        """
        if not self._started:
            self._started = True
            for address in self._addresses:
                self._tasks.start(self._follow(address))
        until = time.monotonic() + FIRST_ROUND_S_MAX
        while True:
            for named, _ in self._named.values():
                if self.is_confirmed(named):
                    return named
            self._answered.clear()
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    await self._answered.wait()
            except TimeoutError:
                raise BrokerError(
                    f"no majority of the Sentinels names a master of {self._service}"
                ) from None

    async def _follow(self, address: NodeAddress) -> None:
        """Ask one Sentinel again and again."""
        retry = Backoff(RETRY_S_FIRST, RETRY_S_MAX)
        while True:
            try:
                connection = await self._open(address)
                try:
                    sentinel = cast("bytes", await connection.ask("SENTINEL", "MYID"))
                    await self._find_others(connection)
                    retry.reset()
                    while True:
                        await self._ask(connection, sentinel)
                        pause_s = self._down_after_s / 2 / ASKS_WITHIN_LIMIT
                        await asyncio.sleep(min(ASK_S_MAX, pause_s))
                finally:
                    connection.drop()
            except (OSError, BrokerError):
                await asyncio.sleep(retry.next_s())

    async def _find_others(self, connection: RedisConnection) -> None:
        """Learn how long a master may be silent, and which other Sentinels there are."""
        state = _fields(await connection.ask("SENTINEL", "MASTER", self._service))
        self._down_after_s = int(state[b"down-after-milliseconds"]) / 1000
        self._others = max(self._others, int(state[b"num-other-sentinels"]))
        others = cast("list[object]", await connection.ask("SENTINEL", "SENTINELS", self._service))
        for other in map(_fields, others):
            if len(self._addresses) <= self._others:
                address = other[b"ip"].decode(), int(other[b"port"])
                if address not in self._addresses:
                    self._addresses.add(address)
                    self._tasks.start(self._follow(address))

    async def _ask(self, connection: RedisConnection, sentinel: bytes) -> None:
        asked_at = time.monotonic()
        self._named[sentinel] = await master_named(connection, self._service), asked_at
        self._answered.set()


async def master_named(connection: RedisConnection, service: str) -> NodeAddress:
    """The master of a service as one Sentinel knows it.

    Raises:
        BrokerError: it does not know the service.
    """
    found = await connection.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
    if found is None:
        raise BrokerError("the Sentinel does not know the service")
    host, port = cast("list[bytes]", found)
    return host.decode(), int(port)


def _fields(answer: object) -> dict[bytes, bytes]:
    """A flat list of names and values."""
    flat = cast("list[bytes]", answer)
    return dict(zip(flat[::2], flat[1::2], strict=True))
