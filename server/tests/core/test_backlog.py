"""What is sent to each by itself is sent to some with each flush, and none misses anything."""

from crowd import KEPT, MANY, Crowd
from river_wire import Client, session_of

from riverd.core.backlog import CATCH_UPS_MAX
from riverd.core.session import LOST
from riverd.model.log import Ephemeral, Member, Position, Roster, Tail


def test_those_who_come_in_one_moment_catch_up_in_portions_and_miss_nothing() -> None:
    crowd = Crowd()
    channel = crowd.open("c", 0)
    # Where something is on its way to others a newcomer is behind.
    crowd.publish(channel)
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
    assert all(client.events() == [2, 3] for client in crowd.clients)
    assert channel.log.oldest == 0
    crowd.hub.expire(0)
    assert channel.log.oldest == channel.log.offset


def test_all_who_came_in_one_moment_are_sent_the_event_that_no_log_keeps() -> None:
    crowd = Crowd()
    channel, other = crowd.open("c", 0), crowd.open("d", 0)
    for where in (other, channel):
        crowd.publish(where)
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


def test_log_that_begins_again_concerns_only_those_whose_turn_it_is() -> None:
    crowd = Crowd(KEPT)
    channel = crowd.open("c", MANY)

    def concerned() -> int:
        return sum(not one.subscriptions["c"].is_live for one in crowd.sessions)

    crowd.hub.restart(channel, Tail(Position("e2", 3)), now=0)
    assert concerned() == 0
    assert channel.subscribers == MANY
    sent = crowd.turn()
    assert 0 < concerned() <= sent < MANY // 2
    crowd.flush()
    assert all(client.types() == ["gap"] for client in crowd.clients)
    assert channel.subscribers == MANY


def test_one_that_is_blocked_before_its_gap_is_sent_it_when_it_takes_more() -> None:
    crowd = Crowd(KEPT)
    channel = crowd.open("c", 3)
    session, client = crowd.sessions[0], crowd.clients[0]
    crowd.hub.restart(channel, Tail(Position("e2", 3)), now=0)
    assert channel.cursor_of(session.subscriptions["c"]) == LOST
    crowd.hub.block(session)
    assert channel.cursor_of(session.subscriptions["c"]) == LOST
    crowd.flush()
    assert client.told == []
    crowd.hub.unblock(session)
    crowd.publish(channel)
    crowd.flush()
    assert client.types() == ["gap"]
    assert client.told[0]["offset"] == channel.log.offset


def test_one_that_ends_before_its_gap_was_sent_nothing_and_is_not_kept() -> None:
    crowd = Crowd(KEPT)
    channel = crowd.open("c", 1)
    [audience] = channel.audiences.values()
    crowd.hub.restart(channel, Tail(Position("e2", 3)), now=0)
    crowd.hub.mute(crowd.sessions[0])
    assert crowd.sessions[0].subscriptions["c"].offset == LOST
    crowd.hub.unsubscribe(crowd.sessions[0].subscriptions["c"])
    assert (audience.lost, channel.subscribers) == ((), 0)
    crowd.flush()
    assert crowd.clients[0].told == []


def test_list_that_began_again_before_the_gap_is_sent_with_it() -> None:
    crowd = Crowd(KEPT)
    before = Roster(Position("m1", 1), {"ann": Member("ann")}, 1)
    channel = crowd.open("presence-c", 3, roster=before)
    crowd.hub.restart(channel, Tail(Position("e2", 3)), now=0)
    crowd.hub.replace_members(channel, Roster(Position("m2", 1), {"bob": Member("bob")}, 1))
    crowd.flush()
    for client in crowd.clients:
        [listed] = [one for one in client.told if one["type"] == "presence"]
        assert [one["user"] for one in listed["members"]] == ["bob"]
        assert client.types().count("gap") == 1
