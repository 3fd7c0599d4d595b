"""Lines to wherever the address says, and who speaks over them."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

import msgspec

from riverd.broker.redis.address import RedisAddress
from riverd.broker.redis.calls import Calls, Server
from riverd.broker.redis.cluster import ClusterCalls, ClusterFeed
from riverd.broker.redis.connection import Line
from riverd.broker.redis.feed import PLAIN, SHARDED, Feeds, Hearer, RedisFeed
from riverd.broker.redis.topology import Place
from riverd.errors import BrokerError

CONNECT_S_MAX = 0.8


class Clients:
    """Opens lines to one address, and finds the server that is the master now."""

    def __init__(self, address: RedisAddress) -> None:
        self.address = address
        self.dialect = SHARDED if address.cluster else PLAIN
        self._tls = address.ssl_context()

    def use_password(self, password: str) -> None:
        """The password for lines that are opened from now on; those that are open stay."""
        self.address = msgspec.structs.replace(self.address, password=password)

    def server(self) -> Server:
        """Whom to ask."""
        if self.address.cluster:
            return ClusterCalls(self.open, self.address.hosts)
        return Calls(self.open)

    def feed(self, hearer: Hearer, *, always: str) -> Feeds:
        """A feed on which one name is always subscribed."""
        if self.address.cluster:
            return ClusterFeed(self.open, self.address.hosts, hearer=hearer, names=(always,))
        return RedisFeed(self.open, PLAIN, hearer, names=(always,))

    async def open(self, new_line: Callable[[], Line], place: Place | None = None) -> Line:
        """A line to the server, or to one of its servers, that knows who we are.

        Raises:
            BrokerError: when it cannot be had.
        """
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                return await self._open(new_line, place or await self._locate())
        except OSError as error:
            raise BrokerError(f"the broker is away: {type(error).__name__}: {error}") from None

    async def _open(self, new_line: Callable[[], Line], place: Place) -> Line:
        address = self.address
        line = await self._connect(new_line, place, address.username, address.password)
        if address.database:
            await _or_drop(line, "SELECT", address.database)
        return line

    async def _connect(
        self,
        new_line: Callable[[], Line],
        place: Place,
        username: str | None = None,
        password: str | None = None,
    ) -> Line:
        _, line = await asyncio.get_running_loop().create_connection(
            new_line, *place, ssl=self._tls
        )
        if password is not None:
            await _or_drop(line, "AUTH", *(() if username is None else (username,)), password)
        return line

    async def _locate(self) -> Place:
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

    async def _ask_sentinel(self, sentinel: Place) -> Place:
        line = await self._connect(
            lambda: Line(CONNECT_S_MAX), sentinel, password=self.address.sentinel_password
        )
        try:
            found = await line.ask(
                "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.address.service or ""
            )
        finally:
            line.drop()
        if found is None:
            raise BrokerError("the Sentinel does not know the service")
        host, port = cast("list[bytes]", found)
        return host.decode(), int(port)


async def _or_drop(line: Line, *words: str | int) -> None:
    try:
        await line.ask(*words)
    except BaseException:
        line.drop()
        raise
