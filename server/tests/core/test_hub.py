"""Who hears what on a node: fan-out, cursors, slow sessions, and made-up conversations."""

import pytest
from river_wire import NATIVE, Client, session_of

from riverd.channels.rules import ChannelRules
from riverd.core.hub import Hub
from riverd.core.presence import LISTED_MAX
from riverd.core.recovery import start_of
from riverd.core.session import Session
from riverd.model.commands import Subscribe
from riverd.model.log import Change, Member, Position, Publication, Roster, Tail
from riverd.model.replies import Subscribed


class Rig:
    """A hub with one channel, and sessions in it."""

    def __init__(self, *, size: int = 100, part_bytes_max: int = 10_000, entries: int = 0) -> None:
        rules = ChannelRules(history_size=size, history_ttl_s=60)
        self.hub = Hub(rules, part_bytes_max=part_bytes_max)
        tail = Tail(Position("e1", entries), tuple(publication(n + 1) for n in range(entries)))
        self.channel = self.hub.open(
            "presence-c", tail, roster=Roster(Position("m1", 0), {}, 0), now=0
        )

    def session(self, client: Client) -> Session:
        session = session_of(client, user="ann")
        client.on_full = lambda: self.hub.block(session)
        return session

    def enter(
        self, client: Client, *, position: Position | None = None, history: int = 0
    ) -> Session:
        session = self.session(client)
        command = Subscribe(1, "presence-c", position, history)
        subscription = self.hub.subscribe(session, command, member=None)
        start = start_of(command, self.channel.log)
        reply = Subscribed(1, "presence-c", self.channel.log.position, start.recovered)
        self.hub.admit(subscription, self.channel, reply=NATIVE.encode(reply), after=start.after)
        return session

    def publish(self, count: int = 1, now: float = 0) -> None:
        for _ in range(count):
            offset = self.channel.log.offset + 1
            assert self.hub.append(self.channel, publication(offset), now=now)

    def change(self, user: str, *, joined: bool) -> None:
        assert self.channel.presence is not None
        offset = self.channel.presence.position.offset + 1
        assert self.hub.change(self.channel, Change(offset, joined, Member(user)), now=0)

    def flush(self, now: float = 0) -> None:
        while self.hub.flush(now).more:
            pass


def publication(offset: int) -> Publication:
    return Publication(offset, "e", b"%d" % offset)


def roster(version: int, *users: str, epoch: str = "m1") -> Roster:
    return Roster(Position(epoch, version), {user: Member(user) for user in users}, len(users))


def test_a_burst_is_one_write_of_the_same_bytes_to_everyone() -> None:
    rig, clients = Rig(), [Client() for _ in range(3)]
    seen: list[bytes] = []
    for client in clients:
        rig.enter(client)
    rig.flush()
    for channel in rig.hub.channels.values():
        for audience in channel.audiences.values():
            for subscription in audience.live:
                audience.live[subscription] = seen.append
    rig.publish(5)
    rig.flush()
    assert len(seen) == 3
    assert seen[0] is seen[1] is seen[2]
    assert rig.hub.deliveries == 15


def test_the_reply_and_what_was_missed_come_in_one_write() -> None:
    rig, client = Rig(entries=5), Client()
    rig.enter(client, position=Position("e1", 2))
    assert client.writes == 1
    assert client.types() == ["subscribed", "event", "event", "event"]
    assert client.events() == [3, 4, 5]


def test_one_that_joins_between_publication_and_flush_misses_nothing_and_hears_nothing_twice() -> (
    None
):
    rig, early, late = Rig(), Client(), Client()
    rig.enter(early)
    rig.flush()
    rig.publish(2)
    rig.enter(late, position=Position("e1", 1))
    rig.publish(2)
    rig.flush()
    assert early.events() == [1, 2, 3, 4]
    assert late.events() == [2, 3, 4]


def test_a_blocked_session_goes_on_from_its_cursor() -> None:
    rig, slow, fast = Rig(), Client(), Client()
    session = rig.enter(slow)
    rig.enter(fast)
    rig.flush()
    rig.hub.block(session)
    writes = slow.writes
    rig.publish(3)
    rig.flush()
    assert slow.writes == writes
    assert fast.events() == [1, 2, 3]
    rig.hub.unblock(session)
    rig.flush()
    assert slow.events() == [1, 2, 3]
    rig.publish(1)
    rig.flush()
    assert slow.events() == fast.events() == [1, 2, 3, 4]


def test_a_session_that_the_window_has_passed_is_told_so_once() -> None:
    rig, slow = Rig(size=3), Client()
    session = rig.enter(slow)
    rig.flush()
    rig.hub.block(session)
    rig.publish(4)
    rig.flush()
    rig.hub.unblock(session)
    rig.flush()
    rig.publish(1)
    rig.flush()
    assert slow.types() == ["subscribed", "gap", "event"]
    assert (slow.told[1]["epoch"], slow.told[1]["offset"]) == ("e1", 4)
    assert rig.hub.gaps == 1


