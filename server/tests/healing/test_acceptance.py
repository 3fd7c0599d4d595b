"""What a process remembers of what it was given."""

import tracemalloc

from riverd.healing import acceptance
from riverd.healing.acceptance import Acceptance
from riverd.model.log import Message, Position

MESSAGE = Message("c", "e", b"1", key="k")
HERE = Position("a", 1)


def test_everything_is_remembered_until_something_newer_came_long_after() -> None:
    ours = Acceptance()
    ours.accepted(MESSAGE, HERE, is_new=True, now=0.0)
    ours.unanswered(MESSAGE, after=HERE, now=1.0)
    assert ours.remembers_s(1_000.0) > 1_000
    assert [one.age_s for one in ours.known(1_000.0)] == [1_000.0]
    ours.read("c", Position("a", 2), now=acceptance.KEPT_S + 0.5)
    assert [one.offset for one in ours.known(40.0)] == [2]
    assert len([*ours.all_unanswered(40.0)]) == 1
    assert ours.remembers_s(40.0) == 40.0


def test_its_bytes_are_bounded() -> None:
    ours = Acceptance()
    large = Message("c", "e", b"x" * (acceptance.KEPT_BYTES_MAX // 3))
    for number in range(5):
        ours.accepted(large, Position("a", number), is_new=True, now=float(number))
    assert [one.offset for one in ours.known(5.0)] == [3, 4]
    assert ours.remembers_s(5.0) == 3.0


def test_bytes_of_what_a_broker_never_answers_are_bounded() -> None:
    ours = Acceptance()
    large = Message("c", "e", b"x" * (acceptance.KEPT_BYTES_MAX // 3), key="k")
    for number in range(5):
        ours.unanswered(large, after=HERE, now=float(number))
    assert [one.age_s for one in ours.all_unanswered(5.0)] == [2.0, 1.0]
    assert ours.remembers_s(5.0) == 3.0
    ours.read("c", HERE, now=acceptance.KEPT_S + 10)
    assert [*ours.all_unanswered(40.0)] == []
    ours.unanswered(large, after=HERE, now=40.0)
    ours.unanswered(large, after=HERE, now=40.0)
    assert len([*ours.all_unanswered(40.0)]) == 2


def test_a_position_that_is_not_new_says_nothing_of_its_content() -> None:
    ours = Acceptance()
    ours.accepted(MESSAGE, HERE, is_new=False, now=0.0)
    [known] = ours.known(0.0)
    assert (known.publication, known.key, known.was_accepted) == (None, "k", True)


def test_entries_count_for_the_memory_that_they_take() -> None:
    count, ours = 5_000, Acceptance()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(count):
            key, data = f"{number:032}", b"%0100d" % number
            message = Message(f"channel-{number}", f"event-{number}", data, key=key)
            ours.accepted(message, Position(f"{number:08}", number), is_new=True, now=0.0)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken <= 1.2 * count * (acceptance.COUNTED_BYTES + message.size)
