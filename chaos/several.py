"""Brokers of several servers, and what can go wrong with them.

Their faults take long and are not in `make test`, whose own tests restart such brokers.
"""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from cluster import BrokerServers, Cluster

sys.path.append(str(Path(__file__).resolve().parents[1] / "server" / "tests" / "support"))

from redis_cluster_servers import cluster as cluster_of_servers
from redis_sentinels import Watched

Harm = AsyncGenerator[str]

KEPT: Mapping[str, str | int] = {"appendonly": "yes", "repl-diskless-sync-delay": 0}
GUARDED: Mapping[str, str | int] = {"min-replicas-to-write": 1, "min-replicas-max-lag": 2}
AWAY_S = 1.0
"""Shorter than the cluster's node timeout: the others go on."""
READY_S_MAX = 60.0
FAILOVER, SHARD = "Redis failed over by Sentinel", "one shard of a cluster killed, back"


class SentinelServers:
    """A master, two replicas, three Sentinels."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def start(self) -> None:
        """See `BrokerServers`."""
        self.watched = Watched(self._stack, replicas=2, **KEPT, **GUARDED)
        deadline = time.monotonic() + READY_S_MAX
        while not self.watched.is_ready():
            if time.monotonic() > deadline:
                raise RuntimeError("the Sentinels do not find together")
            time.sleep(0.05)

    @property
    def url(self) -> str:
        """See `BrokerServers`."""
        return self.watched.url

    def close(self) -> None:
        """See `BrokerServers`."""
        self._stack.close()


class ShardServers:
    """Three masters that share the slots."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def start(self) -> None:
        """See `BrokerServers`."""
        self.servers = self._stack.enter_context(cluster_of_servers(**KEPT))

    @property
    def url(self) -> str:
        """See `BrokerServers`."""
        return self.servers.url

    def close(self) -> None:
        """See `BrokerServers`."""
        self._stack.close()


async def fail_over(cluster: Cluster) -> Harm:
    """`kill -9` the master: a replica takes over. It comes back as a replica of that one."""
    watched = cast("SentinelServers", cluster.servers).watched
    watched.master.kill()
    yield ""
    await asyncio.to_thread(watched.master.start)


async def restart_shard(cluster: Cluster) -> Harm:
    """`kill -9` the master of one channel's slot, and start it with the data on its disk."""
    channel = cluster.publishers[0].channel
    server = cast("ShardServers", cluster.servers).servers.owner(f"{{{channel}}}")
    server.kill()
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(server.start)
    yield ""


FAULTS_OF_SEVERAL: dict[str, Callable[[Cluster], Harm]] = {
    FAILOVER: fail_over,
    SHARD: restart_shard,
}
SERVERS: dict[str, Callable[[], BrokerServers]] = {FAILOVER: SentinelServers, SHARD: ShardServers}
"""What each of them is done to."""
