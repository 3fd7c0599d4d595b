"""The promises of a broker, which every implementation keeps."""

import asyncio
import time
from typing import Any

import msgspec
import pytest
from brokers import SIZE, NewBroker
from river_feed import Notes, until

from riverd.broker import Broker
from riverd.channels import CONTROL
from riverd.errors import ErrorCode, RiverError
from riverd.model import After, Ephemeral, FirstAfter, Member, Message, Occupancy, Position
from riverd.orders import Order, OrderKind, Question, Standing, StandingKind, order_of

ANN, BOB = Member("ann"), Member("bob", b'{"name":"Bob"}')


async def node(new_broker: NewBroker) -> tuple[Broker, Notes]:
    broker, notes = new_broker(), Notes()
    await broker.attach(notes)
    return broker, notes


def message(channel: str = "c", data: bytes = b"1", key: str | None = None) -> Message:
    return Message(channel, "e", data, key)


async def test_offsets_rise_by_one_from_one(new_broker: NewBroker) -> None:
    broker = new_broker()
    places = [await broker.publish(message()) for _ in range(3)]
    assert [place.offset for place in places] == [1, 2, 3]
    assert len({place.epoch for place in places}) == 1


async def test_publishers_at_once_share_the_offsets_without_a_hole(new_broker: NewBroker) -> None:
    brokers = [new_broker() for _ in range(4)]
    places = await asyncio.gather(
        *[broker.publish(message()) for _ in range(10) for broker in brokers]
    )
    assert sorted(place.offset for place in places) == list(range(1, 41))


async def test_a_node_is_told_what_it_subscribed_and_nothing_else(new_broker: NewBroker) -> None:
    broker, notes = await node(new_broker)
    await broker.subscribe("c")
    sender = new_broker()
    place = await sender.publish(Message("c", "post", b'{"a": 1}', user="ann"))
    await sender.publish(message("d"))
    await sender.publish(message("c"))
    await until(lambda: len(notes.publications) == 2)
    channel, epoch, publication = notes.publications[0]
    assert (channel, epoch) == ("c", place.epoch)
    assert (publication.offset, publication.event) == (1, "post")
    assert (publication.data, publication.user) == (b'{"a": 1}', "ann")


async def test_all_nodes_are_told_in_the_same_order(new_broker: NewBroker) -> None:
    nodes = [await node(new_broker) for _ in range(3)]
    for broker, _ in nodes:
        await broker.subscribe("c")
    sender = new_broker()
    for _ in range(20):
        await sender.publish(message())
    for _, notes in nodes:
        await until(lambda notes=notes: len(notes.publications) == 20)
        assert notes.offsets("c") == list(range(1, 21))


async def test_after_unsubscribing_nothing_more_is_told(new_broker: NewBroker) -> None:
    broker, notes = await node(new_broker)
    await broker.subscribe("c")
    await broker.subscribe("d")
    await broker.unsubscribe("c")
    await broker.publish(message("c"))
    await broker.publish(message("d"))
    await until(lambda: notes.offsets("d") == [1])
    assert notes.offsets("c") == []
    await broker.unsubscribe("never")


async def test_subscribing_again_works_and_twice_is_once(new_broker: NewBroker) -> None:
    broker, notes = await node(new_broker)
    for _ in range(2):
        await broker.subscribe("c")
        await broker.unsubscribe("c")
    await broker.subscribe("c")
    await broker.subscribe("c")
    await broker.publish(message())
    await broker.publish(message())
    await until(lambda: len(notes.publications) >= 2)
    assert notes.offsets("c") == [1, 2]


async def test_whoever_was_told_finds_it_in_the_log(new_broker: NewBroker) -> None:
    broker, notes = await node(new_broker)
    await broker.subscribe("c")
    sender = new_broker()
    for offset in range(1, 10):
        await sender.publish(message())
        await until(lambda offset=offset: notes.offsets("c")[-1:] == [offset])
        assert (await broker.read("c")).position.offset >= offset