def test_time_passes_the_window_too() -> None:
    rig, slow = Rig(), Client()
    session = rig.enter(slow)
    rig.flush()
    rig.hub.block(session)
    rig.publish(1, now=0)
    rig.flush()
    rig.hub.expire(59)
    assert rig.channel.log.oldest == 0
    rig.hub.expire(61)
    rig.hub.unblock(session)
    rig.flush(61)
    assert slow.types() == ["subscribed", "gap"]


def test_what_was_published_in_one_turn_is_told_before_it_is_let_go() -> None:
    rig, client = Rig(size=3), Client()
    rig.enter(client)
    rig.flush()
    rig.publish(10)
    rig.hub.expire(1000)
    rig.flush()
    assert client.events() == list(range(1, 11))


def test_a_session_that_blocks_within_the_write_has_been_told_all_of_it() -> None:
    rig, slow = Rig(), Client()
    session = rig.enter(slow)
    rig.flush()
    slow.takes = 10
    rig.publish(3)
    rig.flush()
    assert session.blocked
    rig.publish(2)
    rig.flush()
    assert slow.events() == [1, 2, 3]
    rig.hub.unblock(session)
    rig.flush()
    assert slow.events() == [1, 2, 3, 4, 5]


def test_a_long_absence_is_made_up_for_in_parts() -> None:
    rig, client = Rig(entries=40, part_bytes_max=300), Client()
    rig.enter(client, position=Position("e1", 0))
    parts = [len(client.events())]
    while rig.hub.flush(0).more:
        parts.append(len(client.events()))
    assert client.events() == list(range(1, 41))
    assert len(parts) > 5


def test_a_long_absence_is_made_up_for_no_faster_than_the_client_reads() -> None:
    rig, client = Rig(entries=40, part_bytes_max=300), Client(takes=500)
    session = rig.enter(client, position=Position("e1", 0))
    rig.flush()
    assert session.blocked
    assert 0 < len(client.events()) < 20


def test_one_that_does_not_read_is_answered_and_given_nothing_more() -> None:
    rig, client = Rig(entries=40), Client()
    session = rig.session(client)
    rig.hub.block(session)
    command = Subscribe(1, "presence-c", None, 40)
    subscription = rig.hub.subscribe(session, command, member=None)
    reply = NATIVE.encode(Subscribed(1, "c", Position("e1", 40)))
    rig.hub.admit(subscription, rig.channel, reply=reply, after=0)
    rig.flush()
    assert client.types() == ["subscribed"]
    rig.hub.unblock(session)
    rig.flush()
    assert client.events() == list(range(1, 41))


def test_after_leaving_nothing_is_heard() -> None:
    rig, client, other = Rig(), Client(), Client()
    session, _ = rig.enter(client), rig.enter(other)
    rig.flush()
    rig.publish(1)
    rig.hub.unsubscribe(session.subscriptions["presence-c"])
    rig.flush()
    assert client.events() == []
    assert other.events() == [1]
    assert rig.channel.subscribers == 1


@pytest.mark.parametrize("when", ["joined", "blocked", "unblocked"])
def test_leaving_is_possible_at_any_time(when: str) -> None:
    rig, client = Rig(), Client()
    session = rig.enter(client)
    if when != "joined":
        rig.flush()
        rig.hub.block(session)
        rig.publish(1)
    if when == "unblocked":
        rig.hub.unblock(session)
    rig.hub.unsubscribe(session.subscriptions["presence-c"])
    rig.hub.close("presence-c")
    rig.flush()
    assert client.types() == ["subscribed"]


def test_a_closed_session_is_not_written_to_by_a_catch_up() -> None:
    rig, client = Rig(), Client()
    rig.publish(1)
    rig.enter(client).closed = True
    rig.publish(2)
    rig.flush()
    assert client.types() == ["subscribed"]


def test_a_log_that_began_again_is_a_gap_for_everyone_once() -> None:
    rig, live, blocked, joined = Rig(entries=2), Client(), Client(), Client()
    rig.enter(live)
    session = rig.enter(blocked)
    rig.flush()
    rig.hub.block(session)
    rig.enter(joined)
    rig.hub.restart(rig.channel, Tail(Position("e2", 1), (publication(1),)), now=0)
    rig.publish(1)
    rig.flush()
    rig.hub.unblock(session)
    rig.flush()
    for client in (live, joined):
        assert client.types() == ["subscribed", "gap", "event"]
    assert live.told[1] == {
        "type": "gap",
        "channel": "presence-c",
        "epoch": "e2",
        "offset": 1,
        "reload_after_ms": 0,
    }
    # One with a cursor of its own is sent to the log's end when its turn comes.
    assert blocked.types() == ["subscribed", "gap"]
    assert blocked.told[1]["offset"] == 2


