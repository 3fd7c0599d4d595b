"""Frames against the byte layout of RFC 6455, section 5.2, written out by hand."""

import pytest

from riverd.websocket import frames


def test_a_short_text_has_its_length_in_the_second_byte() -> None:
    assert frames.text(b"Hello") == b"\x81\x05Hello"


def test_an_empty_text_is_a_frame_of_two_bytes() -> None:
    assert frames.text(b"") == b"\x81\x00"


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_the_shortest_form_of_the_length_is_taken(size: int, head: bytes) -> None:
    assert frames.text(b"x" * size) == head + b"x" * size


def test_a_close_carries_code_and_reason() -> None:
    assert frames.close(4401, "token expired") == b"\x88\x0f\x11\x31token expired"


def test_a_close_without_status_is_empty() -> None:
    assert frames.close(1005) == b"\x88\x00"


def test_a_long_reason_is_cut_between_two_characters() -> None:
    frame = frames.close(1000, "é" * 100)
    assert frame[1] == 2 + 122
    assert frame[4:].decode() == "é" * 61


def test_ping_and_pong() -> None:
    assert frames.ping() == b"\x89\x00"
    assert frames.pong(b"beat") == b"\x8a\x04beat"
