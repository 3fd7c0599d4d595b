"""`POST /publish/batch`: many messages, each with a result of its own."""

from typing import Any

import pytest
from api_server import Answer, Served, new_channel, serving

from riverd.broker.memory.broker import MemoryBroker
from riverd.errors import BrokerError, RiverError
from riverd.model.log import Position


def _batch(api: Served, messages: object) -> Answer:
    return api.post("/publish/batch", {"messages": messages})


def _results(api: Served, messages: object) -> list[Any]:
    answer = _batch(api, messages)
    assert answer.status == 200
    return list(answer.json["results"])


def test_results_come_in_the_order_of_the_messages(api: Served) -> None:
    first, second = new_channel(), new_channel()
    messages = [{"channel": name, "event": "e", "data": 1} for name in (first, second, first)]
    assert [result["offset"] for result in _results(api, messages)] == [1, 1, 2]


def test_a_bad_message_is_an_error_in_its_place_and_stops_no_other(api: Served) -> None:
    channel = new_channel()
    good = {"channel": channel, "event": "e", "data": 1}
    results = _results(
        api,
        [good, {"channel": "a b", "event": "e"}, 5, {"channel": channel}, {**good, "id": ""}, good],
    )
    assert [result["offset"] for result in (results[0], results[5])] == [1, 2]
    codes = [result["error"]["code"] for result in results[1:5]]
    assert codes == ["channel_invalid", "not_an_object", "invalid_field", "invalid_field"]
    assert len(api.log(channel)) == 2


def test_a_batch_of_only_bad_messages_is_answered_message_by_message(api: Served) -> None:
    results = _results(api, [{}, []])
    assert [set(result) for result in results] == [{"error"}, {"error"}]


@pytest.mark.parametrize(
    "bad",
    [
        rb'{"channel":"c","event":"e","data":{"cut":"\uD83d"}}',
        rb'{"channel":"c","event":"e","data":"\udE00\ud83d"}',
        rb'{"channel":"c","event":"\ud83d","data":1}',
        rb'{"channel":"c","event":"e","id":"\\\ud83d"}',
    ],
)
def test_a_message_with_half_a_surrogate_pair_stops_none_of_the_others(
    api: Served, bad: bytes
) -> None:
    channel = new_channel()
    whole = rb'{"channel":"%b","event":"e","data":"\ufffd \uD83D\uDE00 \\ud83d"}' % channel.encode()
    answer = api.ask("POST", "/publish/batch", b'{"messages": [%b, %b , %b]}' % (whole, bad, whole))
    first, wrong, last = answer.json["results"]
    assert (first["offset"], last["offset"]) == (1, 2)
    assert wrong["error"]["code"] == "invalid_field"
    assert [one.data for one in api.log(channel)] == [rb'"\ufffd \uD83D\uDE00 \\ud83d"'] * 2


@pytest.mark.parametrize(
    "nested", [b"[" * 5_000 + b"]" * 5_000, b'{"]\\"":[' * 3_000 + b"]}" * 3_000]
)
@pytest.mark.parametrize("field", [b'"data":%b', b'"channel":%b', b'"unknown":%b'])
def test_a_message_that_is_nested_too_deeply_to_be_read_stops_none_of_the_others(
    api: Served, field: bytes, nested: bytes
) -> None:
    channel = new_channel().encode()
    first = b'{"channel":"%b","event":"e","data":["[[", 1]}' % channel
    bad = b'{"event":"e",' + field % nested + b"}"
    half = rb'{"channel":"%b","event":"e","data":"\ud83d"}' % channel
    last = b'{"channel":"%b","event":"e","data":{"a":[2]}}' % channel
    messages = b", ".join((first, bad, half, nested, last))
    answer = api.ask("POST", "/publish/batch", b'{"messages": [%b]}' % messages)
    assert answer.status == 200
    results = answer.json["results"]
    assert [result.get("offset") for result in results] == [1, None, None, None, 2]
    codes = [result["error"]["code"] for result in results[1:4]]
    assert codes == ["too_deep", "invalid_field", "too_deep"]
    assert [one.data for one in api.log(channel.decode())] == [b'["[[", 1]', b'{"a":[2]}']


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages": [%b]' % (b"[" * 5_000),
        b'{"messages": [%b}]}' % (b"[" * 5_000 + b"]" * 4_999),
        b'{"messages": [%b "never ends ]]]]' % (b"[" * 5_000),
    ],
)
def test_what_is_nested_deeply_and_is_no_json_is_refused_as_a_whole(
    api: Served, body: bytes
) -> None:
    answer = api.ask("POST", "/publish/batch", body)
    assert (answer.status, answer.code) == (400, "not_json")


