"""Whatever is sent, the answer is a coded error, or a 200 whose publication is what was sent."""

import json
from typing import Any

from api_server import Answer, Served
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riverd.errors import ErrorCode

CODES = {error.code: error.status for error in ErrorCode}

_many = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Surrogates too: JSON can escape halves of pairs, though no UTF-8 can hold them.
_texts = st.text(st.characters(exclude_categories=()), max_size=12)
_numbers = st.integers() | st.floats()
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=12,
)
_names = st.from_regex(r"any[A-Za-z0-9_\-=@,.;:|+/~!]{1,12}", fullmatch=True)
_spaces = st.text(" \t\r\n", max_size=3)


@st.composite
def _data(draw: st.DrawFn) -> bytes:
    """JSON text of any value, written in any way."""
    text = json.dumps(
        draw(_values), ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1]))
    )
    return text.encode("utf-8", "surrogatepass")


def _log_has(api: Served, channel: str, position: Any, data: bytes) -> bool:
    offset = position["offset"]
    return [one.data for one in api.log(channel) if one.offset == offset] == [data]


def _is_coded_error(answer: Answer) -> bool:
    return CODES[answer.code] == answer.status and answer.status < 500


@_many
@given(channel=_names, event=_texts, data=_data(), space=_spaces)
def test_data_written_in_any_way_is_kept_or_refused(
    api: Served, channel: str, event: str, data: bytes, space: str
) -> None:
    fields = [
        b'"channel":"%b"' % channel.encode(),
        b'"event":%b' % json.dumps(event).encode(),
        b'"data":%b%b%b' % (space.encode(), data, space.encode()),
    ]
    answer = api.ask("POST", "/publish", b"{%b}" % b",".join(fields))
    if answer.status == 200:
        assert _log_has(api, channel, answer.json, data)
    else:
        assert _is_coded_error(answer)


@_many
@given(channel=_names, data=_values)
def test_what_is_plain_json_is_always_taken(api: Served, channel: str, data: Any) -> None:
    text = json.dumps(data, ensure_ascii=False)
    if "NaN" in text or "Infinity" in text or not text.isprintable():
        return
    body = f'{{"channel":"{channel}","event":"e","data":{text}}}'.encode()
    answer = api.ask("POST", "/publish", body)
    assert answer.status == 200
    assert _log_has(api, channel, answer.json, text.encode())


@_many
@given(body=st.binary(max_size=200) | _data())
def test_a_body_of_any_bytes_is_answered_with_a_coded_error(api: Served, body: bytes) -> None:
    for path in ("/publish", "/publish/batch", "/tokens"):
        assert _is_coded_error(api.ask("POST", path, body))


@_many
@given(
    fields=st.dictionaries(
        st.sampled_from(["channel", "channels", "event", "eventName", "data", "id", "other"]),
        st.one_of(_names, st.lists(_names, max_size=3), st.just("e"), _values),
        min_size=1,
    )
)
def test_fields_of_any_kind_are_taken_as_a_whole_or_not_at_all(
    api: Served, fields: dict[str, Any]
) -> None:
    answer = api.post("/publish", fields)
    if answer.status != 200:
        assert _is_coded_error(answer)
        return
    told = answer.json
    channels = fields.get("channels")
    positions = [told] if channels is None else told["results"]
    names = [fields["channel"]] if channels is None else channels
    data = json.dumps(fields.get("data")).encode()
    assert len(positions) == len(names)
    for name, position in zip(names, positions, strict=True):
        entries = {one.offset: one for one in api.log(name)}
        # With an id that was used before, it is the first one's position that is told.
        assert fields.get("id") is not None or entries[position["offset"]].data == data


@_many
@given(
    messages=st.lists(
        st.tuples(_names, _data()) | _values.map(lambda value: (None, json.dumps(value).encode())),
        max_size=5,
    )
)
def test_a_batch_of_anything_has_a_result_for_each(api: Served, messages: list[Any]) -> None:
    texts = [
        data if name is None else b'{"channel":"%b","event":"e","data":%b}' % (name.encode(), data)
        for name, data in messages
    ]
    answer = api.ask("POST", "/publish/batch", b'{"messages":[%b]}' % b",".join(texts))
    if answer.status != 200:
        assert _is_coded_error(answer)
        return
    results = answer.json["results"]
    assert len(results) == len(messages)
    for (name, data), result in zip(messages, results, strict=True):
        if "error" in result:
            assert CODES[result["error"]["code"]] < 500
        elif name is not None:
            assert _log_has(api, name, result, data)
