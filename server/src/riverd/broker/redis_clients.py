"""Connections to wherever the address says, by the client library."""

from collections.abc import Awaitable, Callable
from typing import cast

from redis.asyncio import ConnectionPool, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from riverd.broker.redis_address import RedisAddress
from riverd.broker.redis_calls import guarded

# The library's own signatures are not typed throughout.
NewPool = Callable[..., ConnectionPool]
Discover = Callable[[str], Awaitable[tuple[str, int]]]

CONNECT_TIMEOUT_S = 0.8
ANSWER_TIMEOUT_S = 2.0


class Clients:
    """Makes clients for one address, and finds the server that is the master now."""

    def __init__(self, address: RedisAddress) -> None:
        self.address = address
        self._sentinel: Sentinel | None = None
        if address.service is not None:
            new_sentinel = cast("Callable[..., Sentinel]", Sentinel)
            self._sentinel = new_sentinel(address.hosts, socket_timeout=CONNECT_TIMEOUT_S)

    def commands(self) -> Redis:
        """A client that repeats nothing by itself: whoever calls knows what may be repeated."""
        options = self._options()
        if self._sentinel is not None:
            pool = cast("NewPool", SentinelConnectionPool)(
                self.address.service, self._sentinel, ssl=self.address.tls, **options
            )
        else:
            host, port = self.address.hosts[0]
            if self.address.tls:
                options["connection_class"] = SSLConnection
            pool = cast("NewPool", ConnectionPool)(host=host, port=port, **options)
        return Redis.from_pool(pool)

    async def locate(self) -> tuple[str, int]:
        """Where the master is now. Raises BrokerError when nobody knows."""
        if self._sentinel is None or self.address.service is None:
            return self.address.hosts[0]
        discover = cast("Discover", self._sentinel.discover_master)
        return await guarded(discover(self.address.service))

    def _options(self) -> dict[str, object]:
        address = self.address
        options: dict[str, object] = {
            "db": address.database,
            "username": address.username,
            "password": address.password,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_timeout": ANSWER_TIMEOUT_S,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
        }
        if address.ca_file is not None:
            options["ssl_ca_certs"] = address.ca_file
        return options
