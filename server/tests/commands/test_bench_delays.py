"""Delays are told within their buckets' width, in whatever order they came."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverd.commands.loadtest.delays import NS_MAX, Delays

WIDTH = 1 / 32


def spread(*delays_ns: int) -> Delays:
    delays = Delays()
    for delay in delays_ns:
        delays.add(delay)
    return delays


@given(st.lists(st.integers(0, 10**11), min_size=1), st.floats(1, 100))
def test_a_percentile_is_right_within_a_buckets_width(numbers: list[int], percent: float) -> None:
    exact = sorted(numbers)[math.ceil(len(numbers) * percent / 100) - 1] / 1e6
    told = spread(*numbers).percentile_ms(percent)
    assert exact <= told or told == pytest.approx(exact)
    assert told <= exact * (1 + WIDTH) + 1e-6


@given(st.lists(st.integers(0, 10**12), min_size=1))
def test_the_longest_is_exact(numbers: list[int]) -> None:
    assert spread(*numbers).max_ms == max(numbers) / 1e6


def test_none_is_told_as_nothing() -> None:
    assert (spread().percentile_ms(99), spread().max_ms) == (0, 0)


def test_what_no_clock_shows_is_cut_to_what_can_be_counted() -> None:
    delays = spread(-5, NS_MAX * 4)
    assert delays.count == 2
    assert delays.highest_ns == NS_MAX
