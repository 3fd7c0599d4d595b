"""What is written to many is written in portions, and each of them gets all of it in order."""

import random
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest
from crowd import KEPT, MANY, Crowd
from river_wire import Client, session_of

from riverd.core.fanout import HEAVY_BYTES, WRITES_MAX
from riverd.core.session import Session
from riverd.model.log import Change, Ephemeral, Member, Position, Roster, Tail
from riverd.model.replies import Gap


def test_publication_for_many_is_written_in_portions_once_to_each() -> None:
    crowd = Crowd()
    channel = crowd.open("c", MANY)
    crowd.publish(channel)
    assert crowd.turn() == WRITES_MAX
    assert crowd.hub.has_sent("c", 1) is False
    assert [crowd.turn() for _ in range(3)] == [WRITES_MAX, 500, 0]
    assert crowd.hub.has_sent("c", 1)
    assert all(client.events() == [1] for client in crowd.clients)
    assert crowd.hub.deliveries == MANY


def test_large_frames_make_portions_smaller() -> None:
    crowd = Crowd()
    channel = crowd.open("c", WRITES_MAX)
    crowd.publish(channel, data=b'"%b"' % (b"x" * 3 * HEAVY_BYTES))
    assert crowd.turn() == WRITES_MAX // 4
    crowd.flush()
    assert all(client.events() == [1] for client in crowd.clients)


def test_many_channels_with_news_share_the_turns() -> None:
    crowd = Crowd()
    channels = [crowd.open(f"c{number}", 400) for number in range(5)]
    for channel in channels:
        crowd.publish(channel)
    writes = [crowd.turn() for _ in range(2)]
    assert max(writes) <= WRITES_MAX
    assert sum(writes) == 2_000
    assert not crowd.hub.flush(0).more


def test_what_is_published_meanwhile_follows_in_order() -> None:
    crowd = Crowd()
    channel = crowd.open("c", MANY)
    crowd.publish(channel)
    for _ in range(7):
        crowd.hub.flush(0)
        crowd.publish(channel)
    crowd.flush()
    assert all(client.events() == list(range(1, 9)) for client in crowd.clients)


def test_one_that_blocks_while_it_is_owed_something_is_sent_it() -> None:
    crowd = Crowd()
    channel = crowd.open("c", MANY)
    crowd.publish(channel)
    crowd.hub.flush(0)
    last = crowd.sessions[-1]
    subscription = last.subscriptions["c"]
    assert channel.cursor_of(subscription) == 0
    assert channel.is_owed(subscription)
    crowd.hub.block(last)
    assert channel.cursor_of(subscription) == 0
    crowd.flush()
    assert channel.cursor_of(subscription) == 1
    crowd.hub.unblock(last)
    crowd.publish(channel)
    crowd.flush()
    # Nothing is kept: without that it would have been sent a gap.
    assert crowd.clients[-1].types() == ["event", "event"]


def test_one_that_leaves_or_comes_meanwhile_is_sent_what_is_its_own() -> None:
    crowd = Crowd()
    channel = crowd.open("c", MANY)
    crowd.publish(channel)
    crowd.hub.flush(0)
    left, came = crowd.sessions[-1], session_of(newcomer := Client())
    crowd.hub.unsubscribe(left.subscriptions["c"])
    crowd.enter(came, channel)
    crowd.publish(channel)
    crowd.flush()
    assert crowd.clients[-1].events() == []
    assert newcomer.events() == [2]
    assert crowd.clients[-2].events() == [1, 2]


def test_one_that_is_excluded_is_left_out_of_a_round_and_others_are_not() -> None:
    crowd = Crowd()
    channel = crowd.open("c", MANY)
    crowd.publish(channel, exclude=crowd.sessions[-1].id)
    crowd.publish(channel)
    assert crowd.turn() == WRITES_MAX
    crowd.flush()
    assert crowd.clients[-1].events() == [2]
    assert all(client.events() == [1, 2] for client in crowd.clients[:-1])
    assert crowd.hub.deliveries == 2 * MANY - 1


def test_event_that_no_log_keeps_reaches_all_who_were_live() -> None:
    crowd = Crowd()
    channel = crowd.open("c", MANY)
    crowd.hub.pass_on(channel, Ephemeral(0, "e", b"1"))
    crowd.hub.flush(0)
    late = session_of(newcomer := Client())
    crowd.enter(late, channel)
    crowd.flush()
    assert all(client.types() == ["event"] for client in crowd.clients)
    assert newcomer.types() == []


def test_pause_after_joins_begins_when_all_were_notified() -> None:
    crowd = Crowd()
    channel = crowd.open("presence-c", MANY, roster=Roster(Position("m1", 0), {}, 0))
    assert crowd.hub.change(channel, Change(1, True, Member("ann")), now=0)
    notified = [crowd.hub.flush(0).notified_of_changes for _ in range(4)]
    assert notified == [0, 0, MANY, 0]


