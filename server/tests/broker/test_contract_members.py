"""The promises of a broker: the members of channels, and counts."""

import asyncio

import pytest
from brokers import NewBroker, node_with_notes
from river_feed import until

from riverd.errors import ErrorCode, RiverError
from riverd.model.log import Member, Occupancy, Position

ANN, BOB = Member("ann"), Member("bob", b'{"name":"Bob"}')


async def test_a_user_joins_once_and_leaves_once_over_all_nodes(new_broker: NewBroker) -> None:
    one, notes = await node_with_notes(new_broker)
    two, _ = await node_with_notes(new_broker)
    await one.subscribe("presence-c")
    first = await one.join("presence-c", BOB)
    assert await one.join("presence-c", BOB) == first
    assert await two.join("presence-c", Member("bob")) == first
    last = await two.join("presence-c", ANN)
    assert last == Position(first.epoch, first.offset + 1)
    await one.leave("presence-c", "bob")
    await one.leave("presence-c", "bob")
    await two.leave("presence-c", "bob")
    await until(lambda: len(notes.changes) == 3)
    told = [(change.offset, change.joined, change.member.user) for _, _, change in notes.changes]
    assert told == [
        (first.offset, True, "bob"),
        (first.offset + 1, True, "ann"),
        (first.offset + 2, False, "bob"),
    ]
    assert {(channel, epoch) for channel, epoch, _ in notes.changes} == {
        ("presence-c", first.epoch)
    }
    assert notes.changes[0][2].member.info == BOB.info


async def test_a_list_with_so_many_members_takes_no_other(new_broker: NewBroker) -> None:
    one, notes = await node_with_notes(new_broker)
    two, _ = await node_with_notes(new_broker)
    await one.subscribe("presence-c")
    first = await one.join("presence-c", ANN, limit=1)
    with pytest.raises(RiverError) as caught:
        await two.join("presence-c", BOB, limit=1)
    assert caught.value.error is ErrorCode.TOO_MANY_MEMBERS
    assert list((await two.members("presence-c")).members) == ["ann"]
    # Who is there has come already; and others may have no limit, or a higher one.
    assert await two.join("presence-c", ANN, limit=1) == first
    await two.leave("presence-c", "bob")
    await two.join("presence-c", BOB, limit=2)
    await one.join("presence-c", Member("cleo"))
    await one.leave("presence-c", "cleo")
    await two.leave("presence-c", "bob")
    await until(lambda: len(notes.changes) == 5)
    told = [(change.joined, change.member.user) for _, _, change in notes.changes]
    assert told == [
        (True, "ann"),
        (True, "bob"),
        (True, "cleo"),
        (False, "cleo"),
        (False, "bob"),
    ]


async def test_many_who_come_at_once_are_as_many_as_may(new_broker: NewBroker) -> None:
    nodes = [(await node_with_notes(new_broker))[0] for _ in range(3)]
    joins = [
        broker.join("presence-c", Member(f"u{number}-{index}"), limit=5)
        for number in range(4)
        for index, broker in enumerate(nodes)
    ]
    results = await asyncio.gather(*joins, return_exceptions=True)
    assert sum(isinstance(one, Position) for one in results) == 5
    assert (await nodes[0].members("presence-c")).count == 5


async def test_the_list_of_members_has_its_version(new_broker: NewBroker) -> None:
    broker, _ = await node_with_notes(new_broker)
    await broker.join("presence-c", BOB)
    version = await broker.join("presence-c", ANN)
    roster = await new_broker().members("presence-c")
    assert roster.position == version
    assert roster.members == {"ann": ANN, "bob": BOB}


async def test_a_list_that_nobody_is_in_has_a_version_that_stays(new_broker: NewBroker) -> None:
    broker, _ = await node_with_notes(new_broker)
    roster = await broker.members("presence-c", keep=True)
    assert roster.members == {}
    assert (await broker.members("presence-c")).position == roster.position
    joined = await broker.join("presence-c", ANN)
    assert joined == Position(roster.position.epoch, roster.position.offset + 1)


async def test_a_node_that_closes_takes_its_members_and_counts_along(new_broker: NewBroker) -> None:
    one, notes = await node_with_notes(new_broker)
    two, _ = await node_with_notes(new_broker)
    await one.subscribe("presence-c")
    await one.join("presence-c", ANN)
    await two.join("presence-c", BOB)
    await two.report({"presence-c": 1, "dogs": 4})
    await one.report({"presence-c": 1})
    await two.close()
    await until(lambda: len(notes.changes) == 3)
    assert [(one.joined, one.member.user) for _, _, one in notes.changes][-1] == (False, "bob")
    assert list((await one.members("presence-c")).members) == ["ann"]
    assert await one.occupied("") == {"presence-c": Occupancy(1, 1)}


async def test_first_channels_are_listed_in_order_and_without_those_of_river(
    new_broker: NewBroker,
) -> None:
    one, _ = await node_with_notes(new_broker)
    two, _ = await node_with_notes(new_broker)
    names = [f"c-{number:05}" for number in range(6_000)]
    await one.report({"#user:ann": 1, **dict.fromkeys(names[::2], 1)})
    await two.report(dict.fromkeys(names[1::2], 2))
    publisher = new_broker()
    first = await publisher.occupied("", limit=3)
    assert list(first.items()) == [
        ("c-00000", Occupancy(1)),
        ("c-00001", Occupancy(2)),
        ("c-00002", Occupancy(1)),
    ]
    assert list(await publisher.occupied("c-0599", limit=100)) == names[-10:]
    assert len(await publisher.occupied("")) == 6_001
    # Nothing in a name is a pattern.
    assert await publisher.occupied("c-*", limit=3) == {}


async def test_counts_are_those_of_all_nodes(new_broker: NewBroker) -> None:
    one, _ = await node_with_notes(new_broker)
    two, _ = await node_with_notes(new_broker)
    await one.report({"dogs": 2, "presence-c": 1})
    await two.report({"dogs": 3})
    await one.join("presence-c", ANN)
    publisher = new_broker()
    assert await publisher.occupancy("dogs") == Occupancy(5)
    assert await publisher.occupancy("nobody") == Occupancy(0)
    assert await publisher.occupied("") == {"dogs": Occupancy(5), "presence-c": Occupancy(1, 1)}
    assert await publisher.occupied("pres") == {"presence-c": Occupancy(1, 1)}
    await one.report({"dogs": 0})
    assert await publisher.occupancy("dogs") == Occupancy(3)


async def test_a_node_is_told_whether_others_make_their_entries_again(
    new_broker: NewBroker,
) -> None:
    one, _ = await node_with_notes(new_broker)
    two, _ = await node_with_notes(new_broker)
    assert not await one.remaking(here=True)
    assert not await one.remaking(here=True)
    assert await two.remaking(here=False)
    assert await two.remaking(here=True)
    assert await one.remaking(here=False)
    assert not await two.remaking(here=True)
    await one.remaking(here=False)


async def test_nobody_waits_for_entries_of_a_node_that_was_stopped(new_broker: NewBroker) -> None:
    one, _ = await node_with_notes(new_broker)
    two, _ = await node_with_notes(new_broker)
    await one.remaking(here=True)
    assert await two.remaking(here=False)
    await one.close()
    assert not await two.remaking(here=False)
