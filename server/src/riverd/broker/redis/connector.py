"""Connections to wherever the address says, and who speaks over them."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import TypeVar
from weakref import WeakKeyDictionary

import msgspec

from riverd.broker.redis.address import RedisAddress
from riverd.broker.redis.calls import CONNECT_S_MAX, CallConnection, Calls, Server
from riverd.broker.redis.cluster import ClusterCalls, ClusterFeed
from riverd.broker.redis.cluster_healing import ClusterHome
from riverd.broker.redis.connection import OpenConnection, RedisConnection
from riverd.broker.redis.feed import PLAIN, SHARDED, FeedListener, Feeds, RedisFeed
from riverd.broker.redis.homes import ServerHome
from riverd.broker.redis.sentinels import Sentinels, master_named
from riverd.broker.redis.terms import RedisTerms
from riverd.broker.redis.topology import NodeAddress, Topology
from riverd.errors import BrokerError
from riverd.scheduling.tasks import Tasks

C = TypeVar("C", bound=RedisConnection)


class Connector:
    """Opens connections to one address, and finds the server that is the master now."""

    def __init__(self, address: RedisAddress) -> None:
        self.address = address
        self.commands = SHARDED if address.cluster else PLAIN
        self._tls = address.ssl_context()

    def use_password(self, password: str) -> None:
        """The password for connections that are opened from now on; those that are open stay."""
        self.address = msgspec.structs.replace(self.address, password=password)

    def server(self, tasks: Tasks, *, terms: RedisTerms | None = None) -> Server:
        """Answers commands; its background work belongs to `tasks`."""
        known = self.address
        if known.cluster:
            return self._cluster(tasks, terms=terms)
        if known.service is None:
            calls = Calls(self.open, tasks, may_write=_may_always, terms=terms)
            return _used(calls, self.open, terms=terms)
        sentinels = Sentinels(known.service, known.hosts, open_to=self._open_sentinel, tasks=tasks)

        async def open_master(new_connection: Callable[[], RedisConnection]) -> RedisConnection:
            async with asyncio.timeout(CONNECT_S_MAX):
                address = await sentinels.master()
            connection = await self.open(new_connection, address)
            masters[connection] = address
            return connection

        def may_write(connection: CallConnection) -> None:
            if known.unsafe:
                return
            self._check_replicas(connection)
            if not sentinels.is_confirmed(masters[connection]):
                connection.drop()
                raise BrokerError("no majority of the Sentinels says that this is still the master")

        masters: WeakKeyDictionary[RedisConnection, NodeAddress] = WeakKeyDictionary()
        calls = Calls(open_master, tasks, may_write=may_write, terms=terms)
        return _used(calls, open_master, terms=terms)

    def _cluster(self, tasks: Tasks, *, terms: RedisTerms | None) -> Server:
        topology = Topology(self.open, self.address.hosts, tasks=tasks)
        calls = ClusterCalls(
            self.open, topology, tasks=tasks, may_write=self._check_cluster_master, terms=terms
        )
        if terms is not None:
            terms.use(ClusterHome(terms.healing, self.open, topology=topology), calls.reset)
        return calls

    def feed(self, listener: FeedListener, *, server: Server, always: str) -> Feeds:
        """A feed beside a server, on which one name is always subscribed."""
        if isinstance(server, ClusterCalls):
            return ClusterFeed(self.open, server, listener=listener, names=(always,))
        history = partial(server.history, always)
        return RedisFeed(self.open, PLAIN, listener, history=history, names=(always,))

    def _check_cluster_master(self, connection: CallConnection) -> None:
        # A master of a cluster stops by itself when it cannot reach most of the others for its
        # node timeout, which is before its replica is made one.
        if connection.state.has_replicas and not self.address.unsafe:
            self._check_replicas(connection)

    def _check_replicas(self, connection: CallConnection) -> None:
        if not (connection.state.keeps_replicas or self.address.ack_replica):
            raise BrokerError(
                "a failover could lose what was accepted: set min-replicas-to-write to 1 or more "
                "at the servers, or RIVER_BROKER_ACK=replica, or RIVER_BROKER_UNSAFE=true"
            )

    async def open(self, new_connection: Callable[[], C], address: NodeAddress | None = None) -> C:
        """A connection to the server, or to one of its servers, that knows who we are.

        Raises:
            BrokerError: when it cannot be had.
        """
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                return await self._open(new_connection, address or await self._locate())
        except OSError as error:
            raise BrokerError(f"the broker is away: {type(error).__name__}: {error}") from None

    async def _open(self, new_connection: Callable[[], C], address: NodeAddress) -> C:
        known = self.address
        connection = await self._connect(new_connection, address, known.username, known.password)
        if known.database:
            await _or_drop(connection, "SELECT", known.database)
        return connection

    async def _connect(
        self,
        new_connection: Callable[[], C],
        address: NodeAddress,
        username: str | None = None,
        password: str | None = None,
    ) -> C:
        _, connection = await asyncio.get_running_loop().create_connection(
            new_connection, *address, ssl=self._tls
        )
        if password is not None:
            await _or_drop(connection, "AUTH", *(() if username is None else (username,)), password)
        return connection

    async def _locate(self) -> NodeAddress:
        """Where the master is now."""
        address = self.address
        if address.service is None:
            return address.hosts[0]
        asked = [asyncio.create_task(self._ask_sentinel(host)) for host in address.hosts]
        try:
            # All at once: some of them may be on the machine that has just died.
            for answer in asyncio.as_completed(asked):
                with contextlib.suppress(OSError, BrokerError):
                    return await answer
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        raise BrokerError(f"no Sentinel knows where {address.service} is")

    async def _ask_sentinel(self, sentinel: NodeAddress) -> NodeAddress:
        connection = await self._open_sentinel(sentinel)
        try:
            return await master_named(connection, self.address.service or "")
        finally:
            connection.drop()

    async def _open_sentinel(self, sentinel: NodeAddress) -> RedisConnection:
        async with asyncio.timeout(CONNECT_S_MAX):
            return await self._connect(
                lambda: RedisConnection(CONNECT_S_MAX),
                sentinel,
                password=self.address.sentinel_password,
            )


def _used(calls: Calls, open_connection: OpenConnection, *, terms: RedisTerms | None) -> Calls:
    if terms is not None:
        terms.use(ServerHome(terms.healing, open_connection), calls.reset)
    return calls


def _may_always(_connection: CallConnection) -> None:
    pass


async def _or_drop(connection: RedisConnection, *command: str | int) -> None:
    try:
        await connection.ask(*command)
    except BaseException:
        connection.drop()
        raise
