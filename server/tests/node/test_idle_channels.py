"""Channels that nobody comes back to end after a while."""

import asyncio

from river_cluster import Cluster, in_a_cluster, live
from river_time import in_no_time

from riverd.node.replicas.attachment import Attachment
from riverd.node.replicas.held import FORMER_S
from riverd.node.replicas.idle import IdleChannels
from riverd.scheduling.tasks import Tasks

IDLE_S = 5.0


@in_no_time
async def test_channels_end_also_after_one_that_could_not() -> None:
    failures: list[BaseException] = []
    ended: list[str] = []

    def end(attachment: Attachment) -> None:
        if attachment.name == "bad":
            raise ValueError(attachment.name)
        ended.append(attachment.name)

    tasks = Tasks(failures.append)
    idle = IdleChannels(tasks, clock=asyncio.get_running_loop().time, idle_s=IDLE_S, over=end)
    idle.add(Attachment("bad"))
    idle.add(Attachment("good"))
    await asyncio.sleep(IDLE_S + 1)
    idle.add(Attachment("later"))
    await asyncio.sleep(IDLE_S + 1)
    assert (ended, len(failures)) == (["good", "later"], 1)
    await tasks.close()


@in_a_cluster
async def test_channels_that_ended_long_ago_are_forgotten(cluster: Cluster) -> None:
    # As over memory://, which has no positions to compare.
    node, _ = await cluster.node(compare_s=None)
    for number in range(5):
        visitor = cluster.visitor(node)
        await live(visitor, f"c{number}")
        visitor.leave()
        await asyncio.sleep(2 * FORMER_S)
    _, former = await node.held()
    assert len(former) <= 2
