"""Initials and colours."""

import pytest

from forum.people import HUES, hue, initials


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ana", "A"), ("Ana Bell", "AB"), ("Mr. Okafor", "MO"), ("a b c", "AC"), ("李雷", "李")],
)
def test_a_name_has_one_or_two_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_a_colour_is_always_the_same_and_always_there() -> None:
    hues = {hue(f"name {number}") for number in range(100)}
    assert hues == set(range(HUES))
