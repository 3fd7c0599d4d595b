"""What grants allow."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverd.channels.grants import Grants, may_publish, may_subscribe

ALLOWED = string.ascii_letters + string.digits + "_-=@,.;:|+/~!"


def test_without_grants_all_but_private_channels_are_open() -> None:
    grants = Grants()
    assert may_subscribe(grants, "dogs")
    assert may_subscribe(grants, "presence-board")
    assert may_subscribe(grants, "privateer")
    assert not may_subscribe(grants, "private-dogs")
    assert not may_publish(grants, "dogs")


def test_grants_allow_what_they_name_and_nothing_else() -> None:
    grants = Grants(subscribe=("private-room-*", "dogs"), publish=("room-?",))
    assert may_subscribe(grants, "private-room-1")
    assert may_subscribe(grants, "dogs")
    assert not may_subscribe(grants, "dogs2")
    assert not may_subscribe(grants, "cats")
    assert not may_subscribe(grants, "xdogs")
    assert may_publish(grants, "room-1")
    assert not may_publish(grants, "room-12")


def test_an_empty_list_allows_no_channel() -> None:
    assert not may_subscribe(Grants(subscribe=()), "dogs")


def test_globs_mind_upper_and_lower_case() -> None:
    assert not may_subscribe(Grants(subscribe=("Dogs",)), "dogs")


@given(st.text(max_size=40), st.text(ALLOWED, min_size=1, max_size=40))
def test_no_glob_makes_matching_fail(glob: str, name: str) -> None:
    may_subscribe(Grants(subscribe=(glob,)), name)


@pytest.mark.parametrize("user", ["*", "?", "[a-z]", "*]", "[!x]*"])
def test_a_granted_channel_is_a_name_and_no_glob(user: str) -> None:
    grants = Grants(subscribe=(), channels=(f"private-user-{user}",))
    assert may_subscribe(grants, f"private-user-{user}")
    assert not may_subscribe(grants, "private-user-bob")
    assert not may_subscribe(grants, "private-user-b")


def test_granted_channels_come_on_top_of_what_is_open_or_fits_a_glob() -> None:
    assert may_subscribe(Grants(channels=("private-a",)), "dogs")
    both = Grants(subscribe=("board-*",), channels=("private-a",))
    assert may_subscribe(both, "board-1")
    assert not may_subscribe(both, "dogs")
    assert not may_publish(both, "private-a")
