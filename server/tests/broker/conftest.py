"""The brokers that keep the promises, and the servers behind them."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
from brokers import MemoryBrokers, NewBroker, RedisBrokers
from redis_cluster_servers import RedisCluster, cluster
from redis_server import RedisServer, running


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """One server for all tests that do it no harm."""
    with running() as server:
        yield server


@pytest.fixture
def server(shared_redis: RedisServer) -> RedisServer:
    """The shared server, empty."""
    with shared_redis.client() as client:
        client.flushall()
    return shared_redis


@pytest.fixture(scope="session")
def shared_cluster() -> Iterator[RedisCluster]:
    """One cluster for all tests that do it no harm."""
    with cluster() as servers:
        yield servers


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server that keeps its data on a disk, for a test that torments it."""
    with running(appendonly="yes", appendfsync="always") as server:
        yield server


@pytest.fixture(params=["memory", "redis", "cluster"])
async def new_broker(request: pytest.FixtureRequest) -> AsyncIterator[NewBroker]:
    """Makes accesses to one broker; those that the test leaves open are closed after it."""
    brokers = _KINDS[request.param](request)
    yield brokers
    await brokers.close()


@pytest.fixture
async def redis_broker(server: RedisServer) -> AsyncIterator[RedisBrokers]:
    """Makes brokers at the shared server."""
    brokers = RedisBrokers(server.url)
    yield brokers
    await brokers.close()


@pytest.fixture
async def brokers_at() -> AsyncIterator[Callable[..., RedisBrokers]]:
    """Makes makers of brokers at whatever a URL names."""
    made: list[RedisBrokers] = []

    def to(url: str, *, unsafe: bool = False, ack_replica: bool = False) -> RedisBrokers:
        made.append(RedisBrokers(url, unsafe=unsafe, ack_replica=ack_replica))
        return made[-1]

    yield to
    for brokers in made:
        await brokers.close()


def _memory(_request: pytest.FixtureRequest) -> MemoryBrokers:
    return MemoryBrokers()


def _redis(request: pytest.FixtureRequest) -> RedisBrokers:
    server: RedisServer = request.getfixturevalue("server")
    return RedisBrokers(server.url)


def _cluster(request: pytest.FixtureRequest) -> RedisBrokers:
    servers: RedisCluster = request.getfixturevalue("shared_cluster")
    servers.flush()
    return RedisBrokers(servers.url)


_KINDS: Mapping[str, Callable[[pytest.FixtureRequest], MemoryBrokers | RedisBrokers]] = {
    "memory": _memory,
    "redis": _redis,
    "cluster": _cluster,
}
