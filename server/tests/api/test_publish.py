"""`POST /publish`: one event for one channel or several."""

import pytest
from api_server import Served, new_channel


def test_a_publication_is_answered_with_its_position(api: Served) -> None:
    channel = new_channel()
    first = api.publish(channel=channel, event="post", data={"a": 1})
    second = api.publish(channel=channel, event="post", data={"a": 2})
    assert first.status == second.status == 200
    assert first.json == {"epoch": first.json["epoch"], "offset": 1}
    assert second.json == {"epoch": first.json["epoch"], "offset": 2}


def test_data_is_kept_as_it_was_sent_to_the_byte(api: Served) -> None:
    channel = new_channel()
    data = ' { "b" : [1.50, 1e3,\n\t"\\u00e9\\/é😀\\ud83d\\ude00"],"b":null } '.encode()
    body = b'{"data":%b,"event":"e","channel":"%b"}' % (data, channel.encode())
    assert api.ask("POST", "/publish", body).status == 200
    assert [one.data for one in api.log(channel)] == [data.strip()]


def test_missing_data_is_null(api: Served) -> None:
    channel = new_channel()
    assert api.publish(channel=channel, event="e").status == 200
    assert [one.data for one in api.log(channel)] == [b"null"]


def test_the_event_may_be_called_event_name(api: Served) -> None:
    channel = new_channel()
    assert api.publish(channel=channel, eventName="post", data=1).status == 200
    assert [one.event for one in api.log(channel)] == ["post"]


def test_several_channels_are_answered_with_results_in_their_order(api: Served) -> None:
    first, second = new_channel(), new_channel()
    api.publish(channel=second, event="e")
    answer = api.publish(channels=[second, first], event="e", data=7)
    assert answer.status == 200
    assert [result["offset"] for result in answer.json["results"]] == [2, 1]
    assert [one.data for one in api.log(first)] == [b"7"]


def test_one_channel_in_a_list_is_answered_with_results_too(api: Served) -> None:
    answer = api.publish(channels=[new_channel()], event="e")
    assert [result["offset"] for result in answer.json["results"]] == [1]


def test_a_channel_that_is_named_twice_gets_the_event_once(api: Served) -> None:
    first, second = new_channel(), new_channel()
    answer = api.publish(channels=[first, second, first], event="e", data=7)
    results = answer.json["results"]
    assert [result["offset"] for result in results] == [1, 1, 1]
    assert results[0] == results[2]
    assert len(api.log(first)) == len(api.log(second)) == 1


def test_a_channel_that_a_message_of_a_batch_names_twice_gets_it_once(api: Served) -> None:
    first, second = new_channel(), new_channel()
    several = {"channels": [first, first, second], "event": "e"}
    one = {"channel": first, "event": "e"}
    results = api.post("/publish/batch", {"messages": [several, one, one]}).json["results"]
    assert [result["offset"] for result in results[0]["results"]] == [1, 1, 1]
    assert [result["offset"] for result in results[1:]] == [2, 3]
    assert len(api.log(second)) == 1


def test_a_hundred_channels_are_allowed_and_one_more_is_not(api: Served) -> None:
    names = [new_channel() for _ in range(101)]
    assert len(api.publish(channels=names[:100], event="e").json["results"]) == 100
    answer = api.publish(channels=names, event="e")
    assert (answer.status, answer.code) == (400, "invalid_field")
    assert api.log(names[100]) == []


def test_a_bad_name_in_a_list_of_channels_stops_them_all(api: Served) -> None:
    good = new_channel()
    answer = api.publish(channels=[good, "b d"], event="e")
    assert (answer.status, answer.code) == (400, "channel_invalid")
    assert api.log(good) == []


def test_the_same_key_publishes_once(api: Served) -> None:
    channel = new_channel()
    first = api.publish(channel=channel, event="e", data=1, id="order-7")
    again = api.publish(channel=channel, event="e", data=1, id="order-7")
    other = api.publish(channel=channel, event="e", data=1, id="order-8")
    assert again.status == 200
    assert again.json == first.json
    assert other.json["offset"] == 2
    assert len(api.log(channel)) == 2