def test_a_session_that_blocks_when_told_of_a_gap_is_not_told_again() -> None:
    rig, client = Rig(), Client()
    session = rig.enter(client)
    rig.flush()
    client.takes = 10
    rig.hub.restart(rig.channel, Tail(Position("e2", 0)), now=0)
    rig.flush()
    assert session.blocked
    rig.publish(1)
    rig.flush()
    rig.hub.unblock(session)
    rig.flush()
    assert client.types() == ["subscribed", "gap", "event"]


def test_joins_and_leaves_are_told_like_publications() -> None:
    rig, live, slow = Rig(), Client(), Client()
    rig.enter(live)
    session = rig.enter(slow)
    rig.flush()
    rig.hub.block(session)
    rig.change("bob", joined=True)
    rig.change("cat", joined=True)
    rig.change("bob", joined=False)
    rig.flush()
    assert live.types() == ["subscribed", "joined", "joined", "left"]
    assert live.writes == 2
    rig.hub.unblock(session)
    rig.flush()
    assert slow.told[1:] == live.told[1:]


def test_a_change_after_a_hole_is_not_taken() -> None:
    rig = Rig()
    assert not rig.hub.change(rig.channel, Change(2, joined=True, member=Member("bob")), now=0)
    plain = rig.hub.open("plain", Tail(Position("e", 0)), roster=None, now=0)
    assert not rig.hub.change(plain, Change(1, joined=True, member=Member("bob")), now=0)


def test_one_that_slept_through_too_many_changes_gets_the_list() -> None:
    rig, slow = Rig(size=2), Client()
    session = rig.enter(slow)
    rig.flush()
    rig.hub.block(session)
    for user in ("a", "b", "c"):
        rig.change(user, joined=True)
    rig.flush()
    rig.hub.unblock(session)
    rig.flush()
    assert slow.types() == ["subscribed", "presence"]
    assert slow.told[1]["count"] == 3
    assert "id" not in slow.told[1]


def test_a_list_read_again_is_told_as_what_changed() -> None:
    rig, live, slow = Rig(), Client(), Client()
    rig.enter(live)
    session = rig.enter(slow)
    rig.change("ann", joined=True)
    rig.change("bob", joined=True)
    rig.flush()
    rig.hub.block(session)
    rig.hub.replace_members(rig.channel, roster(9, "bob", "cat"))
    rig.hub.unblock(session)
    rig.flush()
    assert [(one["type"], one["user"]) for one in live.told[3:]] == [
        ("left", "ann"),
        ("joined", "cat"),
    ]
    assert slow.types()[3:] == ["presence"]


def test_a_list_read_again_hides_no_change_that_was_not_told_yet() -> None:
    rig, live = Rig(), Client()
    rig.enter(live)
    rig.flush()
    rig.change("ann", joined=True)
    rig.hub.replace_members(rig.channel, roster(2, "ann", "bob"))
    rig.flush()
    assert [one["user"] for one in live.told[1:]] == ["ann", "bob"]


def test_a_session_that_blocks_when_told_of_a_new_list_is_not_told_again() -> None:
    rig, client = Rig(), Client()
    session = rig.enter(client)
    rig.flush()
    client.takes = 10
    rig.hub.replace_members(rig.channel, roster(3, "bob"))
    assert session.blocked
    rig.hub.unblock(session)
    rig.flush()
    assert client.types() == ["subscribed", "joined"]


def test_a_list_that_is_all_different_is_told_as_a_list() -> None:
    rig, client = Rig(), Client()
    rig.enter(client)
    rig.flush()
    everyone = (f"u{number}" for number in range(10_000))
    rig.hub.replace_members(rig.channel, roster(10_000, *everyone))
    rig.flush()
    assert client.types() == ["subscribed", "presence"]
    assert client.told[1]["count"] == 10_000
    assert len(client.told[1]["members"]) == LISTED_MAX


def test_among_ten_thousand_members_a_join_is_one_small_message_to_each() -> None:
    rig, client = Rig(), Client()
    rig.hub.replace_members(rig.channel, roster(9, *(f"u{number}" for number in range(10_000))))
    rig.enter(client)
    rig.flush()
    before = client.written_bytes
    rig.change("one-more", joined=True)
    rig.flush()
    assert client.written_bytes - before < 100


def test_a_flush_with_nothing_new_writes_nothing() -> None:
    rig, client = Rig(), Client()
    rig.enter(client)
    rig.flush()
    rig.hub.append(rig.channel, publication(0), now=0)
    rig.flush()
    assert client.writes == 1
