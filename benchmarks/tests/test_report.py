"""Figures are read out of rounds and held against their goals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jwt
import loader
import pytest
import run
from keys import RunKeys
from measure import Size, parse_metrics
from peers import CONTENDERS
from peers.contender import PeerServer
from report import figures
from scenarios import SCENARIOS, GoalFigure, Scenario
from tree import number


def a_scenario(*, goal: float, at_most: bool = False) -> Scenario:
    figure = GoalFigure("speed", "load.window.per_s", "/s", goal=goal, at_most=at_most)
    return Scenario(name="work", about="some work", side="dev", load=(), figures=(figure,))


def a_round(per_s: float) -> dict[str, object]:
    return {"load": {"window": {"per_s": per_s, "load_cpu": 0.5}, "notes": []}}


def test_the_median_of_the_rounds_is_held_against_the_goal() -> None:
    rounds = [a_round(10), a_round(90), a_round(50)]
    (row,) = figures.rows(a_scenario(goal=50), rounds)
    assert (row.middle, row.reached) == (50, True)
    (row,) = figures.rows(a_scenario(goal=49, at_most=True), rounds)
    assert row.reached is False


def test_the_table_has_a_column_for_each_and_says_what_river_missed() -> None:
    told = figures.table(a_scenario(goal=51), {"river": [[a_round(50)]], "nats": [[a_round(60)]]})
    head, line = told.splitlines()[1:3]
    assert head.split()[:3] == ["figure", "river", "nats"]
    assert "50" in line
    assert "60" in line
    assert line.endswith("at least 51.0 MISSED")
    assert "reached" in figures.table(a_scenario(goal=50), {"river": [[a_round(50)]]})


def test_a_busy_generator_is_told() -> None:
    busy: dict[str, object] = {"load": {"window": {"load_cpu": 0.99}}}
    assert "its own bound" in figures.notes([busy, busy])[0]


def test_a_number_that_is_not_there_is_none() -> None:
    assert number({"a": {"b": 1}}, "a.b") == 1
    assert number({"a": {"b": "x"}}, "a.b") is None
    assert number({}, "a.b") is None


def test_metrics_are_summed_over_their_labels() -> None:
    text = '# HELP m x\nm{node="a"} 1\nm{node="b"} 2\nn 3.5e1\n<html>\n'
    assert parse_metrics(text) == {"m": 3.0, "n": 35.0}


def test_the_token_is_one_that_a_jwt_library_takes() -> None:
    keys = RunKeys()
    assert jwt.decode(keys.token("u"), keys.secret, algorithms=["HS256"])["sub"] == "u"


SIZE = Size(seconds=1, rest=1, quiet_s=1)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_scenario_can_be_told_to_the_generator(scenario: Scenario) -> None:
    for step in scenario.steps or ({},):
        told = replace(SIZE, step={"limit": 1.0, **step}).fill(scenario.load)
        assert "--connections" in told
        assert not any("{" in option for option in told)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_river_takes_part_in_every_scenario_but_the_machine_s_own(scenario: Scenario) -> None:
    takers = [one for one in CONTENDERS.values() if run.fits(scenario, one)]
    assert any(one.name == "river" for one in takers) or scenario.only == ("limit",)
    assert len(takers) > 1 or scenario.only


def test_a_channel_is_named_as_each_system_names_it() -> None:
    server = PeerServer(1, "", "")
    work = loader.Work(options=("--channels", "presence-a,room-%d"), tokens=Path("t"), core=None)
    told = loader.command(CONTENDERS["centrifugo"], server, work=work)
    assert told[2] == "presence:a,room-%d"
    told = loader.command(CONTENDERS["sockudo"], server, work=work)
    assert told[2] == "private-presence-a,private-room-%d"


def test_what_is_run_anew_takes_the_place_of_what_was_kept() -> None:
    kept = {"facts": 1, "contenders": {"nats": 1}, "scenarios": {"a": 1, "b": 1}}
    new = {"facts": 2, "contenders": {"river": 2}, "scenarios": {"b": 2}}
    assert run.merged(kept, new) == {
        "facts": 2,
        "contenders": {"nats": 1, "river": 2},
        "scenarios": {"a": 1, "b": 2},
    }
