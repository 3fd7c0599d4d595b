"""Connections to wherever the address says, by the client library."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from riverd.broker.redis_address import RedisAddress
from riverd.broker.redis_calls import guarded

CONNECT_TIMEOUT_S = 0.8
ANSWER_TIMEOUT_S = 2.0


class Clients:
    """Makes clients for one address, and finds the server that is the master now."""

    def __init__(self, address: RedisAddress) -> None:
        self.address = address
        self._sentinel: Sentinel | None = None
        if address.service is not None:
            self._sentinel = Sentinel(address.hosts, socket_timeout=CONNECT_TIMEOUT_S)

    def commands(self) -> Redis:
        """A client that repeats nothing by itself: whoever calls knows what may be repeated."""
        address = self.address
        options = {
            "db": address.database,
            "username": address.username,
            "password": address.password,
            "ssl": address.tls,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_timeout": ANSWER_TIMEOUT_S,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
        }
        if address.tls and address.ca_file is not None:
            options["ssl_ca_certs"] = address.ca_file
        if self._sentinel is not None and address.service is not None:
            return self._sentinel.master_for(address.service, **options)
        host, port = address.hosts[0]
        return Redis(host=host, port=port, **options)

    async def locate(self) -> tuple[str, int]:
        """Where the master is now. Raises BrokerError when nobody knows."""
        if self._sentinel is None or self.address.service is None:
            return self.address.hosts[0]
        return await guarded(self._sentinel.discover_master(self.address.service))