def test_list_that_was_read_again_follows_what_is_owed() -> None:
    crowd = Crowd()
    channel = crowd.open("presence-c", MANY, roster=Roster(Position("m1", 0), {}, 0))
    crowd.publish(channel)
    crowd.hub.flush(0)
    crowd.hub.replace_members(channel, Roster(Position("m2", 5), {"ann": Member("ann")}, 1))
    assert crowd.turn() <= WRITES_MAX
    crowd.flush()
    assert all(client.types() == ["event", "joined"] for client in crowd.clients)


def test_gaps_for_many_are_sent_in_portions_and_what_follows_them_after_them() -> None:
    crowd = Crowd(KEPT)
    channel = crowd.open("c", MANY)
    crowd.hub.restart(channel, Tail(Position("e2", 3)), now=0)
    assert crowd.turn() <= WRITES_MAX
    crowd.publish(channel)
    crowd.flush()
    for client in crowd.clients:
        assert client.types() == ["gap", "event"]
        assert client.told[0]["offset"] == 3
    delays = [client.told[0]["reload_after_ms"] for client in crowd.clients]
    assert len(set(delays)) == MANY


def test_those_who_are_sent_a_gap_together_reload_one_after_the_other() -> None:
    crowd = Crowd(KEPT)
    channel = crowd.open("c", 2_000)
    crowd.hub.restart(channel, Tail(Position("e2", 1)), now=0)
    crowd.flush()
    delays = sorted(client.told[-1]["reload_after_ms"] for client in crowd.clients)
    assert delays == list(range(0, 40_000, 20))
    crowd.hub.restart(channel, Tail(Position("e3", 0)), now=100)
    crowd.flush(now=100)
    assert min(client.told[-1]["reload_after_ms"] for client in crowd.clients) == 0


def test_gap_says_where_the_log_is_if_it_does_not_hold_what_came_since() -> None:
    crowd = Crowd()
    channel = crowd.open("c", MANY)
    crowd.hub.restart(channel, Tail(Position("e2", 3)), now=0)
    crowd.hub.flush(0)
    crowd.publish(channel)
    crowd.hub.flush(0)
    crowd.hub.expire(0)
    crowd.flush()
    assert crowd.clients[-1].types() == ["gap"]
    assert crowd.clients[-1].told[0]["offset"] == 4
    assert crowd.clients[0].types() == ["gap", "event"]


def test_log_that_begins_again_twice_is_one_gap_at_its_newest_beginning() -> None:
    crowd = Crowd(KEPT)
    channel = crowd.open("c", MANY)
    crowd.hub.restart(channel, Tail(Position("e2", 3)), now=0)
    crowd.hub.flush(0)
    crowd.hub.restart(channel, Tail(Position("e3", 1)), now=0)
    crowd.flush()
    assert [one["epoch"] for one in crowd.clients[0].told] == ["e2", "e3"]
    assert [one["epoch"] for one in crowd.clients[-1].told] == ["e3"]


def test_what_is_owed_comes_before_the_gap() -> None:
    crowd = Crowd()
    channel = crowd.open("c", WRITES_MAX)
    # Fewer writes of so much fit into a turn than gaps.
    crowd.publish(channel, data=b'"%b"' % (b"x" * 19 * HEAVY_BYTES))
    crowd.hub.flush(0)
    crowd.hub.restart(channel, Tail(Position("e2", 3)), now=0)
    last = crowd.sessions[-1]
    crowd.hub.block(last)
    crowd.hub.unblock(last)
    crowd.flush()
    assert all(client.types() == ["event", "gap"] for client in crowd.clients)


def test_one_whose_end_makes_room_for_others_is_not_sent_its_gap() -> None:
    crowd = Crowd(KEPT)
    channel = crowd.open("c", 3)
    crowd.hub.restart(channel, Tail(Position("e2", 3)), now=0)
    # Its socket is full at the gap: who waits longest is dropped.
    first, last = crowd.clients[0], crowd.sessions[-1]
    first.takes = 0
    first.on_full = lambda: crowd.hub.unsubscribe(last.subscriptions["c"])
    crowd.flush()
    assert [client.types() for client in crowd.clients] == [["gap"], ["gap"], []]


def test_one_that_ended_was_sent_no_more_than_what_was_written_to_it() -> None:
    crowd = Crowd()
    channel = crowd.open("c", MANY)
    crowd.publish(channel)
    crowd.hub.flush(0)
    blocked, owed = crowd.sessions[-2:]
    crowd.hub.block(blocked)
    for session in (blocked, owed):
        session.end()
        crowd.hub.mute(session)
    crowd.publish(channel)
    crowd.flush()
    assert [channel.cursor_of(one.subscriptions["c"]) for one in (blocked, owed)] == [0, 0]
    assert crowd.hub.deliveries == 2 * (MANY - 2)


def test_one_that_what_it_is_owed_blocks_is_sent_the_gap_when_it_takes_more() -> None:
    crowd = Crowd(KEPT)
    channel = crowd.open("c", WRITES_MAX)
    crowd.publish(channel, data=b'"%b"' % (b"x" * 19 * HEAVY_BYTES))
    crowd.hub.flush(0)
    crowd.hub.restart(channel, Tail(Position("e2", 3)), now=0)
    crowd.clients[-1].takes = 0
    crowd.flush()
    assert crowd.clients[-1].types() == ["event"]
    crowd.hub.unblock(crowd.sessions[-1])
    crowd.flush()
    assert crowd.clients[-1].types() == ["event", "gap"]


