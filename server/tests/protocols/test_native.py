"""River's own dialect: what is understood, what is refused and how, what is said."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from river_wire import NATIVE, sent, split, texts
from steps import lines_run

from riverd.errors import DecodeError, ErrorCode
from riverd.model import commands, replies
from riverd.model.commands import Command
from riverd.model.log import Change, Member, Position, Publication, Tail
from riverd.model.replies import MemberList
from riverd.protocols.native import refusals

HERE = Position("e1", 41)


def refused(payload: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        NATIVE.decode(payload)
    return caught.value


def said(reply: replies.Reply) -> dict[str, Any]:
    [told] = texts(NATIVE.encode(reply))
    return told


@pytest.mark.parametrize(
    ("payload", "command"),
    [
        (sent(type="auth", id=1, token="t"), commands.Authenticate(1, "t")),
        (sent(type="subscribe", id=2, channel="dogs"), commands.Subscribe(2, "dogs")),
        (
            sent(type="subscribe", channel="dogs", epoch="e1", offset=38),
            commands.Subscribe(None, "dogs", Position("e1", 38)),
        ),
        (sent(type="subscribe", channel="c", history=20), commands.Subscribe(None, "c", None, 20)),
        (sent(type="unsubscribe", id="x", channel="dogs"), commands.Unsubscribe("x", "dogs")),
        (
            b'{"type":"publish","id":4,"channel":"dogs","event":"post","data": {"a" : [1, 2]} }',
            commands.PublishCommand(4, "dogs", "post", b'{"a" : [1, 2]}'),
        ),
        (
            sent(type="publish", channel="dogs", event="post"),
            commands.PublishCommand(None, "dogs", "post", b"null"),
        ),
        (sent(type="presence", id=5, channel="dogs"), commands.GetMembers(5, "dogs")),
        (sent(type="history", id=6, channel="dogs"), commands.GetHistory(6, "dogs")),
        (
            sent(type="history", channel="dogs", epoch="e1", offset=0, limit=7),
            commands.GetHistory(None, "dogs", Position("e1", 0), 7),
        ),
        (sent(type="ping", id=7, more="is left alone"), commands.Ping(7)),
        (sent(type="ping"), commands.Ping(None)),
        (sent(type="ping", id=None), commands.Ping(None)),
        (sent(type="ping", id=2**70), commands.Ping(2**70)),
    ],
)
def test_requests_are_understood(payload: bytes, command: Command) -> None:
    assert NATIVE.decode(payload) == command


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", ErrorCode.NOT_JSON),
        (b"hello", ErrorCode.NOT_JSON),
        (b'{"type":"ping"', ErrorCode.NOT_JSON),
        (b'{"type":"ping"} more', ErrorCode.NOT_JSON),
        (b'{"type":"ping","id":NaN}', ErrorCode.NOT_JSON),
        (b'{"type":"publish","channel":"c","event":"e","data":Infinity}', ErrorCode.NOT_JSON),
        (b'\xef\xbb\xbf{"type":"ping"}', ErrorCode.NOT_JSON),
        (b'{\x00"\x00a\x00"\x00:\x001\x00}\x00', ErrorCode.NOT_JSON),
        (b"[]", ErrorCode.NOT_AN_OBJECT),
        (b'"ping"', ErrorCode.NOT_AN_OBJECT),
        (b"null", ErrorCode.NOT_AN_OBJECT),
        (b"7", ErrorCode.NOT_AN_OBJECT),
    ],
)
def test_what_is_no_json_object_ends_the_connection(payload: bytes, code: ErrorCode) -> None:
    error = refused(payload)
    assert error.error is code
    assert error.fatal


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, ErrorCode.INVALID_FIELD),
        ({"type": None}, ErrorCode.INVALID_FIELD),
        ({"type": 5}, ErrorCode.INVALID_FIELD),
        ({"type": "shout"}, ErrorCode.UNKNOWN_TYPE),
        ({"type": "event"}, ErrorCode.UNKNOWN_TYPE),
        ({"type": "auth"}, ErrorCode.INVALID_FIELD),
        ({"type": "auth", "token": 5}, ErrorCode.INVALID_FIELD),
        ({"type": "subscribe"}, ErrorCode.INVALID_FIELD),
        ({"type": "subscribe", "channel": ["dogs"]}, ErrorCode.INVALID_FIELD),
        ({"type": "subscribe", "channel": "dogs and cats"}, ErrorCode.CHANNEL_INVALID),
        ({"type": "subscribe", "channel": "c", "epoch": "e1"}, ErrorCode.INVALID_FIELD),
        ({"type": "subscribe", "channel": "c", "offset": 1}, ErrorCode.INVALID_FIELD),
        (
            {"type": "subscribe", "channel": "c", "epoch": "e", "offset": -1},
            ErrorCode.INVALID_FIELD,
        ),
        (
            {"type": "subscribe", "channel": "c", "epoch": "e", "offset": 1.5},
            ErrorCode.INVALID_FIELD,
        ),
        (
            {"type": "subscribe", "channel": "c", "epoch": "e" * 65, "offset": 1},
            ErrorCode.INVALID_FIELD,
        ),
        (
            {"type": "history", "channel": "c", "epoch": "e" * 65, "offset": 1},
            ErrorCode.INVALID_FIELD,
        ),
        ({"type": "subscribe", "channel": "c", "history": -1}, ErrorCode.INVALID_FIELD),
        ({"type": "subscribe", "channel": "c", "history": 1001}, ErrorCode.INVALID_FIELD),
        ({"type": "unsubscribe", "channel": ""}, ErrorCode.CHANNEL_INVALID),
        ({"type": "publish", "channel": "c", "data": 1}, ErrorCode.INVALID_FIELD),
        ({"type": "publish", "channel": "c", "event": "", "data": 1}, ErrorCode.EVENT_INVALID),
        ({"type": "presence", "channel": "c d"}, ErrorCode.CHANNEL_INVALID),
        ({"type": "history", "channel": "c", "limit": 0}, ErrorCode.INVALID_FIELD),
        ({"type": "history", "channel": "c", "limit": 1001}, ErrorCode.INVALID_FIELD),
        ({"type": "history", "channel": "c", "limit": 10**30}, ErrorCode.INVALID_FIELD),
    ],
)
def test_a_wrong_request_is_refused_by_its_id_and_the_connection_stays(
    fields: dict[str, object], code: ErrorCode
) -> None:
    error = refused(sent(id=17, **fields))
    assert error.error is code
    assert error.request_id == 17
    assert not error.fatal


@pytest.mark.parametrize("mark", [True, 1.5, [], {}, "x" * 65])
def test_an_id_of_another_kind_is_refused_and_not_echoed(mark: object) -> None:
    error = refused(sent(type="ping", id=mark))
    assert error.error is ErrorCode.INVALID_FIELD
    assert error.request_id is None or error.request_id == mark


def test_an_overlong_id_is_not_echoed() -> None:
    assert refused(sent(type="ping", id="x" * 65)).request_id is None
    assert refused(sent(type="shout", id="x" * 65)).request_id is None


def test_half_of_a_surrogate_pair_is_refused_and_can_be_answered() -> None:
    for payload in (
        b'{"type":"ping","id":"\\ud800"}',
        b'{"type":"publish","id":1,"channel":"c","event":"\\udfff","data":1}',
        b'{"type":"\\ud800","id":"\\ud800"}',
        b'{"type":"auth","token":"\\ud800"}',
    ):
        error = refused(payload)
        assert not error.fatal
        said(replies.ErrorReply(error.request_id, error.error.code, error.message))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_data_nested_without_end_is_refused(opening: bytes) -> None:
    depth = 10_000
    closing = b"]" if opening == b"[" else b"}"
    head = b'{"type":"publish","id":3,"channel":"c","event":"e","data":'
    error = refused(head + opening * depth + b"1" + closing * depth + b"}")
    assert error.error is ErrorCode.TOO_DEEP
    assert not error.fatal


def test_a_refused_type_is_not_echoed_at_length() -> None:
    assert len(refused(sent(type="x" * 10_000)).message) < 200


valid = st.sampled_from(
    [
        sent(type="publish", id="é", channel="c", event="e", data={"a": [1.5e3, "\u00e9\n", None]}),
        b'{"type":"publish","channel":"c","event":"e","data":"\\u00e9\\ud83d\\ude00\\n"}',
        sent(type="subscribe", id=2, channel="dogs", epoch="e", offset=3, history=4),
        sent(type="history", id=2, channel="dogs", epoch="e", offset=3, limit=4),
        sent(type="auth", id=-1, token="t"),
    ]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    payload = bytearray(draw(valid))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(payload)))
        end = draw(st.integers(at, min(len(payload), at + 3)))
        payload[at:end] = draw(st.text('{}[]",:\\u01.eE+-\x00\n nulNaN\ud83dd', max_size=3)).encode(
            errors="surrogatepass"
        )
    return bytes(payload)


@given(damaged() | st.binary() | st.text().map(str.encode))
@example(b'{"type":"ping","id":1' + b"0" * 5000 + b"}")
@example(b"[" * 60_000)
def test_whatever_comes_is_a_command_or_an_error_that_can_be_told(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return  # The gateway closes these with 1007.
    try:
        command = NATIVE.decode(payload)
    except DecodeError as error:
        said(replies.ErrorReply(error.request_id, error.error.code, error.message))
    else:
        if isinstance(command, commands.PublishCommand):
            # It goes to others as it stands, so it has to be JSON to the letter.
            json.loads(command.data, parse_constant=pytest.fail)


def test_replies_are_said_as_the_contract_has_them() -> None:
    assert said(replies.Welcome("s1", "s1.mac", 15, 65_536)) == {
        "type": "welcome",
        "session": "s1",
        "resume_session": "s1.mac",
        "auth_timeout_s": 15,
        "max_message_bytes": 65_536,
    }
    assert said(replies.Authenticated(1, "ann", None)) == {
        "type": "authenticated",
        "id": 1,
        "user": "ann",
        "expires_at": None,
    }
    assert said(replies.Authenticated(None, "ann", 12.0)) == {
        "type": "authenticated",
        "user": "ann",
        "expires_at": 12,
    }
    assert said(replies.Subscribed(2, "dogs", HERE)) == {
        "type": "subscribed",
        "id": 2,
        "channel": "dogs",
        "epoch": "e1",
        "offset": 41,
        "recovered": False,
    }
    assert said(replies.Unsubscribed("u", "dogs")) == {
        "type": "unsubscribed",
        "id": "u",
        "channel": "dogs",
    }
    assert said(replies.Published(4, HERE)) == {
        "type": "published",
        "id": 4,
        "epoch": "e1",
        "offset": 41,
    }
    assert said(replies.Pong(0)) == {"type": "pong", "id": 0}
    assert said(replies.Pong(None)) == {"type": "pong"}
    assert said(replies.Gap("dogs", HERE, 250)) == {
        "type": "gap",
        "channel": "dogs",
        "epoch": "e1",
        "offset": 41,
        "reload_after_ms": 250,
    }
    assert said(replies.Bye("draining", 20)) == {
        "type": "bye",
        "reason": "draining",
        "retry_after_ms": 20,
    }
    assert said(replies.ErrorReply(2, "forbidden", "no")) == {
        "type": "error",
        "id": 2,
        "code": "forbidden",
        "message": "no",
    }


def test_a_lost_resume_says_why() -> None:
    told = said(replies.Subscribed(2, "dogs", HERE, reason="window"))
    assert told["recovered"] is False
    assert told["reason"] == "window"


def test_members_are_said_with_their_info_where_they_have_one() -> None:
    members = MemberList(3, (Member("ann", b'{"name":"Ann"}'), Member("bob")))
    listed = {
        "count": 3,
        "members": [{"user": "ann", "info": {"name": "Ann"}}, {"user": "bob"}],
    }
    assert said(replies.Subscribed(1, "presence-c", HERE, presence=members))["presence"] == listed
    assert said(replies.Members(5, "presence-c", members)) == {
        "type": "presence",
        "id": 5,
        "channel": "presence-c",
        **listed,
    }


def test_history_is_said_with_where_the_log_stands() -> None:
    tail = Tail(HERE, (Publication(40, "a", b"1"), Publication(41, "b", b'"x"', "ann")))
    assert said(replies.HistoryReply(6, "dogs", tail)) == {
        "type": "history",
        "id": 6,
        "channel": "dogs",
        "epoch": "e1",
        "offset": 41,
        "publications": [
            {"offset": 40, "event": "a", "data": 1},
            {"offset": 41, "event": "b", "data": "x", "user": "ann"},
        ],
    }


def test_an_event_carries_its_data_to_the_letter() -> None:
    publish = NATIVE.publications("dogs")
    data = b'{"a" : 1.0e2,  "b":"\\u00e9"}'
    frame = publish(Publication(7, 'po"st', data))
    assert data in frame
    assert texts(frame) == [
        {
            "type": "event",
            "channel": "dogs",
            "event": 'po"st',
            "data": {"a": 100, "b": "é"},
            "offset": 7,
        }
    ]
    [told] = texts(publish(Publication(8, "post", b"0", "ann")))
    assert told["user"] == "ann"


def test_joins_carry_info_and_leaves_do_not() -> None:
    tell = NATIVE.changes("presence-c")
    ann = Member("ann", b'{"name":"Ann"}')
    assert texts(tell(Change(1, joined=True, member=ann))) == [
        {"type": "joined", "channel": "presence-c", "user": "ann", "info": {"name": "Ann"}}
    ]
    assert texts(tell(Change(2, joined=False, member=ann))) == [
        {"type": "left", "channel": "presence-c", "user": "ann"}
    ]
    assert texts(tell(Change(3, joined=True, member=Member('"b"')))) == [
        {"type": "joined", "channel": "presence-c", "user": '"b"'}
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("[" * 65 + "]" * 65, ErrorCode.TOO_DEEP),
        ("9" * 301, ErrorCode.INVALID_FIELD),
    ],
)
def test_data_that_not_every_reader_can_read_is_refused_by_its_id(
    data: str, code: ErrorCode
) -> None:
    head = '{"type":"publish","id":3,"channel":"c","event":"e","data":'
    error = refused(f"{head}{data}}}".encode())
    assert (error.error, error.request_id, error.fatal) == (code, 3, False)


@pytest.mark.parametrize(
    "form", ['{{"type":"{}"}}', '{{"x":["{}"', '["{}"]', '{{"type":"ping","id":"\\ud800{}"}}']
)
def test_a_refusal_costs_no_steps_for_the_length_of_what_is_refused(form: str) -> None:
    def lines(length: int) -> int:
        payload = form.format("x" * length).encode()
        return lines_run(refusals, lambda: refusals.refusal(payload, "Invalid value - at `$.type`"))

    assert lines(60_000) == lines(100) < 40


@pytest.mark.parametrize("text", ["[" * 60_000, '{"a":' * 12_000, "9" * 60_000])
def test_hostile_text_is_refused_at_once(text: str) -> None:
    assert refused(text.encode()).error in {ErrorCode.TOO_DEEP, ErrorCode.NOT_AN_OBJECT}


@pytest.mark.parametrize("mark", ["9" * 64, "-" + "9" * 64])
def test_an_id_has_no_more_digits_than_a_text_has_characters(mark: str) -> None:
    assert NATIVE.decode(f'{{"type":"ping","id":{mark}}}'.encode()) == commands.Ping(int(mark))
    error = refused(f'{{"type":"ping","id":{mark}0}}'.encode())
    assert (error.error, error.request_id) == (ErrorCode.INVALID_FIELD, None)


@pytest.mark.parametrize("size", [0, 1, 100, 40_000])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_a_history_in_parts_says_the_same(count: int, size: int) -> None:
    entries = [Publication(n + 1, "e", b'"%b"' % (b"x" * size)) for n in range(count)]
    history = replies.HistoryReply(6, "dogs", Tail(HERE, tuple(entries)))
    parts = [next(split(part)) for part in NATIVE.encode_parts(history)]
    assert json.loads(b"".join(payload for _, payload in parts)) == said(history)
    fins = [first & 0x80 != 0 for first, _ in parts]
    assert fins == [False] * (len(parts) - 1) + [True]
    assert [first & 0x0F for first, _ in parts] == [1] + [0] * (len(parts) - 1)
    assert all(len(payload) < 32_768 + 40_100 for _, payload in parts)
