"""An event's data on its way between texts and JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverd.protocols.pusher.payload import shown, stored, text_of

TEXTS = ["", " ", "  ", '"x"', ' "x"', '  "x"', "x", " x", "null", " {}", "01", '{"a":', "\ud7ff"]
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize("text", [*TEXTS, "[" * 100 + "]" * 100, "1" * 400])
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert json.loads(shown(stored(text))) == text


@given(st.text())
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert json.loads(shown(stored(text))) == text


@given(values)
def test_a_value_is_the_same_in_both_protocols(value: object) -> None:
    text = json.dumps(value)
    assert json.loads(stored(text)) == value
    assert json.loads(json.loads(shown(text.encode()))) == value


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_stored_is_json_for_everybody(text: str) -> None:
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    assert json.loads(stored(text)) == value


def test_what_a_message_holds_is_its_text_or_the_text_of_its_json() -> None:
    assert text_of(b'"a\\n"') == "a\n"
    assert text_of(b'{"a": 1}') == '{"a": 1}'
    assert text_of(b"null") == "null"