def test_first_publications_are_noted_as_sent_where_turns_are_always_full() -> None:
    crowd = Crowd()
    channel = crowd.open("c", MANY)
    crowd.publish(channel)
    crowd.hub.flush(0)
    crowd.publish(channel)
    assert crowd.hub.unsent() == ("c", 2)
    crowd.hub.flush(0)
    assert not crowd.hub.has_sent("c", 2)
    for _ in range(4):
        crowd.publish(channel)
        assert crowd.hub.flush(0).more
    assert crowd.hub.has_sent("c", 2)


def test_nobody_waits_for_a_publication_of_a_log_that_began_again() -> None:
    crowd = Crowd(KEPT)
    channel = crowd.open("c", MANY)
    crowd.publish(channel)
    crowd.publish(channel)
    crowd.hub.flush(0)
    crowd.hub.restart(channel, Tail(Position("e2", 1)), now=0)
    assert not crowd.hub.has_sent("c", 2)
    crowd.flush()
    assert crowd.hub.has_sent("c", 2)


def test_channels_without_room_come_before_those_that_have_not_had_their_turn() -> None:
    crowd = Crowd(writes_max=10)
    channels = [crowd.open(f"c{number}", 1) for number in range(24)]
    large = crowd.open("large", 9)
    for channel in (channels[0], large, *channels[1:]):
        crowd.publish(channel)
    reached: list[str] = []
    while crowd.turn():
        reached += [name for name in crowd.hub.channels if name not in reached and crowd.has(name)]
    assert reached == ["c0", "large", *(f"c{number}" for number in range(1, 24))]


class Chance:
    """Does one thing after the other with a channel and its subscribers."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  nothing secret
        self.crowd = Crowd(KEPT, writes_max=3)
        self.channel = self.crowd.open("c", 12)
        self.epoch = 1
        self.excluded: defaultdict[str, set[int]] = defaultdict(set)
        """The offsets that are not for a session, of all epochs."""
        for session in self.crowd.sessions:
            self.note_start(session)

    def note_start(self, session: Session) -> None:
        session.reply(Gap("c", self.channel.log.position, 0))

    def step(self) -> None:
        actions = {
            self.publish: 4,
            self.flush: 4,
            self.block: 1,
            self.fill: 1,
            self.unblock: 2,
            self.come_or_go: 2,
            self.lose: 1,
        }
        session = self.random.choice(self.crowd.sessions)
        self.random.choices([*actions], [*actions.values()])[0](session)

    def publish(self, session: Session) -> None:
        chosen = self.random.choice((None, None, session.id))
        self.crowd.publish(self.channel, exclude=chosen)
        if chosen is not None:
            self.excluded[chosen].add(self.channel.log.offset)

    def flush(self, session: Session) -> None:
        del session
        self.crowd.hub.flush(0)

    def block(self, session: Session) -> None:
        self.crowd.hub.block(session)

    def fill(self, session: Session) -> None:
        """It blocks at one of the next writes."""
        client = self.crowd.clients[self.crowd.sessions.index(session)]
        client.takes = self.random.randrange(300)

    def unblock(self, session: Session) -> None:
        self.crowd.hub.unblock(session)

    def come_or_go(self, session: Session) -> None:
        subscription = session.subscriptions.get("c")
        if subscription is not None:
            self.crowd.hub.unsubscribe(subscription)
        elif not session.blocked:
            self.note_start(session)
            self.crowd.enter(session, self.channel)

    def lose(self, session: Session) -> None:
        if self.random.random() < 0.3:
            self.epoch += 1
            position = Position(f"e{self.epoch}", self.random.randrange(9))
            self.crowd.hub.restart(self.channel, Tail(position), now=0)
        elif "c" in session.subscriptions:
            self.crowd.hub.lose(session.subscriptions["c"])


def check_order(told: list[dict[str, Any]], own: set[int]) -> None:
    """Offsets rise without a hole but for those that are not for it, after a gap from there."""
    positions = [(one["type"], one["offset"]) for one in told]
    for (_, before), (kind, offset) in pairwise(positions):
        missing = set(range(before + 1, offset))
        assert kind == "gap" or (offset > before and missing <= own), positions


@pytest.mark.parametrize("seed", range(20))
def test_any_interleaving_leaves_nobody_with_a_hole_or_a_duplicate(seed: int) -> None:
    chance = Chance(seed)
    for _ in range(400):
        chance.step()
    crowd, log = chance.crowd, chance.channel.log
    for session, client in zip(crowd.sessions, crowd.clients, strict=True):
        client.takes = None
        crowd.hub.unblock(session)
    crowd.flush()
    crowd.publish(chance.channel)
    crowd.flush()
    for session, client in zip(crowd.sessions, crowd.clients, strict=True):
        check_order(client.told, chance.excluded[session.id])
        if "c" in session.subscriptions:
            assert client.told[-1]["offset"] == log.offset