async def test_the_log_keeps_the_last_ones_with_all_that_they_are(new_broker: NewBroker) -> None:
    broker = new_broker()
    for number in range(SIZE + 3):
        await broker.publish(Message("c", f"e{number}", b"%d" % number, user="ann"))
    tail = await broker.read("c")
    assert tail.position.offset == SIZE + 3
    assert [one.offset for one in tail.publications] == [4, 5, 6, 7, 8]
    assert tail.publications[-1].event == "e7"
    assert tail.publications[-1].data == b"7"
    assert tail.publications[-1].user == "ann"


async def test_the_log_is_read_after_a_position_and_up_to_a_limit(new_broker: NewBroker) -> None:
    broker = new_broker()
    place = [await broker.publish(message()) for _ in range(4)][1]

    async def read(**how: Position | int) -> list[int]:
        tail = await broker.read("c", **how)  # type: ignore[arg-type]  the test's own shorthand
        assert tail.position == Position(place.epoch, 4)
        return [one.offset for one in tail.publications]

    assert await read(after=place) == [3, 4]
    assert await read(after=place, limit=1) == [3]
    assert await read(after=Position(place.epoch, 4)) == []
    assert await read(limit=3) == [2, 3, 4]
    assert await read(after=Position(place.epoch, 0), limit=100) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("epoch", "offset", "reason"),
    [
        ("other", 3, "epoch"),
        (None, SIZE + 3, "unknown"),
        (None, 0, "window"),
    ],
)
async def test_what_cannot_be_had_is_refused_with_its_reason(
    new_broker: NewBroker, epoch: str | None, offset: int, reason: str
) -> None:
    broker = new_broker()
    place = [await broker.publish(message()) for _ in range(SIZE + 2)][-1]
    with pytest.raises(RiverError) as caught:
        await broker.read("c", after=Position(epoch or place.epoch, offset))
    assert caught.value.error is ErrorCode.UNRECOVERABLE
    assert caught.value.message == reason


async def test_a_channel_without_a_log_gets_one_from_a_replica_and_it_stays(
    new_broker: NewBroker,
) -> None:
    broker = new_broker()
    looked = (await broker.read("c", keep=True)).position
    assert looked.offset == 0
    assert (await new_broker().read("c", after=looked)).position == looked
    assert await broker.publish(message()) == Position(looked.epoch, 1)


async def test_who_only_looks_at_a_channel_leaves_nothing_there(new_broker: NewBroker) -> None:
    broker = new_broker()
    nothing = Position("", 0)
    assert (await broker.read("c")).position == nothing
    assert (await broker.read("c", limit=5)).publications == ()
    assert (await broker.members("presence-c")).position == nothing
    assert await broker.positions(["presence-c"]) == [(nothing, nothing)]
    with pytest.raises(RiverError, match="epoch"):
        await broker.read("c", after=Position("other", 0))
    assert await broker.positions(["c", "presence-c"]) == [(nothing, None), (nothing, nothing)]


async def test_a_log_that_stands_before_what_a_replica_had_begins_again(
    new_broker: NewBroker,
) -> None:
    broker = new_broker()
    position = await broker.publish(message())
    had = Position(position.epoch, position.offset + 3)
    with pytest.raises(RiverError, match="unknown"):
        await broker.read("c", after=had)
    assert (await broker.read("c")).position == position
    with pytest.raises(RiverError, match="epoch"):
        await broker.read("c", after=had, keep=True)
    after = (await broker.read("c")).position
    assert after.epoch != position.epoch
    assert await broker.publish(message()) == Position(after.epoch, 1)


async def test_an_epoch_is_renounced_once(new_broker: NewBroker) -> None:
    broker = new_broker()
    position = await broker.publish(message())
    await broker.renounce("c", "another")
    assert (await broker.read("c")).position == position
    await broker.renounce("c", position.epoch)
    after = await broker.publish(message())
    assert (after.epoch != position.epoch, after.offset) == (True, 1)
    await broker.renounce("c", position.epoch)
    assert (await broker.read("c")).position == after


