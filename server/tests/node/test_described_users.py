"""What a node says of a user's connections is bounded, and it says what it leaves out."""

import pytest
from river_cluster import Cluster, in_a_cluster, live

from riverd.node.node import Node


async def in_channels(cluster: Cluster, node: Node, number: int) -> None:
    ann = cluster.visitor(node)
    for one in range(number):
        await live(ann, f"c{one:03}")


@in_a_cluster
async def test_of_many_channels_the_first_are_named_and_the_others_counted(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    await in_channels(cluster, node, 12)
    with pytest.MonkeyPatch.context() as limits:
        limits.setattr("riverd.node.users.CHANNELS_MAX", 10)
        [one] = node.users.describe("ann")
    assert one.channels == [f"c{number:03}" for number in range(10)]
    assert (one.channels_more, one.more) == (2, 0)
    assert len(node.users.describe("ann")[0].channels) == 12


@in_a_cluster
async def test_user_without_connections_has_none(cluster: Cluster) -> None:
    node, _ = await cluster.node()
    assert node.users.describe("ann") == []


@in_a_cluster
async def test_of_many_connections_the_first_are_described_with_fewer_channels(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    with pytest.MonkeyPatch.context() as limits:
        limits.setattr("riverd.node.users.LISTED_MAX", 3)
        limits.setattr("riverd.node.users.NAMES_MAX", 20)
        for _ in range(5):
            await in_channels(cluster, node, 12)
        found = node.users.describe("ann")
    assert [one.more for one in found] == [0, 0, 2]
    assert {len(one.channels) for one in found} == {10}
    assert {one.channels_more for one in found} == {2}
