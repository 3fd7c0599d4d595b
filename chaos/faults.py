"""What can go wrong with a cluster, done to it while it works.

Each fault is done up to its `yield`, which gives a remark; from there on is counted until all are
live again; what comes after it tidies up.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from broker_faults import BROKER_FAULTS, EVICTED
from cluster import Cluster, FaultOutcome, Harm
from processes import CONTINUE, STOP, TERMINATE, ServerProcess
from until import LIVE_S_MAX, until
from witness import Witness

Fault = Callable[[Cluster], Harm]

PAUSE_S = 10.0
CUT_S = 6.0
FREEZE_S = 8.0
STALL_S = 8.0
GHOST_S_MAX = 10.0
CALM_S = 1.0
SILENT_SHOWN_MAX = 6


async def kill_gateway(cluster: Cluster) -> Harm:
    """`kill -9` a gateway; another takes its place later."""
    gateway = cluster.gateways[1]
    gateway.kill()
    yield ""
    await asyncio.to_thread(gateway.start)


async def stop_gateway(cluster: Cluster) -> Harm:
    """SIGTERM a gateway, wait for its end, start it again."""
    code = await restart(cluster.gateways[2])
    yield f"exit code {code}"


async def roll(cluster: Cluster) -> Harm:
    """Restart all gateways, one after the other, as a deployment does."""
    codes = [await restart(gateway) for gateway in cluster.gateways]
    yield f"exit codes {codes}"


async def pause_redis(cluster: Cluster) -> Harm:
    """Stop Redis for ten seconds, as a machine that swaps does, and let it go on."""
    cluster.redis.signal(STOP)
    await asyncio.sleep(PAUSE_S)
    cluster.redis.signal(CONTINUE)
    yield ""


async def restart_redis(cluster: Cluster) -> Harm:
    """`kill -9` Redis and start it with the data on its disk."""
    await cluster.until_nobody_is_missed()
    cluster.redis.kill()
    await asyncio.sleep(2)
    await asyncio.to_thread(cluster.redis.start)
    yield ""


async def lose_redis(cluster: Cluster) -> Harm:
    """`kill -9` Redis and start it without its data."""
    await cluster.until_nobody_is_missed()
    cluster.redis.kill()
    cluster.redis.lose_data()
    await asyncio.sleep(2)
    await asyncio.to_thread(cluster.redis.start)
    yield ""


async def cut_gateway(cluster: Cluster) -> Harm:
    """Swallow everything between one gateway and Redis for a while."""
    cluster.proxy.cut()
    await asyncio.sleep(CUT_S)
    cluster.proxy.mend()
    yield ""


async def freeze_gateway(cluster: Cluster) -> Harm:
    """Stop a gateway for longer than its lease, as a machine that is moved does."""
    cluster.gateways[1].signal(STOP)
    await asyncio.sleep(FREEZE_S)
    cluster.gateways[1].signal(CONTINUE)
    yield ""


async def restart_api(cluster: Cluster) -> Harm:
    """`kill -9` the publish API in the middle of requests."""
    cluster.api.kill()
    await asyncio.sleep(1)
    await asyncio.to_thread(cluster.api.start)
    yield ""


async def stall_client(cluster: Cluster) -> Harm:
    """One client stops reading for a while; it is not cut off for that."""
    witness = cluster.witnesses[0]
    before = witness.connections
    witness.stalled.clear()
    await asyncio.sleep(STALL_S)
    witness.stalled.set()
    yield f"{witness.connections - before} reconnects"


async def ghosts(cluster: Cluster) -> Harm:
    """`kill -9` a gateway with members: others are told of each leave once, in time."""
    contents = cluster.contents
    gateway = cluster.gateways[2]
    leaving = [
        Witness(
            f"ws://127.0.0.1:{gateway.port}/ws",
            f"ghost-{number}",
            ["presence-chaos"],
            contents,
            stays_away=True,
        )
        for number in range(20)
    ]
    watcher = Witness(
        f"ws://127.0.0.1:{cluster.gateways[1].port}/ws", "watcher", ["presence-chaos"], contents
    )
    tasks = [asyncio.create_task(one.run()) for one in (watcher, *leaving)]
    names = {one.user for one in leaving}
    try:
        await until(lambda: names <= watcher.joined.keys(), limit_s=20)
        gateway.kill()
        began = time.monotonic()
        await until(lambda: names <= watcher.left.keys(), limit_s=20)
        took = time.monotonic() - began
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    twice = sum(count != 1 for user, count in watcher.left.items() if user in names)
    if twice or took > GHOST_S_MAX:
        raise AssertionError(f"{twice} leaves not announced once; all gone after {took:.1f} s")
    yield f"20 members gone after {took:.1f} s, each leave told once"
    await asyncio.to_thread(gateway.start)


FAULTS: dict[str, Fault] = {
    "a gateway killed": kill_gateway,
    "a gateway stopped (SIGTERM)": stop_gateway,
    "all gateways rolled": roll,
    "members of a killed gateway": ghosts,
    "Redis paused for 10 s": pause_redis,
    "Redis killed, back with its data": restart_redis,
    "Redis killed, back without its data": lose_redis,
    "a gateway cut off from Redis for 6 s": cut_gateway,
    "a gateway frozen for 8 s": freeze_gateway,
    "the publish API killed": restart_api,
    "a client that does not read for 8 s": stall_client,
    **BROKER_FAULTS,
}


BEGINS_AGAIN = {EVICTED}
"""After these logs may begin again, and everyone is told so; after the others nobody is."""


async def suffer(cluster: Cluster, name: str, *, fault_of: Fault) -> FaultOutcome:
    """Do one fault, wait until everyone is live again, and count.

    Who does not become live again has lost something.
    """
    await asyncio.sleep(CALM_S)
    fault = fault_of(cluster)
    remark = await anext(fault)
    missing: list[str] = []
    live_after_s = agreed_after_s = counted_after_s = LIVE_S_MAX
    # Who publishes goes on: only what was waited for says anything afterwards.
    wrong = cluster.behind
    try:
        live_after_s = await cluster.until_live()
        wrong = cluster.mistaken
        agreed_after_s = await cluster.until_agreed()
        wrong = cluster.miscounted
        counted_after_s = await cluster.until_counted()
    except TimeoutError:
        missing = wrong()
        shown = "; ".join([*missing[:5], *cluster.silent()[:SILENT_SHOWN_MAX]])
        remark += f" {len(missing)} not live again: {shown}"
    await anext(fault, None)
    outcome = cluster.outcome(name)
    return replace(
        outcome,
        lost=outcome.lost + len(missing),
        live_after_s=live_after_s,
        agreed_after_s=agreed_after_s,
        counted_after_s=counted_after_s,
        remark=remark,
    )


async def restart(process: ServerProcess) -> int:
    """SIGTERM a process and start it again. The exit code."""
    process.signal(TERMINATE)
    code = await asyncio.to_thread(process.wait)
    await asyncio.to_thread(process.start)
    return code