async def test_positions_come_in_the_order_in_which_they_are_asked_for(
    new_broker: NewBroker,
) -> None:
    broker, _ = await node(new_broker)
    place = await broker.publish(message("b"))
    version = await broker.join("presence-a", ANN)
    log = (await broker.read("presence-a", keep=True)).position
    found = await broker.positions(["presence-a", "b"])
    assert found == [(log, version), (place, None)]
    assert await broker.positions([]) == []
    new = (await broker.read("presence-new", keep=True)).position
    members = (await broker.members("presence-new", keep=True)).position
    assert await broker.positions(["presence-new"]) == [(new, members)]


async def test_a_key_publishes_once_whoever_repeats_it(new_broker: NewBroker) -> None:
    broker, notes = await node(new_broker)
    await broker.subscribe("c")
    first = await broker.publish(message(key="k"))
    assert await new_broker().publish(message(data=b"2", key="k")) == first
    assert (await broker.publish(message(key="other"))).offset == 2
    assert (await broker.publish(message("d", key="k"))).offset == 1
    await until(lambda: len(notes.publications) == 2)
    assert notes.offsets("c") == [1, 2]


async def test_many_are_published_in_order_each_with_a_result(new_broker: NewBroker) -> None:
    broker = new_broker()
    results = await broker.publish_many([message(key="k"), message("d"), message(key="k")])
    places = [one for one in results if isinstance(one, Position)]
    assert [place.offset for place in places] == [1, 1, 1]
    assert await broker.publish_many([]) == []
    results = await broker.publish_many([message(data=b"%d" % n) for n in range(SIZE)])
    assert [one.offset for one in results if isinstance(one, Position)] == [2, 3, 4, 5, 6]
    assert [one.data for one in (await broker.read("c")).publications] == [
        b"%d" % number for number in range(SIZE)
    ]


async def test_a_user_joins_once_and_leaves_once_over_all_nodes(new_broker: NewBroker) -> None:
    one, notes = await node(new_broker)
    two, _ = await node(new_broker)
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
    one, notes = await node(new_broker)
    two, _ = await node(new_broker)
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
    nodes = [(await node(new_broker))[0] for _ in range(3)]
    joins = [
        broker.join("presence-c", Member(f"u{number}-{index}"), limit=5)
        for number in range(4)
        for index, broker in enumerate(nodes)
    ]
    results = await asyncio.gather(*joins, return_exceptions=True)
    assert sum(isinstance(one, Position) for one in results) == 5
    assert (await nodes[0].members("presence-c")).count == 5


async def test_the_list_of_members_has_its_version(new_broker: NewBroker) -> None:
    broker, _ = await node(new_broker)
    await broker.join("presence-c", BOB)
    version = await broker.join("presence-c", ANN)
    roster = await new_broker().members("presence-c")
    assert roster.position == version
    assert roster.members == {"ann": ANN, "bob": BOB}


async def test_a_list_that_nobody_is_in_has_a_version_that_stays(new_broker: NewBroker) -> None:
    broker, _ = await node(new_broker)
    roster = await broker.members("presence-c", keep=True)
    assert roster.members == {}
    assert (await broker.members("presence-c")).position == roster.position
    joined = await broker.join("presence-c", ANN)
    assert joined == Position(roster.position.epoch, roster.position.offset + 1)


async def test_a_node_that_closes_takes_its_members_and_counts_along(new_broker: NewBroker) -> None:
    one, notes = await node(new_broker)
    two, _ = await node(new_broker)
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


async def test_counts_are_those_of_all_nodes(new_broker: NewBroker) -> None:
    one, _ = await node(new_broker)
    two, _ = await node(new_broker)
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


async def test_a_broker_that_is_there_answers(new_broker: NewBroker) -> None:
    await new_broker().ping()


