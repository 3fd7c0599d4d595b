"""What is accepted as data, every reader can read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps import lines_run

from riverd.errors import ErrorCode, RiverError
from riverd.model import payloads
from riverd.model.payloads import DEPTH_MAX, DIGITS_MAX, check_data

VALUES = st.recursive(
    st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
BRACKETS_IN_TEXTS = ['"]"', '"["', '"\\"["', '"\\\\"', '"[]{}\\\\\\""']


def refused(data: str | bytes) -> ErrorCode:
    with pytest.raises(RiverError) as caught:
        check_data(data if isinstance(data, bytes) else data.encode())
    return caught.value.error


@given(VALUES, st.sampled_from([None, 1]))
def test_ordinary_values_are_accepted_as_they_are(value: object, indent: int | None) -> None:
    data = json.dumps(value, indent=indent).encode()
    assert check_data(data) is data


@pytest.mark.parametrize("text", ["1", *BRACKETS_IN_TEXTS])
@pytest.mark.parametrize(("opening", "closing"), ["[]", ('{"a":', "}"), ('[{"]":', "}]")])
def test_data_is_nested_as_deeply_as_the_limit_and_no_deeper(
    text: str, opening: str, closing: str
) -> None:
    levels = DEPTH_MAX // (opening.count("[") + opening.count("{"))
    deepest = opening * levels + text + closing * levels
    assert check_data(deepest.encode())
    # Beside others that are as deep, and behind texts that look like brackets.
    row = f"[{','.join([text, *[deepest[len(opening) : -len(closing)]] * 9])}]"
    json.loads(row)
    assert check_data(row.encode())
    assert refused(f"[{deepest}]") is ErrorCode.TOO_DEEP
    assert refused(f"[{row.replace(text, deepest, 1)}]") is ErrorCode.TOO_DEEP


def test_texts_that_look_like_closing_brackets_hide_no_depth() -> None:
    assert refused('["]",' * 1_000 + "1" + "]" * 1_000) is ErrorCode.TOO_DEEP
    assert refused('{"}":' * 1_000 + "1" + "}" * 1_000) is ErrorCode.TOO_DEEP


@pytest.mark.parametrize("form", ["{}", "-{}", "0.{}", "[{}.5]", "1e-{}", '{{"a":[{}]}}'])
@pytest.mark.parametrize("before", ["", "[" + " " * 29, "[" + "1," * 200 + '"9",'])
def test_a_number_has_as_many_digits_as_the_limit_and_no_more(form: str, before: str) -> None:
    number = "1" + "0" * (DIGITS_MAX - 1)
    after = "]" if before else ""
    assert check_data((before + form.format(number) + after).encode())
    assert refused(before + form.format(number + "0") + after) is ErrorCode.INVALID_FIELD


def test_digits_in_texts_are_texts() -> None:
    for text in ("9" * 60_000, "\\\\" + "7" * 500):
        assert check_data(f'{{"{text}":["{text}"]}}'.encode())


@pytest.mark.parametrize(
    "unit", ['"[",', "[[]],", "1e100,", "9" * 300 + ",", '"\\"",', "{}," + '"' + "9" * 301 + '",']
)
def test_a_check_runs_no_loop_over_the_bytes(unit: str) -> None:
    def lines(size: int) -> int:
        data = f"[{unit * (size // len(unit))}0]".encode()
        return lines_run(payloads, lambda: check_data(data))

    assert lines(60_000) < 2 * DEPTH_MAX + 40
