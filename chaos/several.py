"""Brokers of several servers, and what can go wrong with them.

Their faults take long and are not in `make test`, whose own tests restart such brokers.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import cast

from cluster import BrokerServers, Cluster, Harm

sys.path.append(str(Path(__file__).resolve().parents[1] / "server" / "tests" / "support"))

from redis_cluster_servers import cluster as cluster_of_servers
from redis_sentinels import Watched

from riverd.broker.redis.keys import NODES
from riverd.broker.redis.topology import slot_of

KEPT: Mapping[str, str | int] = {"appendonly": "yes", "repl-diskless-sync-delay": 0}
GUARDED: Mapping[str, str | int] = {"min-replicas-to-write": 1, "min-replicas-max-lag": 2}
AWAY_S = 1.0
"""Shorter than the cluster's node timeout: the others go on."""
READY_S_MAX = 60.0
FAILOVER, SHARD = "Redis failed over by Sentinel", "one shard of a cluster killed, back"
SHARD_FAILOVER = "a master of a cluster killed, its replica takes over"
HOME_FAILOVER = "the master with River's own keys killed, its replica takes over"
RESHARD = "slots of a cluster moved to another master"
SHARD_REPLICAS = 2
"""One is made the master, and a master needs one."""


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
    """Three masters that share the slots, each with so many replicas."""

    def __init__(self, replicas: int = 0) -> None:
        self._stack = ExitStack()
        self._replicas = replicas

    def start(self) -> None:
        """See `BrokerServers`."""
        options = KEPT | (GUARDED if self._replicas else {})
        made = cluster_of_servers(replicas=self._replicas, **options)
        self.servers = self._stack.enter_context(made)

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


async def fail_over_shard(cluster: Cluster) -> Harm:
    """`kill -9` the master of one channel's slot: a replica takes over. It comes back as one."""
    async for remark in _fail_over(cluster, f"{{{cluster.publishers[0].channel}}}"):
        yield remark


async def fail_over_home(cluster: Cluster) -> Harm:
    """The same to the master that has the term, the leases and the signs of life."""
    async for remark in _fail_over(cluster, NODES):
        yield remark


async def _fail_over(cluster: Cluster, name: str) -> Harm:
    server = cast("ShardServers", cluster.servers).servers.owner(name)
    server.kill()
    yield ""
    await asyncio.to_thread(server.start)


async def reshard(cluster: Cluster) -> Harm:
    """Move what one master has of the load to another, as `redis-cli --cluster reshard` does it.

    Key by key, so that a log is for a while where its other keys are not.
    """
    servers = cast("ShardServers", cluster.servers).servers
    channel = f"{{{cluster.publishers[0].channel}}}"
    source, target = servers.owner(channel), servers.other(channel)
    with source.client() as client:
        found = [name.decode() for name in client.scan_iter()]
    names = {slot_of(name): name for name in found if "{chaos-" in name or "{presence-" in name}

    def move(name: str) -> int:
        servers.begin_move(name, target)
        moved = servers.move_keys(name, target, at_once=1)
        servers.end_move(name, target)
        return moved

    began, keys = time.monotonic(), 0
    for name in names.values():
        keys += await asyncio.to_thread(move, name)
    yield f"{keys} keys in {len(names)} slots within {time.monotonic() - began:.1f} s"


FAULTS_OF_SEVERAL: dict[str, Callable[[Cluster], Harm]] = {
    FAILOVER: fail_over,
    SHARD: restart_shard,
    SHARD_FAILOVER: fail_over_shard,
    HOME_FAILOVER: fail_over_home,
    RESHARD: reshard,
}
SERVERS: dict[str, Callable[[], BrokerServers]] = {
    FAILOVER: SentinelServers,
    SHARD: ShardServers,
    SHARD_FAILOVER: partial(ShardServers, replicas=SHARD_REPLICAS),
    HOME_FAILOVER: partial(ShardServers, replicas=SHARD_REPLICAS),
    RESHARD: ShardServers,
}
"""What each of them is done to."""
