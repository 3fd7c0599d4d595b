"""The promises of a broker: events that no log keeps, and sessions that are excluded."""

from brokers import NewBroker, message, node_with_notes
from river_feed import until

from riverd.model.log import After, Ephemeral, FirstAfter, Message, Position


async def test_an_ephemeral_event_follows_a_position_and_takes_none(new_broker: NewBroker) -> None:
    broker, notes = await node_with_notes(new_broker)
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
    broker, notes = await node_with_notes(new_broker)
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
    broker, notes = await node_with_notes(new_broker)
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
    broker, notes = await node_with_notes(new_broker)
    await broker.subscribe("c")
    sender = new_broker()
    await sender.publish(Message("c", "e", b"1", user="ann", exclude="s.1"))
    await sender.publish(message())
    await until(lambda: notes.offsets("c") == [1, 2])
    tail = await broker.read("c")
    assert [one.exclude for one in tail.publications] == ["s.1", None]
    assert [one for _, _, one in notes.publications] == list(tail.publications)
    assert (await broker.read("c", after=Position(tail.position.epoch, 0))) == tail
