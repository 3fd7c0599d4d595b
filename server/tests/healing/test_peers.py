"""Who publishes is known to others."""

from riverd.healing.process import CANDIDATE, Beats, Peers


def beats(
    now_s: float, *, is_member: bool = True, answered_s: float = 0.0, **signs_s: float
) -> Beats:
    """All others got their last answers at the same moment."""
    signs = {name.replace("new_", CANDIDATE): at * 1000 for name, at in signs_s.items()}
    answered = {name.lstrip(CANDIDATE): answered_s * 1000 for name in signs}
    return Beats(now_s * 1000, signs, answered, is_member=is_member)


def test_who_is_alone_may_act_at_once() -> None:
    peers = Peers("a")
    peers.took(beats(10, a=10), 100.0)
    assert peers.alive_until == 105.0


def test_who_has_others_may_act_once_one_of_them_got_an_answer_with_its_sign() -> None:
    peers = Peers("a")
    peers.took(beats(10, a=10, b=9, answered_s=8.5), 100.0)
    assert peers.alive_until < 100
    # A later sign alone says nothing: its answer may be lost.
    peers.took(beats(10.5, a=10.5, b=10.2, answered_s=8.5), 100.5)
    assert peers.alive_until < 100
    peers.took(beats(11, a=11, b=10.8, answered_s=10.2), 101.0)
    assert peers.alive_until == 105.0
    peers.took(beats(11.5, a=11.5, b=11.3, answered_s=10.8), 101.5)
    assert peers.alive_until == 105.5


def test_answer_of_before_a_clock_went_back_says_nothing() -> None:
    peers = Peers("a")
    peers.took(beats(10, a=10, b=9.5, answered_s=70), 100.0)
    assert peers.alive_until < 100


def test_signs_of_after_a_clock_went_back_are_seen_as_any() -> None:
    peers = Peers("a")
    peers.took(beats(310, a=310, b=309.8, answered_s=309.2), 100.0)
    peers.took(beats(10.5, a=10.5, b=10.5, answered_s=0), 100.5)
    assert peers.alive_until < 100
    peers.took(beats(11, a=11, b=10.9, answered_s=10.7), 101.0)
    assert peers.alive_until == 105.5


def test_candidate_is_seen_by_members_only() -> None:
    peers = Peers("a")
    peers.took(beats(10, is_member=False, new_a=10, new_b=9.5, answered_s=9), 100.0)
    peers.took(beats(11, is_member=False, new_a=11, new_b=10.9, answered_s=10.5), 101.0)
    assert peers.sign == "?a"
    assert peers.alive_until < 100
    peers.took(beats(12, is_member=False, new_a=12, new_b=11.5, c=11.9, answered_s=9), 102.0)
    peers.took(beats(13, is_member=False, new_a=13, new_b=11.5, c=12.9, answered_s=12.5), 103.0)
    assert peers.sign == "a"
    assert peers.alive_until == 107.0


def test_who_is_gone_is_remembered_with_its_last_sign() -> None:
    peers = Peers("a")
    peers.took(beats(10, a=10, b=8), 100.0)
    peers.moved()
    peers.took(beats(3, a=3), 110.0)
    assert peers.ages(111.0) == {"b": 13.0}
    peers.took(beats(400, a=400), 500.0)
    assert peers.ages(500.0) == {}


def test_who_gives_signs_faster_than_others_answer_is_seen() -> None:
    peers = Peers("a")
    for number in range(1_000):
        at = 10 + number / 1000
        peers.took(beats(at, a=at, b=9.9, answered_s=9.5), 100 + number / 1000)
    assert peers.alive_until < 100
    peers.took(beats(11, a=11, b=10.9, answered_s=10.4), 101.0)
    assert 105.3 < peers.alive_until <= 105.4
