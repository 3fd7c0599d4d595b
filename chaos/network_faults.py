"""What can go wrong with packets: between a gateway and Redis, and between it and its clients.

Each is done up to its `yield`, as those of `faults.py`.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import cast

from cluster import Cluster, Harm, Shape
from network import FarNetwork, PacketLink
from processes import GatewayProcess, Redis

DELAY_S, LOSS = 0.1, 0.05
LATE_S = 6.0
CUT_S = 6.0
TO_GATEWAY, FROM_GATEWAY = 0, 1


class FarCluster(Cluster):
    """One gateway is in another network: a line to Redis leads there, and one to the balancer."""

    def __init__(self, shape: Shape) -> None:
        self.far = FarNetwork()
        self.redis_link, self.client_link = PacketLink(1, self.far), PacketLink(2, self.far)
        super().__init__(shape)

    def _new_redis(self, folder: Path) -> Redis:
        return Redis(folder, self.redis_link.near)

    def _new_gateways(self, settings: Mapping[str, str]) -> list[GatewayProcess]:
        gateways = super()._new_gateways(settings)
        broker = f"redis://{self.redis_link.near}:{self.redis.port}"
        gateways[0].host = self.client_link.far
        gateways[0].set({"RIVER_BROKER": broker, "RIVER_HOST": gateways[0].host})
        gateways[0].run_by(*self.far.prefix)
        return gateways

    async def close(self) -> None:
        """End everything, the network last."""
        await super().close()
        for link in (self.redis_link, self.client_link):
            link.close()
        self.far.close()


Choose = Callable[[FarCluster], PacketLink]


async def lose_some(choose: Choose, cluster: Cluster) -> Harm:
    """Let packets arrive late, and one of twenty not at all."""
    link = choose(cast("FarCluster", cluster))
    dropped = link.dropped
    link.delay_s, link.loss = DELAY_S, LOSS
    await asyncio.sleep(LATE_S)
    link.mend()
    yield f"{link.dropped - dropped} packets lost"


async def lose_all(choose: Choose, cluster: Cluster, *, directions: tuple[int, ...] = ()) -> Harm:
    """Let no packet arrive for a while, in one direction or in both."""
    link = choose(cast("FarCluster", cluster))
    link.cut(*directions)
    await asyncio.sleep(CUT_S)
    link.mend()
    yield ""


async def forget(choose: Choose, cluster: Cluster) -> Harm:
    """Drop what belongs to the connections of now, for good: neither end hears of that."""
    link = choose(cast("FarCluster", cluster))
    link.forget()
    await asyncio.sleep(CUT_S)
    yield ""
    link.mend()


def _of_redis(cluster: FarCluster) -> PacketLink:
    return cluster.redis_link


def _of_clients(cluster: FarCluster) -> PacketLink:
    return cluster.client_link


NETWORK_FAULTS: dict[str, Callable[[Cluster], Harm]] = {
    "packets between a gateway and Redis 0.1 s late, 5% lost": partial(lose_some, _of_redis),
    "packets between a gateway and clients 0.1 s late, 5% lost": partial(lose_some, _of_clients),
    "packets from Redis to a gateway lost for 6 s": partial(
        lose_all, _of_redis, directions=(TO_GATEWAY,)
    ),
    "packets from a gateway to Redis lost for 6 s": partial(
        lose_all, _of_redis, directions=(FROM_GATEWAY,)
    ),
    "packets from a gateway to clients lost for 6 s": partial(
        lose_all, _of_clients, directions=(FROM_GATEWAY,)
    ),
    "all packets between a gateway and clients lost for 6 s": partial(lose_all, _of_clients),
    "firewall before Redis forgets a gateway's connections": partial(forget, _of_redis),
}