def test_an_empty_batch_has_no_results(api: Served) -> None:
    assert _results(api, []) == []


def test_a_message_for_several_channels_has_results_in_its_place(api: Served) -> None:
    first, second = new_channel(), new_channel()
    results = _results(
        api,
        [
            {"channel": first, "event": "e"},
            {"channels": [first, second], "event": "e"},
            {"channel": second, "event": "e"},
        ],
    )
    assert results[0]["offset"] == 1
    assert [result["offset"] for result in results[1]["results"]] == [2, 1]
    assert results[2]["offset"] == 2


def test_data_is_kept_as_it_was_sent_to_the_byte(api: Served) -> None:
    channel = new_channel()
    texts = [b'{ "a":1.0 }', '"é\\u00e9"'.encode(), b"[ ]"]
    messages = [b'{"channel":"%b","event":"e","data":%b}' % (channel.encode(), t) for t in texts]
    body = b'{"messages":[%b]}' % b" , ".join(messages)
    assert api.ask("POST", "/publish/batch", body).status == 200
    assert [one.data for one in api.log(channel)] == texts


def test_the_same_key_publishes_once(api: Served) -> None:
    channel = new_channel()
    message = {"channel": channel, "event": "e", "id": "k"}
    results = _results(api, [message, message])
    assert results[0] == results[1]
    assert _results(api, [message])[0] == results[0]
    assert len(api.log(channel)) == 1


def test_a_thousand_messages_are_allowed_and_one_more_is_not(api: Served) -> None:
    channel = new_channel()
    message = {"channel": channel, "event": "e"}
    assert len(_results(api, [message] * 1000)) == 1000
    answer = _batch(api, [message] * 1001)
    assert (answer.status, answer.code) == (400, "batch_too_large")
    assert len(api.log(channel)) == 1000


def test_channels_do_not_make_a_batch_larger_than_its_limit(api: Served) -> None:
    names = [new_channel() for _ in range(100)]
    answer = _batch(api, [{"channels": names, "event": "e"}] * 11)
    assert (answer.status, answer.code) == (400, "batch_too_large")
    assert api.log(names[0]) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "invalid_field"),
        (b'{"messages":{}}', "invalid_field"),
        (b'{"messages":[{]}', "not_json"),
        (b'{"messages":[{"channel":"c","event":"e","data":"\xff"}]}', "not_json"),
        (b"[]", "not_an_object"),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(api: Served, body: bytes, code: str) -> None:
    answer = api.ask("POST", "/publish/batch", body)
    assert (answer.status, answer.code) == (400, code)


def test_data_that_is_too_large_is_an_error_of_its_own() -> None:
    with serving(message_bytes_max=100) as api:
        results = _results(
            api,
            [
                {"channel": "c", "event": "e", "data": "x" * 99},
                {"channel": "c", "event": "e", "data": "x" * 98},
            ],
        )
        assert results[0]["error"]["code"] == "too_large"
        assert results[1]["offset"] == 1


def test_every_message_is_counted(api: Served) -> None:
    published, refused = api.tally.count, len(api.tally.codes)
    message = {"channel": new_channel(), "event": "e"}
    _results(api, [message, {}, message, {"channel": "a b", "event": "e"}])
    assert api.tally.count - published == 2
    assert api.tally.codes[refused:] == ["invalid_field", "channel_invalid"]


def test_a_batch_that_the_broker_half_took_says_which_half() -> None:
    with serving(HalfBroker) as api:
        results = _results(
            api, [{"channel": "here", "event": "e"}, {"channel": "away", "event": "e"}]
        )
    assert results[0]["offset"] == 1
    assert results[1]["error"]["code"] == "broker_unavailable"


def test_a_batch_that_the_broker_took_nothing_of_is_no_success() -> None:
    with serving(HalfBroker) as api:
        answer = _batch(api, [{"channel": "away", "event": "e"}, {"channel": "a b", "event": "e"}])
    assert (answer.status, answer.code) == (503, "broker_unavailable")


class HalfBroker(MemoryBroker):
    """One shard of it is away."""

    async def publish_many(self, messages: Any) -> list[Position | RiverError]:
        return [
            BrokerError("the shard is away")
            if message.channel == "away"
            else await self.publish(message)
            for message in messages
        ]
