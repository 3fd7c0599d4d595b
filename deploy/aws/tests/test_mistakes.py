"""Realistic mistakes, planted one by one into the template: a check of ours catches each."""

import mistakes_of_access
import mistakes_of_shape
import pytest
from aws_variants import Synthesised
from test_stack import CHECKS

MISTAKES = {**mistakes_of_shape.MISTAKES, **mistakes_of_access.MISTAKES}
MISTAKES_MIN = 24


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_caught(name: str, synthesised: dict[str, Synthesised]) -> None:
    plant, found_by = MISTAKES[name]
    whole = synthesised["default"].template
    broken = whole.copy()
    plant(broken)
    check = next(one for one in CHECKS if one.__name__ == found_by)
    assert set(check(broken)) - set(check(whole))


def test_there_are_enough_mistakes_and_none_that_is_no_mistake() -> None:
    assert len(MISTAKES) >= MISTAKES_MIN
    assert {found_by for _, found_by in MISTAKES.values()} <= {one.__name__ for one in CHECKS}