async def test_a_log_keeps_what_its_channels_rule_says(new_broker: NewBroker) -> None:
    broker = new_broker()
    for channel in ("short-1", "empty-1", "c"):
        for _ in range(4):
            place = await broker.publish(message(channel))
        assert place.offset == 4
    kept = {
        channel: [one.offset for one in (await broker.read(channel)).publications]
        for channel in ("short-1", "empty-1", "c")
    }
    assert kept == {"short-1": [3, 4], "empty-1": [], "c": [1, 2, 3, 4]}
    epoch = (await broker.read("short-1")).position.epoch
    with pytest.raises(RiverError, match="window"):
        await broker.read("short-1", after=Position(epoch, 1))


async def test_a_channel_has_members_by_its_rule(new_broker: NewBroker) -> None:
    broker, notes = await node(new_broker)
    await broker.subscribe("room-1")
    at = await broker.join("room-1", ANN)
    await broker.report({"room-1": 1, "c": 1})
    await until(lambda: len(notes.changes) == 1)
    assert [members for _, members in await broker.positions(["room-1", "c"])] == [at, None]
    assert await broker.occupied("") == {"room-1": Occupancy(1, 1), "c": Occupancy(1)}


async def test_an_ephemeral_event_follows_a_position_and_takes_none(new_broker: NewBroker) -> None:
    broker, notes = await node(new_broker)
    await broker.subscribe("c")
    sender = new_broker()
    place = await sender.publish(message())
    passing = Message("c", "typing", b'{"a":1}', user="ann", keep=False, exclude="s.1")
    assert await sender.publish(passing) == After(place.epoch, 1)
    assert (await sender.publish(message())) == Position(place.epoch, 2)
    await until(lambda: notes.offsets("c") == [1, 2])
    assert notes.ephemerals == [
        ("c", place.epoch, Ephemeral(1, "typing", b'{"a":1}', "ann", "s.1"))
    ]
    tail = await broker.read("c")
    assert [one.event for one in tail.publications] == ["e", "e"]


async def test_an_ephemeral_event_may_be_the_first_of_its_channel(new_broker: NewBroker) -> None:
    broker, notes = await node(new_broker)
    await broker.subscribe("c")
    kept = (await broker.read("c", keep=True)).position
    receipt = await new_broker().publish(Message("c", "e", b"1", keep=False))
    assert receipt == After(kept.epoch, 0)
    await until(lambda: len(notes.ephemerals) == 1)
    assert (await broker.read("d")).publications == ()


async def test_only_the_first_ephemeral_event_of_a_channel_begins_it(new_broker: NewBroker) -> None:
    broker = new_broker()
    passing = Message("d", "e", b"1", keep=False, key="k")
    first = await broker.publish(passing)
    assert isinstance(first, FirstAfter)
    for message_ in (passing, Message("d", "e", b"2", keep=False)):
        assert await new_broker().publish(message_) == After(first.epoch, 0)


async def test_the_key_of_an_ephemeral_event_makes_it_idempotent(new_broker: NewBroker) -> None:
    broker, notes = await node(new_broker)
    await broker.subscribe("c")
    sender = new_broker()
    await broker.read("c", keep=True)
    passing = Message("c", "e", b"1", "k", keep=False)
    first = await sender.publish(passing)
    await sender.publish(message())
    assert await sender.publish(passing) == first
    # What was accepted under a key is what the key stands for, however it is asked again.
    assert await sender.publish(Message("c", "e", b"1", "k")) == first
    [kept] = await sender.publish_many([message(key="other")])
    assert await sender.publish(Message("c", "e", b"1", "other", keep=False)) == kept
    await until(lambda: notes.offsets("c") == [1, 2])
    assert len(notes.ephemerals) == 1


async def test_the_log_has_who_is_excluded(new_broker: NewBroker) -> None:
    broker, notes = await node(new_broker)
    await broker.subscribe("c")
    sender = new_broker()
    await sender.publish(Message("c", "e", b"1", user="ann", exclude="s.1"))
    await sender.publish(message())
    await until(lambda: notes.offsets("c") == [1, 2])
    tail = await broker.read("c")
    assert [one.exclude for one in tail.publications] == ["s.1", None]
    assert [one for _, _, one in notes.publications] == list(tail.publications)
    assert (await broker.read("c", after=Position(tail.position.epoch, 0))) == tail


