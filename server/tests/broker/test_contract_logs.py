"""The promises of a broker, which every implementation keeps: logs, and who is sent what."""

import asyncio

import pytest
from brokers import SIZE, NewBroker, message, node_with_notes
from river_feed import until

from riverd.errors import ErrorCode, RiverError
from riverd.model.log import Member, Message, Position

ANN = Member("ann")


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
    broker, notes = await node_with_notes(new_broker)
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
    nodes = [await node_with_notes(new_broker) for _ in range(3)]
    for broker, _ in nodes:
        await broker.subscribe("c")
    sender = new_broker()
    for _ in range(20):
        await sender.publish(message())
    for _, notes in nodes:
        await until(lambda notes=notes: len(notes.publications) == 20)
        assert notes.offsets("c") == list(range(1, 21))


async def test_after_unsubscribing_nothing_more_is_told(new_broker: NewBroker) -> None:
    broker, notes = await node_with_notes(new_broker)
    await broker.subscribe("c")
    await broker.subscribe("d")
    await broker.unsubscribe("c")
    await broker.publish(message("c"))
    await broker.publish(message("d"))
    await until(lambda: notes.offsets("d") == [1])
    assert notes.offsets("c") == []
    await broker.unsubscribe("never")


async def test_subscribing_again_works_and_twice_is_once(new_broker: NewBroker) -> None:
    broker, notes = await node_with_notes(new_broker)
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
    broker, notes = await node_with_notes(new_broker)
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
    broker, _ = await node_with_notes(new_broker)
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
    broker, notes = await node_with_notes(new_broker)
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


async def test_a_broker_that_is_there_answers(new_broker: NewBroker) -> None:
    await new_broker().ping()
