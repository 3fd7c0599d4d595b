"""What the back end publishes to a token's user, as a subscriber gives it."""

from typing import Any

import pytest

from river_realtime.errors import UsageError
from river_realtime.protocol import USER, SubscriberProtocol
from river_realtime.subscriber import Subscriber
from river_realtime.values import Event, Gap, Position


def greeting(offset: int, *, epoch: str = "e", recovered: bool = False) -> dict[str, Any]:
    position = {"epoch": epoch, "offset": offset, "recovered": recovered}
    return {"type": "authenticated", "user": "ann", "expires_at": None, "user_position": position}


def note(offset: int) -> dict[str, Any]:
    fields = {"event": "note", "data": offset, "offset": offset}
    return {"type": "event", "channel": USER, **fields}


def made() -> SubscriberProtocol:
    return SubscriberProtocol(0, {USER: None, "dogs": None})


def test_it_is_given_once_and_in_order_over_connections_without_a_subscription() -> None:
    protocol = made()
    assert len(protocol.opening()) == 1
    assert protocol.receive(greeting(3)) == []
    (event,) = protocol.receive(note(4))
    assert isinstance(event, Event)
    assert (event.channel, event.position) == (USER, Position("e", 4))
    assert protocol.receive(greeting(6, recovered=True)) == []
    assert protocol.receive(note(4)) == []
    assert len(protocol.receive(note(5)) + protocol.receive(note(6))) == 2


def test_what_cannot_be_had_any_more_is_a_gap() -> None:
    protocol = made()
    protocol.receive(greeting(3))
    assert protocol.receive(greeting(1, epoch="f")) == [Gap(USER, Position("f", 1))]
    late = {"type": "subscribed", "channel": USER, "epoch": "g", "offset": 0, "recovered": False}
    assert protocol.receive(late) == [Gap(USER, Position("g", 0))]
    gap = {"type": "gap", "channel": USER, "epoch": "h", "offset": 2}
    assert protocol.receive(gap) == [Gap(USER, Position("h", 2))]


def test_who_does_not_name_it_is_given_nothing_of_it() -> None:
    protocol = SubscriberProtocol(0, {"dogs": None})
    assert protocol.receive(greeting(3)) + protocol.receive(note(4)) == []
    assert protocol.receive(greeting(0, epoch="f")) == []


async def test_it_cannot_be_subscribed_later() -> None:
    with pytest.raises(UsageError):
        await Subscriber("http://127.0.0.1:1", "token", "dogs").subscribe(USER)
