"""The promises of a broker: what a log keeps by the rules of its channel."""

import asyncio

import pytest
from brokers import NewBroker, message, node_with_notes
from river_feed import until

from riverd.broker import Broker
from riverd.errors import RiverError
from riverd.model.log import Member, Message, Occupancy, Position

ANN, BOB = Member("ann"), Member("bob", b'{"name":"Bob"}')


async def test_a_log_keeps_what_its_channels_rule_says(new_broker: NewBroker) -> None:
    broker = new_broker()
    for channel in ("short-1", "empty-1", "timeless-1", "weightless-1", "c"):
        for _ in range(4):
            place = await broker.publish(message(channel))
        assert place.offset == 4
    kept = {
        channel: [one.offset for one in (await broker.read(channel)).publications]
        for channel in ("short-1", "empty-1", "timeless-1", "weightless-1", "c")
    }
    nothing = {"empty-1": [], "timeless-1": [], "weightless-1": []}
    assert kept == {"short-1": [3, 4], **nothing, "c": [1, 2, 3, 4]}
    epoch = (await broker.read("short-1")).position.epoch
    with pytest.raises(RiverError, match="window"):
        await broker.read("short-1", after=Position(epoch, 1))


async def test_a_channel_has_members_by_its_rule(new_broker: NewBroker) -> None:
    broker, notes = await node_with_notes(new_broker)
    await broker.subscribe("room-1")
    at = await broker.join("room-1", ANN)
    await broker.report({"room-1": 1, "c": 1})
    await until(lambda: len(notes.changes) == 1)
    assert [members for _, members in await broker.positions(["room-1", "c"])] == [at, None]
    assert await broker.occupied("") == {"room-1": Occupancy(1, 1), "c": Occupancy(1)}


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
