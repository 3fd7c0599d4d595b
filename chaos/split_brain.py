"""A master that its Sentinels and replicas cannot reach, and everybody else can."""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import cast

from redis_sentinels import DOWN_AFTER_MS, PASSWORD
from redis_server import RedisServer, running

from cluster import BrokerServers, Cluster, Harm
from proxy import Proxy
from several import GUARDED, KEPT, READY_S_MAX
from until import until

SPLIT_BRAIN = "two masters: Sentinels and replicas cut off from the first, River not"
FAR = "127.0.0.2"
"""The address that Sentinels and replicas come from: by it they are kept out."""
NEAR = "127.0.0.1"
TWO_S = 4.0
"""For so long there are two masters."""
DEMOTED_S_MAX = 40.0
OTHERS = 2
"""Replicas of a master, and Sentinels beside each."""


class DividedServers:
    """A master behind a proxy that tells its callers apart, two replicas, three Sentinels."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.proxy = Proxy(0)

    def start(self) -> None:
        """See `BrokerServers`."""
        self.proxy.start()
        self._stack.callback(self.proxy.close)
        # To Redis only one address of this machine is its own.
        announced = {"replica-announce-ip": NEAR, "protected-mode": "no"}
        options = KEPT | GUARDED | announced
        own = {"replica-announce-port": self.proxy.port}
        self.master = self._stack.enter_context(running(**options, **own))
        self.proxy.target_port = self.master.port
        far = {"bind-source-addr": FAR, "replicaof": f"{NEAR} {self.proxy.port}"}
        for _ in range(OTHERS):
            self._stack.enter_context(running(**options, **far))
        lines = (
            f"announce-ip {NEAR}",
            f"monitor main {NEAR} {self.proxy.port} 2",
            f"down-after-milliseconds main {DOWN_AFTER_MS}",
            "failover-timeout main 3000",
            f"sentinel-pass {PASSWORD}",
        )
        config = "".join(f"sentinel {line}\n" for line in lines)
        hidden = {"requirepass": PASSWORD, "bind-source-addr": FAR}
        self.sentinels: list[RedisServer] = [
            self._stack.enter_context(running(sentinel=config, **hidden)) for _ in range(1 + OTHERS)
        ]
        deadline = time.monotonic() + READY_S_MAX
        while not self._know_each_other():
            if time.monotonic() > deadline:
                raise RuntimeError("the Sentinels do not find together")
            time.sleep(0.05)

    @property
    def url(self) -> str:
        """See `BrokerServers`."""
        addresses = ",".join(f"{NEAR}:{one.port}" for one in self.sentinels)
        return f"redis+sentinel://{addresses}/main?sentinel_password={PASSWORD}"

    def has_successor(self) -> bool:
        """Whether all Sentinels name another master than the first."""
        states = [self._state(one) for one in self.sentinels]
        return all(state["port"] != self.proxy.port for state in states)

    def role(self) -> str:
        """What the first master says that it is."""
        with self.master.client() as client:
            return str(client.info("replication")["role"])

    def close(self) -> None:
        """See `BrokerServers`."""
        self._stack.close()

    def _know_each_other(self) -> bool:
        states = [self._state(one) for one in self.sentinels]
        return all(
            int(state["num-slaves"]) == OTHERS and int(state["num-other-sentinels"]) == OTHERS
            for state in states
        )

    @staticmethod
    def _state(sentinel: RedisServer) -> dict[str, int | str]:
        with sentinel.client() as client:
            state: dict[str, int | str] = client.sentinel_master("main")
        return state


async def divide(cluster: Cluster) -> Harm:
    """Cut the master off from Sentinels and replicas until there are two; let them find together.

    All of River still reaches the first.
    """
    servers = cast("DividedServers", cluster.servers)
    servers.proxy.keep_out(FAR)
    began = time.monotonic()
    await until(servers.has_successor)
    took = time.monotonic() - began
    await asyncio.sleep(TWO_S)
    if servers.role() != "master":
        raise AssertionError("the first was a master no more")
    servers.proxy.mend()
    await until(lambda: servers.role() == "slave", limit_s=DEMOTED_S_MAX)
    yield f"another master after {took:.1f} s, two for {time.monotonic() - began - took:.1f} s"


FAULTS_OF_DIVISION: dict[str, Callable[[Cluster], Harm]] = {SPLIT_BRAIN: divide}
SERVERS_DIVIDED: dict[str, Callable[[], BrokerServers]] = {SPLIT_BRAIN: DividedServers}
