"""What counts as a bearer token in a header."""

import pytest

from riverd.auth.bearer import bearer, bearer_token


@pytest.mark.parametrize(
    "header", ["Bearer abc", "bearer abc", "BEARER  abc ", " Bearer abc\t", "Bearer \t abc"]
)
def test_case_of_the_scheme_and_spaces_around_do_not_matter(header: str) -> None:
    assert bearer(header) == "abc"


@pytest.mark.parametrize("header", ["", "abc", "Bearer", "Bearer ", "Bearerabc", "Basic abc"])
def test_another_scheme_or_an_empty_one_carries_no_token(header: str) -> None:
    assert bearer(header) is None


def test_an_upgrade_brings_its_token_in_the_header_or_as_a_subprotocol() -> None:
    assert bearer_token("Bearer abc", ["river.v1", "bearer.def"]) == "abc"
    assert bearer_token("", ["river.v1", "bearer.def"]) == "def"
    assert bearer_token("", ["river.v1"]) is None
