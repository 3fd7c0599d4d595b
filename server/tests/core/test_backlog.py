"""What is sent to each by itself is sent to some with each flush, and none misses anything."""

from crowd import KEPT, MANY, Crowd
from river_wire import Client, session_of

from riverd.core.backlog import CATCH_UPS_MAX
from riverd.model.log import Ephemeral, Position, Tail


def test_those_who_come_in_one_moment_catch_up_in_portions_and_miss_nothing() -> None:
    crowd = Crowd()
    channel = crowd.open("c", 0)
    for number in range(2 * CATCH_UPS_MAX + 10):
        crowd.sessions.append(session_of(client := Client()))
        crowd.sessions[-1].id = f"s{number}"
        crowd.clients.append(client)
        crowd.enter(crowd.sessions[-1], channel)
    crowd.forget()
    # The log keeps nothing after a flush that brings it to all.
    crowd.publish(channel)
    assert crowd.turn() == CATCH_UPS_MAX
    crowd.publish(channel)
    crowd.flush()
    assert all(client.events() == [1, 2] for client in crowd.clients)
    assert channel.log.oldest == 0
    crowd.hub.expire(0)
    assert channel.log.oldest == channel.log.offset


def test_all_who_came_in_one_moment_are_sent_the_event_that_no_log_keeps() -> None:
    crowd = Crowd()
    channel, other = crowd.open("c", 0), crowd.open("d", 0)
    for where in (other, channel):
        for number in range(2 * CATCH_UPS_MAX):
            crowd.sessions.append(session_of(client := Client()))
            crowd.sessions[-1].id = f"{where.name}{number}"
            crowd.clients.append(client)
            crowd.enter(crowd.sessions[-1], where)
    crowd.forget()
    crowd.publish(other)
    crowd.hub.pass_on(channel, Ephemeral(0, "e", b"1"))
    assert crowd.turn() == 3 * CATCH_UPS_MAX
    crowd.flush()
    assert all(client.types() == ["event"] for client in crowd.clients)


def test_channel_that_begins_again_twice_sends_each_one_gap() -> None:
    crowd = Crowd(KEPT)
    channel = crowd.open("c", MANY)
    crowd.hub.restart(channel, Tail(Position("e2", 3)), now=0)
    crowd.hub.flush(0)
    told = sum(client.types() == ["gap"] for client in crowd.clients)
    crowd.hub.restart(channel, Tail(Position("e3", 7)), now=0)
    crowd.hub.unsubscribe(crowd.sessions[-1].subscriptions["c"])
    crowd.publish(channel)
    crowd.flush()
    assert 0 < told < MANY
    for client in crowd.clients[:-1]:
        gaps = [one["epoch"] for one in client.told if one["type"] == "gap"]
        assert gaps in (["e3"], ["e2", "e3"])
        assert client.told[-1]["offset"] == channel.log.offset
    assert crowd.clients[-1].told == []
