"""The grammar of names, and the names that only River itself can say."""

import string
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverd.channels.names import (
    app_channel,
    check_channel,
    check_event,
    check_node,
    divided,
    user_channel,
    user_of,
)
from riverd.errors import ErrorCode, RiverError

ALLOWED = string.ascii_letters + string.digits + "_-=@,.;:|+/~!"


@given(st.text(ALLOWED, min_size=1, max_size=164))
def test_every_name_of_the_grammar_is_taken_as_it_is(name: str) -> None:
    assert check_channel(name) == name


@given(st.text(min_size=0, max_size=200))
def test_a_name_is_refused_exactly_when_it_breaks_the_grammar(name: str) -> None:
    valid = 1 <= len(name) <= 164 and all(letter in ALLOWED for letter in name)
    with nullcontext() if valid else pytest.raises(RiverError, match="a channel name is"):
        check_channel(name)


@pytest.mark.parametrize(
    "name", ["", "a" * 165, "dogs\n", "dogs ", "a\\b", "a#b", "a*b", "dögs", "dogs\x00", "\uff11"]
)
def test_names_outside_the_grammar_are_refused(name: str) -> None:
    with pytest.raises(RiverError) as caught:
        check_channel(name)
    assert caught.value.error is ErrorCode.CHANNEL_INVALID


def test_an_event_is_named_with_1_to_128_characters() -> None:
    assert check_event("é" * 128) == "é" * 128
    for name in ("", "e" * 129):
        with pytest.raises(RiverError) as caught:
            check_event(name)
        assert caught.value.error is ErrorCode.EVENT_INVALID


@given(st.text(min_size=1, max_size=128).filter(lambda user: user.encode("utf-8", "ignore") != b""))
def test_a_user_s_own_channel_has_any_id_and_no_braces(user: str) -> None:
    user = user.encode("utf-8", "ignore").decode()
    name = user_channel(user)
    assert user_of(name) == user
    assert not set("{}/:") & set(name.removeprefix("#user:"))
    assert divided(app_channel("7", name)) == ("7", name)


def test_a_channel_that_clients_can_name_is_nobody_s_own_and_in_no_app() -> None:
    assert user_of("dogs") is None
    assert divided("dogs") == (None, "dogs")


@pytest.mark.parametrize("name", ["", "a" * 257, "a\nb"])
def test_a_node_has_a_name_that_can_be_printed(name: str) -> None:
    assert check_node("arn:aws:ecs:1/river") == "arn:aws:ecs:1/river"
    with pytest.raises(RiverError) as caught:
        check_node(name)
    assert caught.value.error is ErrorCode.INVALID_FIELD