async def held(broker: Broker, channel: str, after: Position | None = None) -> list[int]:
    tail = await broker.read(channel, after=after)
    return [one.offset for one in tail.publications]


async def test_a_window_is_bounded_in_bytes_too(new_broker: NewBroker) -> None:
    broker = new_broker()
    ten_bytes = Message("small-c", "e", b"123456789")
    for _ in range(9):
        await broker.publish(ten_bytes)
    assert await held(broker, "small-c") == [6, 7, 8, 9]
    place = await broker.publish(Message("small-c", "e", b"1"))
    assert isinstance(place, Position)
    assert await held(broker, "small-c") == [7, 8, 9, 10]
    # A larger one than all that may be kept is published, and not kept.
    await broker.publish(Message("small-c", "e", b"1" * 41))
    assert await held(broker, "small-c") == []
    with pytest.raises(RiverError, match="window"):
        await broker.read("small-c", after=place)
    for _ in range(3):
        await broker.publish(ten_bytes)
    assert await held(broker, "small-c") == [12, 13, 14]
    for _ in range(20):
        await broker.publish(ten_bytes)
    assert await held(broker, "small-c") == [31, 32, 33, 34]


async def test_the_newest_is_kept_where_nothing_else_is(new_broker: NewBroker) -> None:
    broker = new_broker()
    for number in range(3):
        place = await broker.publish(
            Message("state-c", "e", b"%d" % number, user="ann", exclude="s.1")
        )
    tail = await broker.read("state-c", limit=1)
    assert [(one.offset, one.data) for one in tail.publications] == [(3, b"2")]
    assert (tail.publications[0].user, tail.publications[0].exclude) == ("ann", "s.1")
    assert await held(broker, "state-c", Position(place.epoch, 2)) == [3]
    assert await held(broker, "state-c", Position(place.epoch, 3)) == []
    with pytest.raises(RiverError, match="window"):
        await broker.read("state-c", after=Position(place.epoch, 1))


async def test_the_newest_outlives_the_window(new_broker: NewBroker) -> None:
    broker = new_broker()
    for channel in ("price-c", "brief-c") * 3:
        place = await broker.publish(message(channel))
    async with asyncio.timeout(20):
        while await held(broker, "brief-c"):
            await asyncio.sleep(0.01)
    assert await held(broker, "price-c") == [3]
    assert (await broker.read("price-c", limit=5)).position.offset == place.offset == 3
    await broker.publish(message("price-c"))
    assert (await held(broker, "price-c"))[-1] == 4


async def test_also_the_newest_is_gone_after_its_own_time(new_broker: NewBroker) -> None:
    broker = new_broker()
    await broker.publish(message("gone-c"))
    assert await held(broker, "gone-c") == [1]
    async with asyncio.timeout(20):
        while await held(broker, "gone-c"):
            await asyncio.sleep(0.05)


async def test_a_log_that_began_again_has_no_newest(new_broker: NewBroker) -> None:
    broker = new_broker()
    place = await broker.publish(message("state-c"))
    await broker.renounce("state-c", place.epoch)
    tail = await broker.read("state-c")
    assert (tail.position.offset, tail.publications) == (0, ())


# Orders to all nodes.


def block(user: str, at: float = 1.0, **fields: Any) -> Order:
    return Order(f"{user}-{at}", OrderKind.BLOCK, at, user=user, **fields)


async def test_all_nodes_get_an_order_in_the_control_log(new_broker: NewBroker) -> None:
    nodes = [await node(new_broker) for _ in range(2)]
    for broker, _ in nodes:
        await broker.subscribe(CONTROL)
    order = Order("1", OrderKind.DRAIN, 7.5, node="arn:aws:ecs:eu-central-1:1:task/river/0")
    position = await new_broker().control.order(order)
    for broker, notes in nodes:
        await until(lambda notes=notes: notes.orders == [order])
        assert (await broker.read(CONTROL)).position == position
    tail = await new_broker().read(CONTROL)
    assert [order_of(one.data) for one in tail.publications] == [order]


