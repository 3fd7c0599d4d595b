"""A client of the simulator that asks for a channel twice knows which request it waits for."""

from collections.abc import Iterator
from typing import cast

import pytest
from simulation.client import Client
from simulation.ear import Message
from simulation.line import Line
from simulation.world import World

LINE = cast("Line", object())


@pytest.fixture
def client() -> Iterator[Client]:
    world = World(0)
    world.clients[0].line = LINE
    yield world.clients[0]
    world.loop.close()


def test_of_two_requests_for_a_channel_either_may_be_the_one_that_is_answered(
    client: Client,
) -> None:
    first, again = client._subscribe("dogs"), client._again("dogs")
    # It is removed in between: the second one is a subscription of its own.
    client.hear(LINE, [refused(first, "cancelled")])
    assert client.asked == {"dogs": False}
    client.hear(LINE, [refused(again, "cancelled")])
    assert client.asked == {}


def test_a_request_that_is_refused_since_there_is_another_leaves_that_one(client: Client) -> None:
    first, again = client._subscribe("dogs"), client._again("dogs")
    client.hear(LINE, [refused(again, "already_subscribed")])
    assert client.asked == {"dogs": False}
    client.hear(LINE, [refused(first, "cancelled")])
    assert client.asked == {}


def test_a_request_from_before_it_left_the_channel_is_none_any_more(client: Client) -> None:
    first = client._subscribe("dogs")
    client._unsubscribe("dogs")
    client._subscribe("dogs")
    client.hear(LINE, [refused(first, "cancelled")])
    assert client.asked == {"dogs": False}


def refused(asked: Message, code: str) -> Message:
    return {"type": "error", "id": asked["id"], "code": code, "message": ""}
