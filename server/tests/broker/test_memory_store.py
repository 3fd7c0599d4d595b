"""What a memory broker keeps, for how long, and for whom."""

import asyncio
import time
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverd.broker.memory import store as stored
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import (
    IDLE_S_MAX,
    KEYS_KEPT_S,
    LISTED_AT_ONCE,
    NAMES_AT_ONCE,
    Store,
)
from riverd.broker.memory.switchboard import Switchboard
from riverd.channels.rules import ChannelRules
from riverd.errors import ErrorCode, RiverError
from riverd.model.log import Member, Message, Occupancy, Position

ANN, BOB = Member("ann"), Member("bob", b'{"a":1}')


def store_of(*, size: int = 5, ttl_s: float = 60) -> Store:
    epochs = count(1)
    rules = ChannelRules(history_size=size, history_ttl_s=ttl_s)
    return Store(rules, new_epoch=lambda: f"e{next(epochs)}")


def occupied(store: Store, prefix: str, *, limit: int | None = None) -> dict[str, Occupancy]:
    found: dict[str, Occupancy] = {}
    assert not any(store.occupying(prefix, found, limit=limit))
    return found


def publish(
    store: Store, channel: str = "c", *, now: float = 0, key: str | None = None
) -> Position:
    position, _ = store.publish(Message(channel, "e", b"1", key), now)
    return position


def offsets(store: Store, after: Position | None, limit: int | None, now: float = 0) -> list[int]:
    return [one.offset for one in store.read("c", after, limit=limit, now=now).publications]


def reason(store: Store, after: Position, now: float = 0) -> str:
    with pytest.raises(RiverError) as caught:
        store.read("c", after, keep=False, now=now)
    assert caught.value.error is ErrorCode.UNRECOVERABLE
    return caught.value.message


def test_offsets_rise_by_one_and_each_channel_has_its_own() -> None:
    store = store_of()
    assert [publish(store).offset for _ in range(3)] == [1, 2, 3]
    assert publish(store, "d").offset == 1
    assert publish(store, "d").epoch != publish(store).epoch


def test_a_channel_that_is_looked_at_has_an_epoch_that_stays() -> None:
    store = store_of()
    looked = store.read("c", now=0).position
    assert looked.offset == 0
    assert store.position("c", 0) == looked
    assert publish(store) == Position(looked.epoch, 1)


def test_the_window_is_bounded_by_size_and_by_time() -> None:
    store = store_of(size=3)
    for now in range(5):
        publish(store, now=now)
    assert offsets(store, None, None) == [3, 4, 5]
    assert offsets(store, None, None, now=63) == [4, 5]
    assert offsets(store, None, None, now=1000) == []
    assert store.position("c", 1000).offset == 5


def test_reading_after_a_position_gives_what_followed() -> None:
    store = store_of()
    epoch = [publish(store).epoch for _ in range(5)][-1]
    assert offsets(store, Position(epoch, 2), None) == [3, 4, 5]
    assert offsets(store, Position(epoch, 2), 2) == [3, 4]
    assert offsets(store, Position(epoch, 5), None) == []
    assert offsets(store, Position(epoch, 2), 10**30) == [3, 4, 5]


def test_reading_without_a_position_gives_the_last_ones() -> None:
    store = store_of()
    for _ in range(4):
        publish(store)
    assert offsets(store, None, 2) == [3, 4]
    assert offsets(store, None, 10**30) == [1, 2, 3, 4]


def test_what_cannot_be_had_is_refused_with_the_contracts_reason() -> None:
    store = store_of(size=2)
    epoch = [publish(store).epoch for _ in range(5)][-1]
    assert reason(store, Position("other", 5)) == "epoch"
    assert reason(store, Position(epoch, 6)) == "unknown"
    assert reason(store, Position(epoch, 2)) == "window"
    assert offsets(store, Position(epoch, 3), None) == [4, 5]


def test_a_message_with_a_key_is_published_once() -> None:
    store = store_of()
    first = publish(store, key="k")
    assert store.publish(Message("c", "e", b"2", "k"), 1) == (first, None)
    assert publish(store, "d", key="k").offset == 1
    assert publish(store).offset == 2


