"""What can go wrong with Redis itself and the network before it, short of its death.

Each is done up to its `yield`, as those of `faults.py`.
"""

import asyncio
from collections.abc import Callable

from cluster import Cluster, Harm
from processes import CONTINUE, STOP
from proxy import Direction

REFUSAL_S = 3.0
SHORT_S = 2.0
FREEZE_S = 8.0
CUT_S = 6.0
LATE_S = 5.0
ANSWERED_LATE_S = 0.2
FEED_BYTES_MAX = 1024
"""A feed that has more to send than this is cut off by Redis."""

EVICTED = "the log of one channel evicted"
"""After this the log begins again."""


async def answer_late(cluster: Cluster) -> Harm:
    """Stop Redis for two seconds: it is slow, not away."""
    cluster.redis.signal(STOP)
    await asyncio.sleep(SHORT_S)
    cluster.redis.signal(CONTINUE)
    yield ""


async def pause_writes(cluster: Cluster) -> Harm:
    """Let Redis answer what reads, and keep what writes waiting."""
    cluster.redis.command(f"CLIENT PAUSE {int(REFUSAL_S * 1000)} WRITE")
    await asyncio.sleep(REFUSAL_S)
    yield ""


async def refuse_writes(cluster: Cluster) -> Harm:
    """Have Redis ask for a replica that there is not."""
    cluster.redis.command("CONFIG SET min-replicas-to-write 1")
    await asyncio.sleep(REFUSAL_S)
    cluster.redis.command("CONFIG SET min-replicas-to-write 0")
    yield ""


async def fill_redis(cluster: Cluster) -> Harm:
    """Have Redis refuse what needs memory (noeviction), as when it is full."""
    cluster.redis.command("CONFIG SET maxmemory 1mb")
    await asyncio.sleep(REFUSAL_S)
    cluster.redis.command("CONFIG SET maxmemory 0")
    yield ""


async def demote_redis(cluster: Cluster) -> Harm:
    """Make Redis the replica of nobody for a while: READONLY, then master of a new history."""
    cluster.redis.command("REPLICAOF 127.0.0.1 1")
    await asyncio.sleep(REFUSAL_S)
    cluster.redis.command("REPLICAOF NO ONE")
    yield ""


async def flush_redis(cluster: Cluster) -> Harm:
    """FLUSHALL, as somebody types who meant another server."""
    cluster.redis.command("FLUSHALL")
    yield ""


async def evict_log(cluster: Cluster) -> Harm:
    """Delete the log of one channel, as an eviction policy does."""
    channel = cluster.publishers[0].channel
    found = cluster.redis.command(f"EVAL \"return redis.call('KEYS', '*{{{channel}}}*')\" 0")
    names = [line for line in found.splitlines() if line.startswith("river:")]
    deleted = cluster.redis.command(f"DEL {' '.join(names)}")
    yield f"{deleted[1:]} keys of one channel"


async def flush_scripts(cluster: Cluster) -> Harm:
    """SCRIPT FLUSH: what River loaded is not known any more."""
    cluster.redis.command("SCRIPT FLUSH")
    yield ""


async def kill_connections(cluster: Cluster) -> Harm:
    """Have Redis close all its connections, three times."""
    for _ in range(3):
        cluster.redis.command("CLIENT KILL TYPE pubsub")
        cluster.redis.command("CLIENT KILL TYPE normal")
        await asyncio.sleep(0.5)
    yield ""


async def cut_slow_feeds(cluster: Cluster) -> Harm:
    """Give feeds so small a buffer that Redis closes them again and again."""
    small, usual = f"{FEED_BYTES_MAX} {FEED_BYTES_MAX} 1", "32mb 8mb 60"
    cluster.redis.command(f'CONFIG SET client-output-buffer-limit "pubsub {small}"')
    cluster.redis.signal(STOP)
    await asyncio.sleep(SHORT_S)
    cluster.redis.signal(CONTINUE)
    await asyncio.sleep(REFUSAL_S)
    cluster.redis.command(f'CONFIG SET client-output-buffer-limit "pubsub {usual}"')
    yield ""


async def freeze_api(cluster: Cluster) -> Harm:
    """Stop the publish API for longer than any deadline, with requests under way."""
    cluster.api.signal(STOP)
    await asyncio.sleep(FREEZE_S)
    cluster.api.signal(CONTINUE)
    yield ""


async def lose_answers(cluster: Cluster) -> Harm:
    """Swallow what Redis answers the publish API: it carries out what nobody hears of."""
    cluster.api_proxy.cut(Direction.ANSWERS)
    await asyncio.sleep(CUT_S)
    cluster.api_proxy.mend()
    yield ""


async def lose_feed(cluster: Cluster) -> Harm:
    """Swallow what Redis sends one gateway; what that sends arrives."""
    cluster.proxy.cut(Direction.ANSWERS)
    await asyncio.sleep(CUT_S)
    cluster.proxy.mend()
    yield ""


async def lose_requests(cluster: Cluster) -> Harm:
    """Swallow what one gateway sends Redis; what that sends arrives."""
    cluster.proxy.cut(Direction.REQUESTS)
    await asyncio.sleep(CUT_S)
    cluster.proxy.mend()
    yield ""


async def half_open(cluster: Cluster) -> Harm:
    """Close one gateway's connections at Redis' end only, as a firewall that forgets does."""
    cluster.proxy.lose_redis()
    await asyncio.sleep(CUT_S)
    cluster.proxy.mend()
    yield ""


async def delay(cluster: Cluster) -> Harm:
    """Let everything between one gateway and Redis arrive late."""
    cluster.proxy.delay_s = cluster.api_proxy.delay_s = ANSWERED_LATE_S
    await asyncio.sleep(LATE_S)
    cluster.proxy.delay_s = cluster.api_proxy.delay_s = 0.0
    yield ""


BROKER_FAULTS: dict[str, Callable[[Cluster], Harm]] = {
    "Redis slow for 2 s": answer_late,
    "Redis lets writes wait for 3 s": pause_writes,
    "Redis refuses writes for 3 s (no replica)": refuse_writes,
    "Redis full for 3 s (noeviction)": fill_redis,
    "Redis read-only for 3 s (a replica's role)": demote_redis,
    "FLUSHALL": flush_redis,
    EVICTED: evict_log,
    "SCRIPT FLUSH": flush_scripts,
    "Redis closes all connections, three times": kill_connections,
    "Redis closes feeds (output buffer of 1 KiB)": cut_slow_feeds,
    "the publish API frozen for 8 s": freeze_api,
    "Redis' answers to the API lost for 6 s": lose_answers,
    "Redis' answers to a gateway lost for 6 s": lose_feed,
    "a gateway's requests to Redis lost for 6 s": lose_requests,
    "a gateway's connections half-open for 6 s": half_open,
    "Redis 0.2 s away in each direction for 5 s": delay,
}
