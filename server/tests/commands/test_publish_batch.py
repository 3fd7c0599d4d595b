"""Files of messages: how they are read, and how they are divided into requests."""

import io
import json

import click
import pytest

from riverd.commands.publish import BATCH_BYTES_MAX, batches, messages_of

ONE = b'{"channel":"dogs","event":"post","data":1}'


@pytest.mark.parametrize(
    "content",
    [
        ONE + b"\n" + ONE,
        b"\n \n" + ONE + b"\r\n\n" + ONE + b"\n\n",
        b"[" + ONE + b",\n" + ONE + b"]",
        b"\n  [\n" + ONE + b",\n" + ONE + b"\n]\n",
    ],
)
def test_file_has_an_object_a_line_or_one_array(content: bytes) -> None:
    messages = list(messages_of(io.BytesIO(content)))
    assert [bytes(message["data"]) for message in messages] == [b"1", b"1"]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[]"])
def test_file_may_be_empty(content: bytes) -> None:
    assert not list(messages_of(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (ONE + b"\n[1]", "line 2 is no message"),
        (ONE + ONE, "line 1 is no message"),
        (b"\xff", "line 1 is no message"),
        (b"[1]", "array"),
        (b"[" + ONE, "array"),
    ],
)
def test_file_of_something_else_is_wrong_usage(content: bytes, why: str) -> None:
    with pytest.raises(click.UsageError, match=why):
        list(messages_of(io.BytesIO(content)))


def test_each_message_has_an_id_of_its_own_and_data_as_it_was() -> None:
    digits = b"1" * 300
    lines = b'{"channel":"a","data":%b}\n{"channel":"b","id":"mine","data":1.50}' % digits
    [batch] = batches(messages_of(io.BytesIO(lines)))
    first, second = batch
    assert b'"data":%b' % digits in first
    assert b'"data":1.50' in second
    assert json.loads(second)["id"] == "mine"
    assert len(json.loads(first)["id"]) > 32


def test_requests_have_as_many_messages_as_they_may() -> None:
    many = messages_of(io.BytesIO((ONE + b"\n") * 2_500))
    assert [len(batch) for batch in batches(many)] == [1_000, 1_000, 500]
    large = b'{"channel":"a","data":"%b"}\n' % (b"x" * 60_000)
    sizes = [sum(map(len, batch)) for batch in batches(messages_of(io.BytesIO(large * 150)))]
    assert len(sizes) == 3
    assert max(sizes) <= BATCH_BYTES_MAX
