"""Crowds: how long after them, and how far apart they reload."""

from riverd.core.pacing import CROWD, PAUSE_S_MAX, RELOAD_S_MAX, ReloadDelays, pause_after


def test_few_that_are_notified_of_changes_cost_no_pause_and_many_a_bounded_one() -> None:
    assert pause_after(0) == pause_after(CROWD) == 0
    assert 0 < pause_after(CROWD + 100) < pause_after(CROWD + 1_000) < PAUSE_S_MAX
    assert pause_after(1_000_000) == PAUSE_S_MAX


def test_one_gap_delays_nobody() -> None:
    delays = ReloadDelays()
    assert delays.next_ms(5.0) == 0
    assert delays.next_ms(6.0) == 0


def test_twenty_thousand_at_once_reload_over_at_least_ten_seconds() -> None:
    delays = ReloadDelays()
    given = [delays.next_ms(5.0) for _ in range(20_000)]
    assert given == sorted(given)
    assert given[-1] >= 10_000
    busiest = max(sum(at <= one < at + 1_000 for one in given) for at in range(0, 20_000, 1_000))
    assert busiest <= 1_100


def test_nobody_waits_longer_than_a_minute() -> None:
    delays = ReloadDelays()
    assert max(delays.next_ms(0.0) for _ in range(200_000)) <= RELOAD_S_MAX * 1_000