def test_keys_are_kept_for_a_while_and_not_for_ever() -> None:
    store = store_of()
    publish(store, key="k", now=0)
    assert publish(store, key="k", now=KEYS_KEPT_S - 1).offset == 1
    assert publish(store, key="k", now=KEYS_KEPT_S).offset == 2
    assert publish(store, key="k", now=KEYS_KEPT_S + 1).offset == 2


def test_the_number_of_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "KEYS_MAX", 2)
    store = store_of()
    for key in ("a", "b", "c"):
        publish(store, key=key)
    assert publish(store, key="c").offset == 3
    assert publish(store, key="a").offset == 4


def test_a_log_outlives_its_entries_until_nobody_has_touched_it_for_long() -> None:
    store = store_of(ttl_s=60)
    epoch = publish(store, now=0).epoch
    store.expire(IDLE_S_MAX)
    assert store.position("c", IDLE_S_MAX) == Position(epoch, 1)
    store.expire(2 * IDLE_S_MAX)
    assert store.position("c", 2 * IDLE_S_MAX) == Position(epoch, 1)
    store.expire(3 * IDLE_S_MAX + 1)
    assert store.position("c", 3 * IDLE_S_MAX + 1).epoch != epoch


def test_a_log_that_was_only_looked_at_goes_sooner() -> None:
    store = store_of(ttl_s=60)
    epoch = store.read("c", now=0).position.epoch
    store.expire(60)
    assert store.position("c", 60).epoch == epoch
    store.expire(121)
    assert store.position("c", 121).epoch != epoch


def test_a_log_that_somebody_hears_is_kept() -> None:
    store = store_of(ttl_s=60)
    epoch = store.read("c", now=0).position.epoch
    store.report("n1", {"c": 1})
    store.expire(IDLE_S_MAX * 9)
    assert publish(store, now=IDLE_S_MAX * 9) == Position(epoch, 1)


def test_what_was_heard_a_moment_ago_is_kept_for_those_who_come_back() -> None:
    store = store_of(ttl_s=60)
    log = store.read("c", now=0).position
    store.report("n1", {"c": 1, "presence-c": 1})
    store.join("presence-c", "n1", ANN)
    store.expire(IDLE_S_MAX)
    store.leave("presence-c", "n1", "ann")
    members = store.roster("presence-c").position
    store.report("n1", {"c": 0, "presence-c": 0})
    store.expire(2 * IDLE_S_MAX)
    assert store.roster("presence-c").position == members
    assert publish(store, now=2 * IDLE_S_MAX).epoch == log.epoch
    store.expire(4 * IDLE_S_MAX)
    assert store.roster("presence-c").position.epoch != members.epoch
    assert store.position("c", 4 * IDLE_S_MAX).epoch != log.epoch


def test_expiring_lets_go_of_keys_and_empty_lists() -> None:
    store = store_of()
    publish(store, key="k", now=0)
    store.join("presence-c", "n1", ANN)
    store.join("presence-d", "n1", ANN)
    before = store.roster("presence-c").position
    assert store.leave("presence-c", "n1", "ann") is not None
    store.expire(KEYS_KEPT_S)
    assert publish(store, key="k", now=KEYS_KEPT_S).offset == 2
    assert store.roster("presence-c").position.epoch != before.epoch
    assert list(store.roster("presence-d").members) == ["ann"]


def test_a_user_joins_once_and_leaves_once_whatever_its_nodes() -> None:
    store = store_of()
    at, change = store.join("presence-c", "n1", BOB)
    assert change is not None
    assert (change.offset, change.joined, change.member) == (at.offset, True, BOB)
    assert store.join("presence-c", "n2", Member("bob")) == (at, None)
    assert store.roster("presence-c").members == {"bob": BOB}
    assert store.leave("presence-c", "n1", "bob") is None
    left = store.leave("presence-c", "n2", "bob")
    assert left is not None
    assert (left[1].offset, left[1].joined, left[1].member) == (at.offset + 1, False, BOB)
    assert store.roster("presence-c").members == {}


