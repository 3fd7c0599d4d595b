"""Who publishes is known to others."""

from riverd.healing.process import CANDIDATE, Beats, Peers


def beats(now_s: float, *, is_member: bool = True, **signs_s: float) -> Beats:
    signs = {name.replace("new_", CANDIDATE): at * 1000 for name, at in signs_s.items()}
    return Beats(now_s * 1000, signs, is_member=is_member)


def test_who_is_alone_may_act_at_once() -> None:
    peers = Peers("a")
    peers.took(beats(10, a=10), 100.0)
    assert peers.alive_until == 105.0


def test_who_has_others_may_act_once_one_of_them_has_seen_its_sign() -> None:
    peers = Peers("a")
    peers.took(beats(10, a=10, b=9), 100.0)
    assert peers.alive_until < 100
    peers.took(beats(10.5, a=10.5, b=10.2), 100.5)
    assert peers.alive_until == 105.0


def test_candidate_is_seen_by_members_only() -> None:
    peers = Peers("a")
    peers.took(beats(10, is_member=False, new_a=10, new_b=9.5), 100.0)
    peers.took(beats(11, is_member=False, new_a=11, new_b=10.5), 101.0)
    assert peers.sign == "?a"
    assert peers.alive_until < 100
    peers.took(beats(12, is_member=False, new_a=12, new_b=11.5, c=11.9), 102.0)
    peers.took(beats(13, is_member=False, new_a=13, new_b=11.5, c=12.9), 103.0)
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
