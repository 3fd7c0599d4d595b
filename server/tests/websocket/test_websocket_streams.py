"""The WebSocket layer without sockets: any stream of bytes, cut anywhere."""

import gc
import weakref
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import Collector, Message, Wire

from riverd.websocket import frames

CONTINUATION, TEXT, BINARY, RESERVED = 0x0, 0x1, 0x2, 0x3
CLOSE, PING, PONG = 0x8, 0x9, 0xA
FIN = 0x80
MASK = b"\xa5\x00\xff\x17"


def frame(opcode: int, payload: bytes, first: int = FIN) -> bytes:
    """A client's frame. `first` holds the bits beside the opcode."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2)
    masked = bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))
    return bytes((first | opcode,)) + length + MASK + masked


TEXTS = st.text(max_size=40).map(str.encode)
BINARIES = st.binary(max_size=40) | st.binary(min_size=2_000, max_size=9_000)
MESSAGES = st.lists(
    st.tuples(st.just(TEXT), TEXTS) | st.tuples(st.just(BINARY), BINARIES), max_size=6
)
ANY_FRAME = st.builds(
    frame,
    st.sampled_from([*range(16), TEXT, TEXT, CONTINUATION]),
    st.binary(max_size=130),
    st.sampled_from([FIN, FIN, FIN, 0, FIN | 0x40]),
)


def cut(stream: bytes, data: st.DataObject) -> Iterator[memoryview]:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    for start, stop in pairwise([0, *cuts, len(stream)]):
        yield memoryview(stream)[start:stop]


def fragments(message: Message, data: st.DataObject) -> Iterator[bytes]:
    """The frames of a message, cut anywhere, with control frames between them."""
    opcode, payload = message
    cuts = sorted(data.draw(st.lists(st.integers(0, len(payload)), max_size=5)))
    parts = [payload[start:stop] for start, stop in pairwise([0, *cuts, len(payload)])]
    for index, part in enumerate(parts):
        last = FIN if index == len(parts) - 1 else 0
        yield frame(CONTINUATION if index else opcode, part, last)
        if data.draw(st.booleans()):
            yield frame(data.draw(st.sampled_from([PING, PONG])), b"beat")


def room_of(collector: Collector) -> int:
    """How much the parser that is kept has room for."""
    assert collector._parser is not None
    return len(collector._parser.get_buffer(-1))


@given(messages=MESSAGES, data=st.data())
async def test_messages_come_out_alike_however_they_are_cut(
    messages: list[Message], data: st.DataObject
) -> None:
    sent = [part for message in messages for part in fragments(message, data)]
    wire, collector = Wire(), Collector()
    collector.attach(wire, head=b"")
    for portion in cut(b"".join(sent), data):
        collector.receive(portion)
    assert collector.messages == messages
    assert wire.written == frames.pong(b"beat") * sent.count(frame(PING, b"beat"))
    collector.connection_lost(None)
    assert collector.codes == [1006]


@given(noise=st.lists(ANY_FRAME | st.binary(max_size=20), max_size=20), data=st.data())
async def test_the_last_word_is_one_close_frame_whatever_comes(
    noise: list[bytes], data: st.DataObject
) -> None:
    wire, collector = Wire(), Collector()
    collector.attach(wire, head=b"")
    for portion in cut(b"".join(noise), data):
        collector.receive(portion)
    rest = wire.written
    while rest[:1] == b"\x8a":
        rest = rest[2 + rest[1] :]
    if rest:
        assert rest[0] == 0x88
        assert len(rest) == 2 + rest[1]
    collector.connection_lost(None)
    told = int.from_bytes(rest[2:4]) if len(rest) > 2 else 1005
    assert collector.codes == [told if rest else 1006]


async def test_a_closed_connection_is_freed_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        collector = Collector()
        collector.attach(Wire(), head=b"")
        collector.receive(memoryview(frame(TEXT, b"begun", 0)))
        collector.close(1000)
        deadline = collector._deadline
        collector.connection_lost(None)
        assert deadline is not None
        assert deadline.cancelled()
        freed = weakref.ref(collector)
        del collector
        assert freed() is None
    finally:
        gc.enable()


async def test_a_control_frame_may_come_slowly_within_a_message_of_the_limit() -> None:
    wire, collector = Wire(), Collector()
    collector.attach(wire, head=b"")
    collector.receive(memoryview(frame(BINARY, bytes(20_000), 0)))
    ping = memoryview(frame(PING, bytes(125)))
    collector.receive(ping[:130])
    collector.receive(ping[130:])
    collector.receive(memoryview(frame(CONTINUATION, b"")))
    assert wire.written == frames.pong(bytes(125))
    assert collector.messages == [(BINARY, bytes(20_000))]
    collector.connection_lost(None)


async def test_the_room_of_a_large_message_is_given_back() -> None:
    collector = Collector()
    collector.attach(Wire(), head=b"")
    for size in (20_000, 100, 18_000):
        collector.receive(memoryview(frame(BINARY, bytes(size))))
        assert room_of(collector) < 2_048
    collector.connection_lost(None)


async def test_small_messages_in_haste_take_no_more_room() -> None:
    collector = Collector()
    collector.attach(Wire(), head=b"")
    for count in (60, 1_000):
        collector.receive(memoryview(frame(BINARY, bytes(100)) * count))
        assert room_of(collector) < 2_048
    collector.connection_lost(None)


async def test_what_follows_a_close_does_not_matter() -> None:
    wire, collector = Wire(), Collector()
    collector.attach(wire, head=b"")
    collector.receive(memoryview(frame(CLOSE, b"\x03\xe8") + frame(RESERVED, b"")))
    assert wire.written == frames.close(1000)
    collector.connection_lost(None)
    assert collector.codes == [1000]


async def test_who_sends_small_texts_and_pongs_has_no_parser() -> None:
    collector = Collector()
    collector.attach(Wire(), head=b"")
    pongs = frame(PONG, b"") + frame(PONG, bytes(125))
    collector.receive(memoryview(frame(TEXT, b"{}") + pongs + frame(TEXT, bytes(300))))
    collector.receive(memoryview(pongs))
    assert collector._parser is None
    assert collector.messages == [(TEXT, b"{}"), (TEXT, bytes(300))]
    collector.connection_lost(None)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(b"\x8a\x00", id="without a mask"),
        pytest.param(b"\x8a\xfe\x00\x7e" + MASK + bytes(126), id="longer than 125 bytes"),
        pytest.param(b"\x8a\xff" + bytes(7) + b"\x01" + MASK + b"x", id="of an eight-byte length"),
    ],
)
async def test_a_malformed_pong_is_an_error(wrong: bytes) -> None:
    wire, collector = Wire(), Collector()
    collector.attach(wire, head=b"")
    collector.receive(memoryview(frame(PONG, b"") + wrong + bytes(20)))
    assert wire.written[:1] == b"\x88"
    collector.connection_lost(None)
    assert collector.codes == [1002]


async def test_the_greeting_goes_out_with_the_101() -> None:
    wire = Wire()

    class Greeting(Collector):
        def greeting(self) -> bytes:
            return b"welcome"

    greeting = Greeting()
    greeting.attach(wire, head=b"101 ")
    assert wire.writes == [b"101 welcome"]
    greeting.connection_lost(None)