def test_a_key_counts_for_one_channel_only(api: Served) -> None:
    first, second = new_channel(), new_channel()
    api.publish(channel=first, event="e", id="k")
    results = api.publish(channels=[first, second], event="e", id="k").json["results"]
    assert [result["offset"] for result in results] == [1, 1]
    assert len(api.log(first)) == len(api.log(second)) == 1


@pytest.mark.parametrize(
    ("fields", "guess"),
    [
        ({"dta": 1}, "did you mean data?"),
        ({"Data": 1}, "did you mean data?"),
        ({"evnet": "x"}, "did you mean event?"),
        ({"colour": ["red"]}, "the fields are channel, channels, event"),
        ({"c" * 1_000: 1}, "unknown field 'cccc"),
    ],
)
def test_an_unknown_field_is_refused_with_a_guess(
    api: Served, fields: dict[str, object], guess: str
) -> None:
    channel = new_channel()
    answer = api.publish(channel=channel, event="e", **fields)
    assert answer.status == 400
    assert answer.code == "invalid_field"
    assert guess in answer.json["error"]["message"]
    assert len(answer.json["error"]["message"]) < 300
    assert api.log(channel) == []


def test_an_unknown_field_in_a_batch_is_an_error_of_its_own_message(api: Served) -> None:
    channel = new_channel()
    good, bad = {"channel": channel, "event": "e"}, {"channel": channel, "event": "e", "dta": 1}
    results = api.post("/publish/batch", {"messages": [good, bad]}).json["results"]
    assert results[0]["offset"] == 1
    assert "did you mean data?" in results[1]["error"]["message"]
    assert api.post("/publish/batch", {"message": [good]}).code == "invalid_field"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"event": "e"}, "invalid_field"),
        ({"channel": "c"}, "invalid_field"),
        ({"channel": None, "event": "e"}, "invalid_field"),
        ({"channel": 5, "event": "e"}, "invalid_field"),
        ({"channel": "c", "event": 5}, "invalid_field"),
        ({"channel": "c", "event": "e", "eventName": "e"}, "invalid_field"),
        ({"channel": "c", "channels": ["d"], "event": "e"}, "invalid_field"),
        ({"channels": [], "event": "e"}, "invalid_field"),
        ({"channels": ["c", 1], "event": "e"}, "invalid_field"),
        ({"channels": "c", "event": "e"}, "invalid_field"),
        ({"channel": "c", "event": "e", "id": ""}, "invalid_field"),
        ({"channel": "c", "event": "e", "id": "k" * 129}, "invalid_field"),
        ({"channel": "c", "event": "e", "id": 7}, "invalid_field"),
        ({"channel": "", "event": "e"}, "channel_invalid"),
        ({"channel": "a b", "event": "e"}, "channel_invalid"),
        ({"channel": "a\n", "event": "e"}, "channel_invalid"),
        ({"channel": "é", "event": "e"}, "channel_invalid"),
        ({"channel": "c" * 165, "event": "e"}, "channel_invalid"),
        ({"channel": "c", "event": ""}, "event_invalid"),
        ({"channel": "c", "event": "e" * 129}, "event_invalid"),
    ],
)
def test_a_wrong_field_is_told(api: Served, fields: dict[str, object], code: str) -> None:
    answer = api.publish(**fields)
    assert (answer.status, answer.code) == (400, code)


def test_what_is_refused_does_not_count_as_published(api: Served) -> None:
    published, refused = api.tally.count, len(api.tally.codes)
    api.publish(channels=[new_channel(), new_channel()], event="e")
    api.publish(channel="a b", event="e")
    api.ask("POST", "/publish", b"", key="wrong")
    assert api.tally.count - published == 2
    assert api.tally.codes[refused:] == ["channel_invalid", "api_key_invalid"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b" \n", "not_json"),
        (b"nonsense", "not_json"),
        (b"channel=c&event=e", "not_json"),
        (b'{"channel":"c","event":"e"', "not_json"),
        (b'{"channel":"c","event":"e"}{}', "not_json"),
        (b"{'channel':'c'}", "not_json"),
        (b'{"channel":"c","event":"e","data":NaN}', "not_json"),
        (b'{"channel":"c","event":"e","data":[1,]}', "not_json"),
        (b'{"channel":"c","event":"e","data":01}', "not_json"),
        (b'{"channel":"c","event":"e","data":"\x01"}', "not_json"),
        (b'{"channel":"c","event":"e","data":"\xff"}', "not_json"),
        (b'{"channel":"c","event":"e","data":"\xed\xa0\x80"}', "not_json"),
        (b'{"channel":"c\xff","event":"e"}', "not_json"),
        (b'{"channel":"c","event":"e","data":"\\ud800"}', "invalid_field"),
        (b'{"channel":"c","event":"\\ud800","data":1}', "invalid_field"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"5", "not_an_object"),
        (b'{"channel":"c","event":"e","data":%b}' % (b"[" * 30_000 + b"]" * 30_000), "too_deep"),
        (b"[" * 60_000, "not_an_object"),
    ],
)
def test_a_body_that_is_no_json_object_is_told_what_is_wrong(
    api: Served, body: bytes, code: str
) -> None:
    answer = api.ask("POST", "/publish", body)
    assert (answer.status, answer.code) == (400, code)


