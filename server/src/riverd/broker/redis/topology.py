"""Which server of a cluster has which slot, and where to go when it is another by now."""

import asyncio
import contextlib
import time
from binascii import crc_hqx
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar, cast

from riverd.broker.redis.connection import RedisConnection, RefusedError
from riverd.errors import BrokerError
from riverd.scheduling.tasks import Tasks

SLOTS = 16_384
REDIRECTS_MAX = 3
REFRESH_S_MIN = 0.2
SILENCE_S_MAX = 0.75

NodeAddress = tuple[str, int]
T = TypeVar("T")
C = TypeVar("C", bound=RedisConnection)


class OpenAt(Protocol):
    """Opens a connection to one server."""

    async def __call__(self, new_connection: Callable[[], C], address: NodeAddress) -> C:
        """Raises BrokerError when it cannot be had."""
        ...


def slot_of(name: str) -> int:
    """The slot of a key or a channel: that of its hash tag, if it has one."""
    start = name.find("{")
    end = name.find("}", start + 1)
    tag = name[start + 1 : end] if start >= 0 and end > start + 1 else name
    return crc_hqx(tag.encode(), 0) % SLOTS


class Topology:
    """The masters of a cluster and their slots, as any of its servers reports.

    `changed` are called when it is another.
    """

    def __init__(
        self,
        open_at: OpenAt,
        seeds: Iterable[NodeAddress],
        *,
        tasks: Tasks,
    ) -> None:
        self._open_at = open_at
        self._seeds = list(seeds)
        self._tasks = tasks
        self.changed: list[Callable[[], None]] = []
        self._owners: dict[int, NodeAddress] = {}
        self._refreshed = asyncio.Event()
        self._refreshed.set()
        self._refreshed_at = 0.0

    @property
    def masters(self) -> set[NodeAddress]:
        """The servers that have slots."""
        return set(self._owners.values())

    def owner(self, name: str) -> NodeAddress | None:
        """Where a name is served, as far as is known."""
        return self._owners.get(slot_of(name))

    async def at_owner(self, name: str, do: Callable[[NodeAddress, bool], Awaitable[T]]) -> T:
        """Do something at the server that has a name, wherever that turns out to be.

        `do` gets the address, and whether the slot is only on its way there (see ASK).

        Raises:
            BrokerError: when it was done nowhere.
        """
        address, asking = await self._find(name), False
        for _ in range(REDIRECTS_MAX):
            try:
                return await do(address, asking)
            except RefusedError as error:
                kind, _, where = error.reply.partition(" ")
                if kind not in ("MOVED", "ASK"):
                    raise
                asking = kind == "ASK"
                host, _, port = where.partition(" ")[2].rpartition(":")
                address = (host or address[0], int(port))
                if not asking:
                    self._learn({**self._owners, slot_of(name): address})
                    self.doubt()
            except BrokerError:
                self.doubt()
                raise
        raise BrokerError("the cluster sends us round in circles")

    def doubt(self) -> None:
        """What is known may be wrong: ask again soon."""
        if self._refreshed.is_set():
            self._refreshed.clear()
            self._tasks.start(self._refresh())

    async def _find(self, name: str) -> NodeAddress:
        if not self._owners:
            self.doubt()
            await self._refreshed.wait()
        address = self.owner(name)
        if address is None:
            self.doubt()
            raise BrokerError("no server of the cluster has this slot")
        return address

    async def _refresh(self) -> None:
        try:
            await asyncio.sleep(self._refreshed_at + REFRESH_S_MIN - time.monotonic())
            await self._ask_any()
        finally:
            self._refreshed.set()

    async def _ask_any(self) -> None:
        self._refreshed_at = time.monotonic()
        asked = [asyncio.create_task(self._ask(one)) for one in {*self.masters, *self._seeds}]
        try:
            # All at once: some of them may be away, which is why they are asked.
            for answer in asyncio.as_completed(asked):
                with contextlib.suppress(BrokerError):
                    self._learn(await answer)
                    return
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    def _learn(self, owners: dict[int, NodeAddress]) -> None:
        if owners != self._owners:
            self._owners = owners
            for changed in self.changed:
                changed()

    async def _ask(self, address: NodeAddress) -> dict[int, NodeAddress]:
        connection = await self._open_at(lambda: RedisConnection(SILENCE_S_MAX), address)
        try:
            return await owners_by(connection, address)
        finally:
            connection.drop()


async def owners_by(connection: RedisConnection, address: NodeAddress) -> dict[int, NodeAddress]:
    """Which server has which slot, as the one at an address says.

    Raises:
        BrokerError: when it knows of none: it is in no cluster yet.
    """
    ranges = cast("list[list[object]]", await connection.ask("CLUSTER", "SLOTS"))
    owners: dict[int, NodeAddress] = {}
    for first, last, master, *_ in ranges:
        host, port = cast("tuple[bytes | None, int]", cast("list[object]", master)[:2])
        # A server that does not know its own name leaves it out.
        master_address = ((host or b"").decode() or address[0], port)
        owners.update(
            dict.fromkeys(range(cast("int", first), cast("int", last) + 1), master_address)
        )
    if not owners:
        raise BrokerError(f"{address[0]}:{address[1]} knows of no server that has slots")
    return owners
