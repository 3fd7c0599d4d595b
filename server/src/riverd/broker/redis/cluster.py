"""A cluster of servers: each call and each subscription goes to the one that has the slot."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from hiredis import ReplyError

from riverd.broker.redis.calls import Calls
from riverd.broker.redis.connection import Line, Reply, Word, checked
from riverd.broker.redis.feed import SHARDED, Hearer, RedisFeed
from riverd.broker.redis.keys import NODES
from riverd.broker.redis.topology import OpenAt, Place, Topology
from riverd.errors import BrokerError

RETRY_S_MAX = 1.0

T = TypeVar("T")


class ClusterCalls:
    """Asks the server that has the key. See `Server` for the promises; the order is a key's own."""

    def __init__(self, open_at: OpenAt, seeds: Iterable[Place]) -> None:
        self._open_at = open_at
        self._topology = Topology(open_at, seeds, changed=lambda: None)
        self._servers: dict[Place, Calls] = {}

    async def call(
        self,
        script: str,
        keys: Sequence[str],
        arguments: Sequence[Word],
        *,
        within_s: float | None = None,
    ) -> Reply:
        """Run a script on keys of one slot."""
        until = time.monotonic() + (within_s or 0.0)

        def ask(server: Calls) -> Awaitable[Reply]:
            left_s = None if within_s is None else until - time.monotonic()
            return server.call(script, keys, arguments, within_s=left_s)

        return await self._at_owner(keys[0], ask)

    async def commands(self, commands: Sequence[Sequence[Word]]) -> list[Reply]:
        """Carry out commands, those of one server in one round trip."""
        groups: dict[Place | None, list[int]] = {}
        for number, words in enumerate(commands):
            groups.setdefault(self._topology.place(str(words[1])), []).append(number)
        answers: list[Reply] = [None] * len(commands)

        async def carry_out(place: Place | None, numbers: list[int]) -> None:
            given = await self._answers(place, [commands[number] for number in numbers])
            for number, answer in zip(numbers, given, strict=True):
                answers[number] = answer

        await asyncio.gather(*[carry_out(place, numbers) for place, numbers in groups.items()])
        return answers

    def run_id(self, key: str) -> str | None:
        """The run with which we speak about a key."""
        place = self._topology.place(key)
        server = None if place is None else self._servers.get(place)
        return None if server is None else server.run_id(key)

    async def ping(self) -> None:
        """Returns if the server answers that has the nodes' leases."""
        await self._at_owner(NODES, Calls.ping)

    async def close(self) -> None:
        """Disconnect from all."""
        await self._topology.close()
        await asyncio.gather(*[server.close() for server in self._servers.values()])

    async def _answers(self, place: Place | None, commands: list[Sequence[Word]]) -> list[Reply]:
        if place is None:
            return [await self._one(words) for words in commands]
        try:
            answers = await self._server(place).answers(commands)
        except BrokerError:
            self._topology.doubt()
            raise
        return [
            await self._one(words)
            if isinstance(answer, ReplyError) and str(answer).startswith(("MOVED ", "ASK "))
            else checked(answer)
            for words, answer in zip(commands, answers, strict=True)
        ]

    async def _one(self, words: Sequence[Word]) -> Reply:
        [answer] = await self._at_owner(str(words[1]), lambda server: server.commands([words]))
        return answer

    async def _at_owner(self, name: str, ask: Callable[[Calls], Awaitable[T]]) -> T:
        async def do(place: Place, asking: bool, /) -> T:  # noqa: FBT001  see Topology
            server = self._server(place)
            if asking:
                await server.asking()
            return await ask(server)

        return await self._topology.at_owner(name, do)

    def _server(self, place: Place) -> Calls:
        server = self._servers.get(place)
        if server is None:
            server = self._servers[place] = Calls(partial(self._open_at, place=place))
        return server


class ClusterFeed:
    """Subscriptions at the servers that have the names' slots. See `Feeds` for the promises."""

    def __init__(
        self, open_at: OpenAt, seeds: Iterable[Place], *, hearer: Hearer, names: Iterable[str]
    ) -> None:
        self._open_at = open_at
        self._hearer = hearer
        self._doubted = asyncio.Event()
        self._topology = Topology(open_at, seeds, changed=self._doubted.set)
        self._feeds: dict[Place, RedisFeed] = {}
        self._placed: dict[str, Place | None] = dict.fromkeys(names)
        """Where each name is subscribed; None as long as it is nowhere."""
        self._placing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Subscribe what always is, and keep each name at its server."""
        if not await self._place_all():
            self._doubted.set()
        self._placing = asyncio.create_task(self._keep_placed())
        self._placing.add_done_callback(self._ended)

    async def subscribe(self, name: str) -> None:
        """Be told, by whichever server has the name."""
        self._placed[name] = await self._subscribed(name)

    async def unsubscribe(self, name: str) -> None:
        """Be told no more."""
        await self._leave(self._placed.pop(name, None), name)

    async def close(self) -> None:
        """Disconnect from all."""
        if self._placing is not None:
            self._placing.cancel()
            await asyncio.gather(self._placing, return_exceptions=True)
        await self._topology.close()
        await asyncio.gather(*[feed.close() for feed in self._feeds.values()])

    async def _keep_placed(self) -> None:
        while True:
            await self._doubted.wait()
            self._doubted.clear()
            if not await self._place_all():
                await asyncio.sleep(random.uniform(0, RETRY_S_MAX))  # noqa: S311  jitter
                self._doubted.set()

    async def _place_all(self) -> bool:
        """Bring each name to the server that has it now. False if that was not possible for all."""
        moved = missing = False
        for name, before in list(self._placed.items()):
            if before is not None and before == self._topology.place(name):
                continue
            try:
                place = await self._subscribed(name)
            except BrokerError:
                missing = True
                continue
            moved = True
            if name in self._placed:
                self._placed[name] = place
            else:
                # It was given up meanwhile.
                await self._leave(place, name)
            if before != place:
                await self._leave(before, name)
        for place in self._feeds.keys() - self._topology.masters:
            await self._feeds.pop(place).close()
        if moved:
            self._hearer.interrupted()
        return not missing

    async def _subscribed(self, name: str) -> Place:
        async def do(place: Place, _asking: bool, /) -> Place:  # noqa: FBT001  see Topology
            feed = self._feeds.get(place)
            if feed is None:
                open_line = partial(self._open, place=place)
                feed = RedisFeed(open_line, SHARDED, self._hearer, missing=self._missing)
                self._feeds[place] = feed
            await feed.start()
            await feed.subscribe(name)
            return place

        return await self._topology.at_owner(name, do)

    async def _leave(self, place: Place | None, name: str) -> None:
        feed = None if place is None else self._feeds.get(place)
        if feed is not None:
            await feed.unsubscribe(name)

    async def _open(self, new_line: Callable[[], Line], place: Place) -> Line:
        try:
            return await self._open_at(new_line, place)
        except BrokerError:
            # Another server may have taken its place.
            self._topology.doubt()
            raise

    def _missing(self, name: str) -> None:
        if name in self._placed:
            self._placed[name] = None
            self._doubted.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._hearer.failed(error)