def test_leaving_without_having_joined_changes_nothing() -> None:
    store = store_of()
    assert store.leave("presence-c", "n1", "ann") is None
    store.join("presence-c", "n1", ANN)
    assert store.leave("presence-c", "n2", "ann") is None
    assert store.leave("presence-c", "n1", "bob") is None
    assert store.leave("presence-c", "n1", "ann") is not None
    assert store.leave("presence-c", "n1", "ann") is None


def test_a_node_that_is_gone_takes_along_what_only_it_had() -> None:
    store = store_of()
    store.join("presence-c", "n1", ANN)
    store.join("presence-c", "n1", BOB)
    store.join("presence-c", "n2", BOB)
    store.report("n1", {"presence-c": 2, "dogs": 1})
    store.report("n2", {"presence-c": 1})
    [(channel, _, change)] = store.forget_node("n1")
    assert (channel, change.joined, change.member) == ("presence-c", False, ANN)
    assert occupied(store, "") == {"presence-c": Occupancy(1, 1)}
    assert store.forget_node("n1") == []


def test_counts_are_added_over_nodes() -> None:
    store = store_of()
    store.report("n1", {"dogs": 2, "cats": 1})
    store.report("n2", {"dogs": 3})
    assert store.occupancy("dogs") == Occupancy(5)
    assert occupied(store, "do") == {"dogs": Occupancy(5)}
    store.report("n1", {"dogs": 0, "cats": 0, "never": 0})
    assert occupied(store, "") == {"dogs": Occupancy(3)}
    assert store.occupancy("cats") == Occupancy(0)


@given(st.lists(st.tuples(st.sampled_from("pre"), st.floats(0, 30)), max_size=40))
def test_a_reader_that_keeps_within_the_window_gets_every_publication_once(
    steps: list[tuple[str, float]],
) -> None:
    store, now, got = store_of(size=10), 0.0, list[int]()
    at = store.read("c", now=now).position
    for step, seconds in steps:
        now += seconds
        match step:
            case "p":
                publish(store, now=now)
                store.report("n1", {"c": 1})
            case "e":
                store.expire(now)
            case _:
                pass
        try:
            tail = store.read("c", at, now=now)
        except RiverError as error:
            assert error.message in {"window", "epoch"}  # noqa: PT017  either is an honest word
            tail = store.read("c", now=now)
            got.clear()
        else:
            got += [one.offset for one in tail.publications]
        at = tail.position
    assert got == list(range(got[0], got[0] + len(got))) if got else True


def test_channels_are_listed_some_at_a_time_without_those_that_ended_meanwhile() -> None:
    store = store_of()
    names = [f"c{number:05}" for number in range(2 * LISTED_AT_ONCE + 10)]
    store.report("n1", dict.fromkeys(names, 1))
    found: dict[str, Occupancy] = {}
    listing, occupancy, looked_at = store.occupying("c", found), store.occupancy, 0

    def counted(channel: str) -> Occupancy:
        nonlocal looked_at
        looked_at += 1
        return occupancy(channel)

    store.occupancy = counted  # type: ignore[method-assign]  to count
    next(listing)
    assert looked_at == LISTED_AT_ONCE
    store.report("n1", {names[-1]: 0})
    next(listing)
    assert looked_at == 2 * LISTED_AT_ONCE
    assert list(listing) == []
    assert found == dict.fromkeys(names[:-1], Occupancy(1, None))


def test_first_channels_in_order_are_found_however_many_there_are() -> None:
    store = store_of()
    names = [f"c{number}" for number in range(2 * NAMES_AT_ONCE + 10)]
    store.report("n1", {"#own": 1, **dict.fromkeys(names, 1)})
    assert list(occupied(store, "", limit=3)) == sorted(names)[:3]
    assert len(list(store.occupying("", {}, limit=3))) == 2


async def test_others_have_their_turn_while_channels_are_listed() -> None:
    board = Switchboard(store_of())
    broker = MemoryBroker(board, time.monotonic)
    await broker.report(dict.fromkeys(map(str, range(3 * LISTED_AT_ONCE)), 1))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    assert len(await broker.occupied("")) == 3 * LISTED_AT_ONCE
    assert turns == 2
    task.cancel()
