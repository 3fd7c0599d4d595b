"""Which requests carry an API key."""

import pytest

from riverd.auth.api_keys import Keys


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": "one"},
        {"x-api-key": " two "},
        {"authorization": "Bearer two"},
        {"x-api-key": " ", "authorization": "bearer   two"},
        {"x-api-key": "one", "authorization": "Bearer none"},
    ],
)
def test_each_of_the_keys_fits_in_either_header(headers: dict[str, str]) -> None:
    keys = Keys(["one", "two"])
    assert keys.fit(headers)
    assert not keys.missed


@pytest.mark.parametrize(
    ("headers", "missed"),
    [({}, False), ({"x-api-key": "three"}, True), ({"authorization": "Bearer On\xe9"}, True)],
)
def test_another_key_does_not_and_may_be_a_newer_one(headers: dict[str, str], missed: bool) -> None:  # noqa: FBT001  a table's column
    keys = Keys(["one"])
    assert not keys.fit(headers)
    assert keys.missed is missed


def test_keys_that_were_replaced_fit_no_more() -> None:
    keys = Keys(["one"])
    keys.use([])
    assert keys.are_none
    assert not keys.fit({"x-api-key": "one"})
