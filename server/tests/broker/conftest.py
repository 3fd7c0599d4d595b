"""The brokers that keep the promises, and the servers behind them."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
from redis_cluster_servers import RedisCluster, cluster
from redis_doors import Doors, MemoryDoors, RedisDoors
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
async def door(request: pytest.FixtureRequest) -> AsyncIterator[Doors]:
    """Makes doors to one broker; those that the test leaves open are closed after it."""
    doors = _DOORS[request.param](request)
    yield doors
    await doors.close()


@pytest.fixture
async def redis_door(server: RedisServer) -> AsyncIterator[RedisDoors]:
    """Makes doors to the shared server."""
    doors = RedisDoors(server.url)
    yield doors
    await doors.close()


@pytest.fixture
async def doors_to() -> AsyncIterator[Callable[[str], RedisDoors]]:
    """Makes makers of doors, to wherever a URL says."""
    made: list[RedisDoors] = []

    def to(url: str) -> RedisDoors:
        made.append(RedisDoors(url))
        return made[-1]

    yield to
    for doors in made:
        await doors.close()


def _memory(_request: pytest.FixtureRequest) -> MemoryDoors:
    return MemoryDoors()


def _redis(request: pytest.FixtureRequest) -> RedisDoors:
    server: RedisServer = request.getfixturevalue("server")
    return RedisDoors(server.url)


def _cluster(request: pytest.FixtureRequest) -> RedisDoors:
    servers: RedisCluster = request.getfixturevalue("shared_cluster")
    servers.flush()
    return RedisDoors(servers.url)


_DOORS: Mapping[str, Callable[[pytest.FixtureRequest], MemoryDoors | RedisDoors]] = {
    "memory": _memory,
    "redis": _redis,
    "cluster": _cluster,
}
