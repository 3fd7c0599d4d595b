"""The checker, by histories with planted violations: it names each, and none that is not there."""

from collections.abc import Callable

import msgspec
import pytest

from riverd.commands.verify.checker import Rule, gaps, violations
from riverd.commands.verify.history import (
    Attempt,
    ChannelRecord,
    Fate,
    MemberChange,
    Observation,
    Observed,
    PresenceRecord,
    RunHistory,
    Stay,
)

CHANNEL = "dogs"
END_S = 100.0
Plant = Callable[[RunHistory], None]


def sound() -> RunHistory:
    """Ten publications, a subscriber that was cut off once, one that was told of a gap."""
    sent = [
        Attempt(f"k{n}", CHANNEL, float(n), n + 0.5, Fate.ACCEPTED, ("e", n)) for n in range(1, 11)
    ]
    sent.append(Attempt("no", CHANNEL, 4.2, 4.3, Fate.REFUSED))
    cut = [
        Observation(0.5, Observed.BEGAN, "e", 0),
        *(event(n) for n in range(1, 5)),
        Observation(6.0, Observed.RESUMED, "e", 7),
        *(event(n) for n in range(5, 11)),
    ]
    gap = [
        Observation(0.5, Observed.BEGAN, "e", 0),
        event(1),
        Observation(8.2, Observed.GAP, "e", 8),
        event(9),
        event(10),
    ]
    stays = [Stay("ann", 1.0), Stay("bob", 1.0, 50.0)]
    watch = PresenceRecord(
        "eve",
        ["eve"],
        [MemberChange(1.1, "ann", joined=True), MemberChange(1.1, "bob", joined=True)],
    )
    watch.changes.append(MemberChange(52.0, "bob", joined=False))
    stays.append(Stay("eve", 0.5))
    readings = [
        ChannelRecord("cut", CHANNEL, cut, END_S),
        ChannelRecord("gap", CHANNEL, gap, END_S),
    ]
    return RunHistory(sent, readings, stays, [watch], END_S)


def event(number: int, key: str | None = None) -> Observation:
    return Observation(number + 0.6, Observed.EVENT, "e", number, key or f"k{number}")


def lose_the_last(history: RunHistory) -> None:
    history.readings[0].steps.pop()


def lose_in_the_middle(history: RunHistory) -> None:
    del history.readings[0].steps[7]


def give_twice(history: RunHistory) -> None:
    history.readings[0].steps.insert(4, event(3))


def give_the_content_again(history: RunHistory) -> None:
    history.readings[1].steps[-1] = event(10, "k9")


def swap(history: RunHistory) -> None:
    steps = history.readings[1].steps
    steps[1:2] = [event(2), event(1)]


def make_something_up(history: RunHistory) -> None:
    history.readings[1].steps.append(event(11, "nobody"))


def deliver_what_was_refused(history: RunHistory) -> None:
    history.readings[1].steps.append(event(11, "no"))


def give_one_position_to_two(history: RunHistory) -> None:
    history.sent.append(Attempt("k11", CHANNEL, 11.0, 11.5, Fate.ACCEPTED, ("e", 10)))


def show_two_contents(history: RunHistory) -> None:
    history.readings[1].steps[1] = event(1, "k0")
    history.sent.append(Attempt("k0", CHANNEL, 0.1, 0.2, Fate.UNKNOWN))


def accept_at_two_positions(history: RunHistory) -> None:
    history.sent.append(Attempt("k3", CHANNEL, 11.0, 11.5, Fate.ACCEPTED, ("e", 11)))


def turn_the_log_around(history: RunHistory) -> None:
    history.sent.append(Attempt("k12", CHANNEL, 12.0, 12.5, Fate.ACCEPTED, ("e", 0)))


def resume_elsewhere(history: RunHistory) -> None:
    history.readings[0].steps[5] = Observation(6.0, Observed.RESUMED, "f", 7)


def begin_again_in_silence(history: RunHistory) -> None:
    history.sent.append(Attempt("k20", CHANNEL, 20.0, 20.5, Fate.ACCEPTED, ("f", 1)))


def keep_a_ghost(history: RunHistory) -> None:
    history.watches[0].changes.pop()


def forget_somebody(history: RunHistory) -> None:
    del history.watches[0].changes[0]


def announce_twice(history: RunHistory) -> None:
    history.watches[0].changes.insert(1, MemberChange(1.2, "ann", joined=True))


def say_goodbye_twice(history: RunHistory) -> None:
    history.watches[0].changes.append(MemberChange(53.0, "bob", joined=False))


PLANTS: dict[Plant, Rule] = {
    lose_the_last: Rule.LOST,
    lose_in_the_middle: Rule.LOST,
    give_twice: Rule.DOUBLED,
    give_the_content_again: Rule.DOUBLED,
    swap: Rule.REORDERED,
    make_something_up: Rule.INVENTED,
    deliver_what_was_refused: Rule.REFUSED,
    give_one_position_to_two: Rule.TWO_CONTENTS,
    show_two_contents: Rule.TWO_CONTENTS,
    accept_at_two_positions: Rule.TWO_POSITIONS,
    turn_the_log_around: Rule.ORDER,
    resume_elsewhere: Rule.LOST,
    begin_again_in_silence: Rule.LOST,
    keep_a_ghost: Rule.GHOST,
    forget_somebody: Rule.ABSENT,
    announce_twice: Rule.JOINED_TWICE,
    say_goodbye_twice: Rule.LEFT_TWICE,
}


def test_a_sound_history_has_no_violation() -> None:
    assert violations(sound()) == []
    assert gaps(sound()) == 1


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_violation_is_named(plant: Plant) -> None:
    history = msgspec.convert(msgspec.to_builtins(sound()), RunHistory)
    plant(history)
    assert PLANTS[plant] in {one.rule for one in violations(history)}


def test_what_is_still_under_way_is_not_lost() -> None:
    history = sound()
    history.readings[0].steps.pop()
    history.readings[0].until_s = history.sent[9].end_s + 1
    assert violations(history) == []


def test_a_member_that_has_just_gone_is_no_ghost_yet() -> None:
    history = sound()
    history.watches[0].changes.pop()
    history.stays[1].end_s = END_S - 1
    assert violations(history) == []


def test_a_new_log_that_was_reported_is_honest() -> None:
    history = sound()
    history.sent.append(Attempt("k20", CHANNEL, 20.0, 20.5, Fate.ACCEPTED, ("f", 1)))
    for one in history.readings:
        one.steps.append(Observation(21.0, Observed.GAP, "f", 1))
    assert violations(history) == []
    assert gaps(history) == 3
