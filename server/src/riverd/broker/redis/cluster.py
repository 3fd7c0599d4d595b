"""A cluster of servers: each call and each subscription goes to the one that has the slot."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from hiredis import ReplyError

from riverd.broker.redis.calls import CLOSED, CallConnection, Calls, Terms
from riverd.broker.redis.connection import Argument, RedisConnection, Reply, checked
from riverd.broker.redis.feed import SHARDED, FeedListener, RedisFeed
from riverd.broker.redis.keys import NODES
from riverd.broker.redis.scripts import DataHistory
from riverd.broker.redis.topology import NodeAddress, OpenAt, Topology
from riverd.errors import BrokerError
from riverd.scheduling.backoff import Backoff
from riverd.scheduling.tasks import Tasks

RETRY_S_FIRST = 0.2
RETRY_S_MAX = 1.0

T = TypeVar("T")


class ClusterCalls:
    """Asks the server that has the key. See `Server` for the promises; the order is a key's own."""

    def __init__(
        self,
        open_at: OpenAt,
        topology: Topology,
        *,
        tasks: Tasks,
        may_write: Callable[[CallConnection], None],
        terms: Terms | None = None,
    ) -> None:
        self._open_at = open_at
        self._tasks = tasks
        self._may_write_to = may_write
        self._terms = terms
        self.topology = topology
        self._servers: dict[NodeAddress, Calls] = {}

    async def call(
        self,
        script: str,
        keys: Sequence[str],
        *,
        arguments: Sequence[Argument] = (),
        replicated: bool = False,
    ) -> Reply:
        """Run a script on keys of one slot."""

        def ask(server: Calls) -> Awaitable[Reply]:
            return server.call(script, keys, arguments=arguments, replicated=replicated)

        return await self._at_owner(keys[0], ask)

    async def commands(
        self, commands: Sequence[Sequence[Argument]], *, opened: bool = False
    ) -> list[Reply]:
        """Carry out commands, those of one server in one round trip.

        The term is at another server than most of them: none is asked about it.
        """
        del opened
        groups: dict[NodeAddress | None, list[int]] = {}
        for number, command in enumerate(commands):
            groups.setdefault(self.topology.owner(str(command[1])), []).append(number)
        answers: list[Reply] = [None] * len(commands)

        async def carry_out(address: NodeAddress | None, numbers: list[int]) -> None:
            given = await self._answers(address, [commands[number] for number in numbers])
            for number, answer in zip(numbers, given, strict=True):
                answers[number] = answer

        await asyncio.gather(*[carry_out(address, numbers) for address, numbers in groups.items()])
        return answers

    def history(self, key: str) -> DataHistory | None:
        """The history with which we speak about a key."""
        address = self.topology.owner(key)
        server = None if address is None else self._servers.get(address)
        return None if server is None else server.history(key)

    def history_at(self, address: NodeAddress) -> DataHistory | None:
        """The history of one server."""
        server = self._servers.get(address)
        return None if server is None else server.history("")

    async def ping(self) -> str:
        """Returns if the server answers that has the nodes' leases."""
        return await self._at_owner(NODES, Calls.ping)

    def reset(self) -> None:
        """Each next call finds out anew in which term the data is."""
        for server in self._servers.values():
            server.reset()

    async def close(self) -> None:
        """Disconnect from all."""
        await asyncio.gather(*[server.close() for server in self._servers.values()])

    async def _answers(
        self, address: NodeAddress | None, commands: list[Sequence[Argument]]
    ) -> list[Reply]:
        if address is None:
            return [await self._one(command) for command in commands]
        try:
            answers = await self._server(address).answers(commands)
        except BrokerError:
            self.topology.doubt()
            raise
        return [
            await self._one(command)
            if isinstance(answer, ReplyError) and str(answer).startswith(("MOVED ", "ASK "))
            else checked(answer)
            for command, answer in zip(commands, answers, strict=True)
        ]

    async def _one(self, command: Sequence[Argument]) -> Reply:
        [answer] = await self._at_owner(str(command[1]), lambda server: server.commands([command]))
        return answer

    async def _at_owner(self, name: str, ask: Callable[[Calls], Awaitable[T]]) -> T:
        async def do(address: NodeAddress, asking: bool, /) -> T:  # noqa: FBT001  see Topology
            server = self._server(address)
            if asking:
                await server.asking()
            return await ask(server)

        return await self.topology.at_owner(name, do)

    def _server(self, address: NodeAddress) -> Calls:
        server = self._servers.get(address)
        if server is None:
            server = self._servers[address] = Calls(
                partial(self._open_at, address=address),
                self._tasks,
                may_write=self._may_write,
                terms=self._terms,
            )
        return server

    def _may_write(self, connection: CallConnection) -> None:
        self._may_write_to(connection)
        terms = self._terms
        if terms is not None and (terms.is_over or connection.entered != terms.entered):
            # Another server's connection found out that the term is over.
            connection.drop()
            raise BrokerError(CLOSED)


