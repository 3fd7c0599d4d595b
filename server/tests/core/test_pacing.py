"""Crowds: how long after them, and how far apart they reload."""

from collections import Counter

from riverd.core.pacing import CROWD, PAUSE_S_MAX, RELOAD_S_MAX, ReloadDelays, pause_after


def test_few_that_are_notified_of_changes_cost_no_pause_and_many_a_bounded_one() -> None:
    assert pause_after(0) == pause_after(CROWD) == 0
    assert 0 < pause_after(CROWD + 100) < pause_after(CROWD + 1_000) < PAUSE_S_MAX
    assert pause_after(1_000_000) == PAUSE_S_MAX


def test_one_gap_delays_nobody() -> None:
    delays = ReloadDelays()
    assert delays.next_ms(5.0) == 0
    assert delays.next_ms(6.0) == 0


def _busiest(given: list[int]) -> int:
    """How many reload within the second in which most do."""
    counts = Counter(one // 1_000 for one in given)
    return max(counts.values())


def test_three_hundred_at_once_do_not_reload_in_the_same_second() -> None:
    delays = ReloadDelays()
    given = [delays.next_ms(5.0) for _ in range(300)]
    assert given == sorted(given)
    assert _busiest(given) <= 51


def test_twenty_thousand_at_once_reload_evenly_over_a_minute() -> None:
    delays = ReloadDelays()
    given = [delays.next_ms(5.0) for _ in range(20_000)]
    assert _busiest(given) <= 450


def test_gap_after_a_crowd_has_reloaded_delays_nobody() -> None:
    delays = ReloadDelays()
    for _ in range(20_000):
        delays.next_ms(5.0)
    assert delays.last_s(5.0) > 59
    assert delays.last_s(5.0 + RELOAD_S_MAX) == 0
    assert delays.next_ms(5.0 + RELOAD_S_MAX + 1) == 0


def test_nobody_waits_longer_than_a_minute() -> None:
    delays = ReloadDelays()
    assert max(delays.next_ms(0.0) for _ in range(200_000)) <= RELOAD_S_MAX * 1_000
