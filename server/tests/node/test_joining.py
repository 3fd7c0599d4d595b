"""Channels that a token has the node subscribe its client to."""

from river_cluster import Cluster, in_a_cluster

from riverd.channels.grants import Grants
from riverd.model.claims import Claims


def joining(*channels: str) -> Claims:
    return Claims("ann", grants=Grants((), ("*",), channels), join=channels)


@in_a_cluster
async def test_a_token_subscribes_and_a_client_that_does_not_know_may_do_so_again(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    cluster.book.claims["ann"] = joining("a", "presence-b")
    ann = cluster.visitor(node)
    told = await ann.told("subscribed", "subscribed")
    assert [one["channel"] for one in told] == ["a", "presence-b"]
    ann.ask(type="subscribe", id=7, channel="a")
    (again,) = await ann.told("subscribed")
    assert again["id"] == 7
    cluster.publish("a")
    await ann.told("event")


@in_a_cluster
async def test_a_renewed_token_ends_what_it_names_no_more_and_adds_the_rest(
    cluster: Cluster,
) -> None:
    node, _ = await cluster.node()
    cluster.book.claims["ann"] = joining("a")
    ann = cluster.visitor(node)
    await ann.told("subscribed")
    cluster.book.claims["ann"] = joining("b")
    ann.ask(type="auth", token="ann", positions={"b": {"epoch": "none", "offset": 3}})
    told = await ann.told("authenticated", "unsubscribed", "subscribed")
    assert (told[1]["channel"], told[1]["reason"]) == ("a", "grant")
    assert (told[2]["channel"], told[2]["reason"]) == ("b", "epoch")