class ClusterFeed:
    """Subscriptions at the servers that have the names' slots. See `Feeds` for the promises."""

    def __init__(
        self,
        open_at: OpenAt,
        server: ClusterCalls,
        *,
        listener: FeedListener,
        names: Iterable[str],
    ) -> None:
        self._open_at = open_at
        self._listener = listener
        self._doubted = asyncio.Event()
        self._tasks = Tasks(listener.failed)
        self._server = server
        self._topology = server.topology
        self._topology.changed.append(self._doubted.set)
        self._feeds: dict[NodeAddress, RedisFeed] = {}
        self._located: dict[str, NodeAddress | None] = dict.fromkeys(names)
        """Where each name is subscribed; None as long as it is nowhere."""

    async def start(self) -> None:
        """Subscribe what always is, and keep each name at its server."""
        if not await self._locate_all():
            self._doubted.set()
        self._tasks.start(self._keep_located())

    @property
    def problem(self) -> str | None:
        """Why nothing comes from one of the servers."""
        missing = [name for name, address in self._located.items() if address is None]
        if missing:
            return f"{len(missing)} names are subscribed nowhere"
        problems = (feed.problem for feed in self._feeds.values())
        return next((problem for problem in problems if problem is not None), None)

    async def subscribe(self, name: str) -> None:
        """Subscribe at whichever server has the name."""
        self._located[name] = await self._subscribed(name)

    async def unsubscribe(self, name: str) -> None:
        """End a subscription."""
        await self._leave(self._located.pop(name, None), name)

    async def close(self) -> None:
        """Disconnect from all."""
        await self._tasks.close()
        await asyncio.gather(*[feed.close() for feed in self._feeds.values()])

    async def _keep_located(self) -> None:
        retry = Backoff(RETRY_S_FIRST, RETRY_S_MAX)
        while True:
            await self._doubted.wait()
            self._doubted.clear()
            if await self._locate_all():
                retry.reset()
            else:
                await asyncio.sleep(retry.next_s())
                self._doubted.set()

    async def _locate_all(self) -> bool:
        """Bring each name to the server that has it now. False if that was not possible for all."""
        moved = missing = False
        for name, before in list(self._located.items()):
            if before is not None and before == self._topology.owner(name):
                continue
            try:
                address = await self._subscribed(name)
            except BrokerError:
                missing = True
                continue
            moved = True
            if name in self._located:
                self._located[name] = address
            else:
                # It was given up meanwhile.
                await self._leave(address, name)
            if before != address:
                await self._leave(before, name)
        for address in self._feeds.keys() - self._topology.masters:
            await self._feeds.pop(address).close()
        if moved:
            self._listener.interrupted()
        return not missing

    async def _subscribed(self, name: str) -> NodeAddress:
        async def do(address: NodeAddress, _asking: bool, /) -> NodeAddress:  # noqa: FBT001  see Topology
            feed = self._feeds.get(address)
            if feed is None:
                open_connection = partial(self._open, address=address)
                feed = RedisFeed(
                    open_connection,
                    SHARDED,
                    self._listener,
                    history=partial(self._server.history_at, address),
                    missing=self._missing,
                )
                self._feeds[address] = feed
            await feed.start()
            await feed.subscribe(name)
            return address

        return await self._topology.at_owner(name, do)

    async def _leave(self, address: NodeAddress | None, name: str) -> None:
        feed = None if address is None else self._feeds.get(address)
        if feed is not None:
            await feed.unsubscribe(name)

    async def _open(
        self, new_connection: Callable[[], RedisConnection], address: NodeAddress
    ) -> RedisConnection:
        try:
            return await self._open_at(new_connection, address)
        except BrokerError:
            # Another server may have taken its address.
            self._topology.doubt()
            raise

    def _missing(self, name: str) -> None:
        if name in self._located:
            self._located[name] = None
            self._doubted.set()
