"""Globs fit what fnmatch fits, and cost a step a character."""

import re
from fnmatch import translate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps import lines_run

from riverd.channels import globs
from riverd.channels.globs import Globs, covers
from riverd.gateway.origins import Origins

GLOBS = st.lists(st.text("ab-*?[]!", max_size=8), max_size=4)
HOSTILE = ["*a" * 80 + "b", "*" * 80 + "b", "*?" * 80, "[a-z]*" * 40 + "[!a]", "*ab*ba" * 20]


@given(GLOBS, st.text("ab-*?[]!", max_size=8))
def test_a_list_matches_what_fnmatch_matches(patterns: list[str], text: str) -> None:
    expected = any(re.match(translate(one), text) for one in patterns)
    assert Globs(patterns).match(text) is expected


@given(GLOBS, st.text("ab?[]*", max_size=8))
def test_only_the_star_is_special_where_only_stars_are_asked_for(
    patterns: list[str], text: str
) -> None:
    expected = any(
        re.fullmatch(".*".join(map(re.escape, one.split("*"))), text) for one in patterns
    )
    assert Globs(patterns, only_stars=True).match(text) is expected


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("*", "room-*"),
        ("*", "*"),
        ("room-*", "room-1"),
        ("room-*", "room-?-*"),
        ("*-a", "*-b-a"),
        ("[ab]*", "b-*"),
        ("a?", "a[xy]"),
        ("[!a]", "b"),
        ("a[", "a["),
    ],
)
def test_a_wider_glob_covers_a_narrower_one(wide: str, narrow: str) -> None:
    assert covers(wide, narrow)
    assert covers(narrow, wide) is (wide == narrow)


@given(st.text("ab*?[]!", max_size=6), st.text("ab*?[]!", max_size=6), st.text("ab!", max_size=6))
def test_what_a_covered_glob_fits_the_other_one_fits_too(wide: str, narrow: str, text: str) -> None:
    if covers(wide, narrow) and Globs([narrow]).match(text):
        assert Globs([wide]).match(text)


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_match_costs_as_many_steps_as_the_text_has_characters(pattern: str) -> None:
    compiled = Globs([pattern] * 100)

    def steps(length: int) -> int:
        compiled.match("a" * length)
        return lines_run(globs, lambda: compiled.match("a" * length))

    assert steps(8_000) <= 2 * steps(4_000) <= 4 * steps(2_000)
    assert steps(8_000) < 8 * 8_000


def test_many_globs_cost_no_more_steps_than_one() -> None:
    one, many = Globs(["*a*b"]), Globs([f"*a{number}*b" for number in range(100)])
    for compiled in (one, many):
        compiled.match("a" * 164)
    assert lines_run(globs, lambda: many.match("a" * 164)) <= lines_run(
        globs, lambda: one.match("a" * 164)
    )


def test_an_origin_that_no_page_has_is_not_looked_at() -> None:
    origins = Origins(["https://*.example.com*.internal*"])
    origin = "https://" + ".example.com" * 1_000
    assert lines_run(globs, lambda: origins.allow(origin)) == 0
    assert not origins.allow(origin)
    assert origins.allow("https://a.example.com.x.internal:8443")
