"""Figures are read out of rounds and held against their goals."""

from __future__ import annotations

import jwt
import pytest
import report
from keys import Keys
from measure import parse_metrics
from scenarios import SCENARIOS, Figure, Scenario
from tree import number


def a_scenario(*, goal: float, at_most: bool = False) -> Scenario:
    figure = Figure("speed", "load.window.per_s", "/s", goal=goal, at_most=at_most)
    return Scenario("work", "some work", "dev", (), (figure,))


def a_round(per_s: float) -> dict[str, object]:
    return {"load": {"window": {"per_s": per_s, "load_cpu": 0.5}, "notes": []}}


def test_the_median_of_the_rounds_is_held_against_the_goal() -> None:
    rounds = [a_round(10), a_round(90), a_round(50)]
    (row,) = report.rows(a_scenario(goal=50), rounds)
    assert (row.middle, row.reached) == (50, True)
    (row,) = report.rows(a_scenario(goal=49, at_most=True), rounds)
    assert row.reached is False


def test_the_table_says_what_was_missed() -> None:
    assert "MISSED" in report.table(a_scenario(goal=51), [a_round(50)])
    assert "reached" in report.table(a_scenario(goal=50), [a_round(50)])


def test_a_busy_generator_is_told() -> None:
    busy: dict[str, object] = {"load": {"window": {"load_cpu": 0.99}}}
    assert "its own bound" in report.notes([busy, busy])[0]


def test_a_number_that_is_not_there_is_none() -> None:
    assert number({"a": {"b": 1}}, "a.b") == 1
    assert number({"a": {"b": "x"}}, "a.b") is None
    assert number({}, "a.b") is None


def test_metrics_are_summed_over_their_labels() -> None:
    text = '# HELP m x\nm{node="a"} 1\nm{node="b"} 2\nn 3.5e1\n<html>\n'
    assert parse_metrics(text) == {"m": 3.0, "n": 35.0}


def test_the_token_is_one_that_a_jwt_library_takes() -> None:
    keys = Keys()
    assert jwt.decode(keys.token("u"), keys.secret, algorithms=["HS256"])["sub"] == "u"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_scenario_can_be_told_to_the_generator(scenario: Scenario) -> None:
    told = [option.format(seconds=1.0) for option in scenario.load]
    assert "--connections" in told
    assert not any("{" in option for option in told)
