"""Which server of a cluster has which slot, and where to go when it is another by now."""

import asyncio
import contextlib
import time
from binascii import crc_hqx
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar, cast

from riverd.broker.redis.connection import Line, RefusedError
from riverd.errors import BrokerError

SLOTS = 16_384
REDIRECTS_MAX = 3
REFRESH_S_MIN = 0.2
SILENCE_S_MAX = 0.75

Place = tuple[str, int]
T = TypeVar("T")


class OpenAt(Protocol):
    """Opens a line to one server."""

    async def __call__(self, new_line: Callable[[], Line], place: Place) -> Line:
        """Raises BrokerError when it cannot be had."""
        ...


def slot_of(name: str) -> int:
    """The slot of a key or a channel: that of its hash tag, if it has one."""
    start = name.find("{")
    end = name.find("}", start + 1)
    tag = name[start + 1 : end] if start >= 0 and end > start + 1 else name
    return crc_hqx(tag.encode(), 0) % SLOTS


class Topology:
    """The masters of a cluster and their slots, as any of its servers tells.

    `changed` is called when it is another.
    """

    def __init__(
        self, open_at: OpenAt, seeds: Iterable[Place], *, changed: Callable[[], None]
    ) -> None:
        self._open_at = open_at
        self._seeds = list(seeds)
        self._changed = changed
        self._places: dict[int, Place] = {}
        self._refreshing: asyncio.Task[None] | None = None
        self._refreshed_at = 0.0

    @property
    def masters(self) -> set[Place]:
        """The servers that have slots."""
        return set(self._places.values())

    def place(self, name: str) -> Place | None:
        """Where a name is served, as far as is known."""
        return self._places.get(slot_of(name))

    async def at_owner(self, name: str, do: Callable[[Place, bool], Awaitable[T]]) -> T:
        """Do something at the server that has a name, wherever that turns out to be.

        `do` gets the place, and whether the slot is only on its way there (see ASK).

        Raises:
            BrokerError: when it was done nowhere.
        """
        place, asking = await self._find(name), False
        for _ in range(REDIRECTS_MAX):
            try:
                return await do(place, asking)
            except RefusedError as error:
                kind, _, where = error.reply.partition(" ")
                if kind not in ("MOVED", "ASK"):
                    raise
                asking = kind == "ASK"
                host, _, port = where.partition(" ")[2].rpartition(":")
                place = (host or place[0], int(port))
                if not asking:
                    self._learn({**self._places, slot_of(name): place})
                    self.doubt()
            except BrokerError:
                self.doubt()
                raise
        raise BrokerError("the cluster sends us round in circles")

    def doubt(self) -> None:
        """What is known may be wrong: ask again soon."""
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh())
            self._refreshing.add_done_callback(self._refreshed)

    async def close(self) -> None:
        """Ask no more."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    async def _find(self, name: str) -> Place:
        if not self._places:
            self.doubt()
            assert self._refreshing is not None, "doubt begins it"
            await asyncio.wait([self._refreshing])
        place = self.place(name)
        if place is None:
            self.doubt()
            raise BrokerError("no server of the cluster has this slot")
        return place

    async def _refresh(self) -> None:
        await asyncio.sleep(self._refreshed_at + REFRESH_S_MIN - time.monotonic())
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

    def _refreshed(self, _task: asyncio.Task[None]) -> None:
        self._refreshing = None

    def _learn(self, places: dict[int, Place]) -> None:
        if places != self._places:
            self._places = places
            self._changed()

    async def _ask(self, place: Place) -> dict[int, Place]:
        line = await self._open_at(lambda: Line(SILENCE_S_MAX), place)
        try:
            ranges = cast("list[list[object]]", await line.ask("CLUSTER", "SLOTS"))
        finally:
            line.drop()
        places: dict[int, Place] = {}
        for first, last, master, *_ in ranges:
            host, port = cast("tuple[bytes | None, int]", cast("list[object]", master)[:2])
            # A server that does not know its own name leaves it out.
            told = ((host or b"").decode() or place[0], port)
            places.update(dict.fromkeys(range(cast("int", first), cast("int", last) + 1), told))
        return places