def test_half_a_surrogate_pair_is_named(api: Served) -> None:
    body = b'{"channel":"c","event":"e","data":"\\ud800"}'
    answer = api.ask("POST", "/publish", body)
    assert (answer.status, answer.code) == (400, "invalid_field")
    assert "surrogate" in answer.json["error"]["message"]


@pytest.mark.parametrize("body", [rb'{"data":"\ud800"', rb'{"data":\ud800}', rb'{"data":"\ud8"}'])
def test_half_a_surrogate_pair_excuses_no_other_fault(api: Served, body: bytes) -> None:
    assert api.ask("POST", "/publish", body).code == "not_json"


@pytest.mark.parametrize(
    ("data", "code"),
    [("[" * 65 + "]" * 65, "too_deep"), ("1" * 301, "invalid_field")],
)
def test_data_that_not_every_reader_can_read_is_refused(api: Served, data: str, code: str) -> None:
    body = f'{{"channel":"c","event":"e","data":{data}}}'.encode()
    answer = api.ask("POST", "/publish", body)
    assert (answer.status, answer.json["error"]["code"]) == (400, code)


def test_an_event_that_is_not_kept_is_answered_with_what_it_follows(api: Served) -> None:
    channel, other = new_channel(), new_channel()
    first = api.publish(channel=channel, event="post").json
    passing = api.publish(channel=channel, event="typing", keep=False, id="k")
    assert passing.json == {"epoch": first["epoch"], "after": 1}
    assert api.publish(channel=channel, event="typing", keep=False, id="k").json == passing.json
    both = api.publish(channels=[other, channel], event="typing", keep=False).json["results"]
    assert [result["after"] for result in both] == [0, 1]
    assert [one.event for one in api.log(channel)] == ["post"]


def test_a_batch_may_have_kept_and_passing_events(api: Served) -> None:
    channel = new_channel()
    messages = [{"channel": channel, "event": "e", "keep": keep} for keep in (True, False, True)]
    results = api.post("/publish/batch", {"messages": messages}).json["results"]
    assert [(one.get("offset"), one.get("after")) for one in results] == [
        (1, None),
        (None, 1),
        (2, None),
    ]
    all_passing = [{"channel": channel, "event": "e", "keep": False}] * 2
    results = api.post("/publish/batch", {"messages": all_passing}).json["results"]
    assert [one["after"] for one in results] == [2, 2]


def test_the_excluded_session_is_kept_and_shown_to_nobody(api: Served) -> None:
    channel = new_channel()
    assert api.publish(channel=channel, event="e", exclude="no such session").status == 200
    assert [one.exclude for one in api.log(channel)] == ["no such session"]
    [shown] = api.ask("GET", f"/channels/{channel}/history").json["publications"]
    assert shown == {"offset": 1, "event": "e", "data": None}


@pytest.mark.parametrize(
    "wrong",
    [
        {"keep": "false"},
        {"keep": 0},
        {"keep": None},
        {"exclude": 7},
        {"exclude": ""},
        {"exclude": ["s.1"]},
        {"exclude": "x" * 10_240},
    ],
)
def test_keep_is_true_or_false_and_exclude_a_short_text(
    api: Served, wrong: dict[str, object]
) -> None:
    channel = new_channel()
    answer = api.publish(channel=channel, event="e", **wrong)
    assert (answer.status, answer.code) == (400, "invalid_field")
    assert api.log(channel) == []