async def test_an_order_is_in_the_log_once(new_broker: NewBroker) -> None:
    control = new_broker().control
    first = await control.order(block("ann"))
    assert await control.order(block("ann")) == first
    assert (await control.order(block("bob"))).offset == first.offset + 1


async def in_force(broker: Broker) -> list[Standing]:
    return [one async for some in broker.control.standings() for one in some]


async def test_what_stays_in_force_is_kept_beside_the_log(new_broker: NewBroker) -> None:
    broker = new_broker()
    control = broker.control
    revoke = Order("r", OrderKind.REVOKE, 3.0, user="ann", before=8.0, ends_at=9e9)
    for order in (block("ann"), revoke, block("J/{ö}", ends_at=8e9)):
        await control.order(order)
    await control.order(Order("d", OrderKind.DISCONNECT, 4.0, user="cid"))
    kept = {(one.kind, one.user): one for one in await in_force(new_broker())}
    assert kept == {
        (StandingKind.BLOCKED, "ann"): Standing(StandingKind.BLOCKED, "ann", 1.0),
        (StandingKind.REVOKED, "ann"): Standing(StandingKind.REVOKED, "ann", 3.0, 9e9, 8.0),
        (StandingKind.BLOCKED, "J/{ö}"): Standing(StandingKind.BLOCKED, "J/{ö}", 1.0, 8e9),
    }
    await control.order(Order("u", OrderKind.UNBLOCK, 5.0, user="ann"))
    [ann] = [one for one in await in_force(broker) if one.user == "ann" and not one.before]
    assert ann.lifted


async def test_what_is_given_back_replaces_nothing_newer(new_broker: NewBroker) -> None:
    broker = new_broker()
    control = broker.control
    await control.order(block("ann", 5.0))
    older = Standing(StandingKind.BLOCKED, "ann", 4.0, 9e9)
    other = Standing(StandingKind.REVOKED, "bob", 4.0, 9e9, 3.0)
    await control.give_back([older, other])
    found = {one.user: one for one in await in_force(broker)}
    assert found == {"ann": Standing(StandingKind.BLOCKED, "ann", 5.0), "bob": other}
    newer = Standing(StandingKind.BLOCKED, "ann", 6.0, 9e9)
    await control.give_back([newer])
    assert newer in await in_force(broker)
    # An order that a node gives back says nothing of what is in force by now.
    await control.order(msgspec.structs.replace(block("bob", 9.0), was=Position("e", 1)))
    assert (StandingKind.BLOCKED, "bob") not in [
        (one.kind, one.user) for one in await in_force(broker)
    ]


async def test_it_is_known_how_old_a_publication_is(new_broker: NewBroker) -> None:
    broker = new_broker()
    started_at = time.monotonic()
    for _ in range(2):
        await broker.publish(Message("c", "e", b"1"))
    older, newer = [await broker.control.age_s("c", offset) for offset in (1, 2)]
    assert older is not None
    assert newer is not None
    # Redis notes whole milliseconds.
    assert -0.001 <= newer <= older + 0.001 <= time.monotonic() - started_at + 0.002
    assert await broker.control.age_s("c", 3) is None
    assert await broker.control.age_s("none", 1) is None


async def test_nodes_are_listed_and_answer(new_broker: NewBroker) -> None:
    (one, notes), (two, _) = await node(new_broker), await node(new_broker)
    await one.control.register("a name")
    await two.control.register("two")
    api = new_broker().control
    assert sorted((await api.nodes()).values()) == ["a name", "two"]
    question = Question("q1", "J/{ö}")
    await api.ask(question)
    await until(lambda: notes.questions == [question])
    assert await api.answers("q1") == {}
    await one.control.answer("q1", b"17")
    [(who, body)] = (await api.answers("q1")).items()
    assert ((await api.nodes())[who], body) == ("a name", b"17")
    await one.close()
    assert list((await api.nodes()).values()) == ["two"]
