"""A long message goes out as the socket takes it."""

import asyncio
from collections.abc import Iterator
from typing import cast

from raw_websocket import CLOSE, CONTINUATION, TEXT, Connect, Peer, Recorder, frame
from river_wire import NATIVE, RULES, Book

from riverd.core.channel import Channel
from riverd.core.hub import Hub
from riverd.core.session import Session
from riverd.core.session_limits import SessionLimits
from riverd.core.sink import NO_SINK, Sink
from riverd.errors import Reason
from riverd.model.commands import Subscribe
from riverd.model.log import Position, Publication, Tail
from riverd.websocket import frames
from riverd.websocket.interface import SocketLimits

PART_BYTES = 50_000
PARTS = 400
LIMITS = SocketLimits(write_buffer_bytes_max=65_536, close_timeout_s=1_000)


class Message:
    """A message of 20 MB, and how much of it was made."""

    def __init__(self) -> None:
        self.made = 0

    def parts(self) -> Iterator[bytes]:
        for number in range(PARTS):
            self.made += 1
            payload = b"%05d" % number * (PART_BYTES // 5)
            yield frames.part_of_text(payload, first=number == 0, last=number == PARTS - 1)

    @property
    def payload(self) -> bytes:
        return b"".join(b"%05d" % number * (PART_BYTES // 5) for number in range(PARTS))


async def message(peer: Peer) -> tuple[int, bytes, list[int]]:
    """A message with its fragments joined, and the control frames between them."""
    payload, kind, between = bytearray(), -1, list[int]()
    while True:
        async with asyncio.timeout(20):
            first, size = await peer.reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await peer.reader.readexactly(2 if size == 126 else 8))
            data = await peer.reader.readexactly(size)
        if first & 0x8:
            between.append(first & 0xF)
            if first & 0xF == CLOSE:
                return kind, bytes(payload), between
            continue
        assert (first & 0xF == CONTINUATION) == (kind >= 0)
        kind = kind if kind >= 0 else first & 0xF
        payload += data
        if first & 0x80:
            return kind, bytes(payload), between


async def test_a_long_message_waits_in_no_buffer_and_what_is_written_meanwhile_follows(
    connect: Connect,
) -> None:
    peer, recorder = await connect(LIMITS)
    long = Message()
    recorder.write_parts(long.parts())
    assert await recorder.event() == ("blocked", 0)
    recorder.write(frames.text(b"second"))
    recorder.write(frames.text(b"third"))
    # A reader's pause, in which nothing more may be made than buffers hold.
    for _ in range(100):
        await asyncio.sleep(0)
    assert long.made < PARTS
    assert recorder.waiting_bytes() < 65_536 + 2 * PART_BYTES
    assert await message(peer) == (TEXT, long.payload, [])
    assert await peer.frame() == (TEXT, b"second")
    assert await peer.frame() == (TEXT, b"third")
    assert await recorder.event() == ("drained", 0)
    peer.send(frame(TEXT, b"fourth"))
    assert await peer.frame() == (TEXT, b"fourth")


async def test_a_message_that_fits_is_sent_at_once(connect: Connect) -> None:
    peer, recorder = await connect(LIMITS)
    recorder.write_parts(iter([frames.part_of_text(b"whole", first=True, last=True)]))
    recorder.write(frames.text(b"next"))
    assert await peer.frame() == (TEXT, b"whole")
    assert await peer.frame() == (TEXT, b"next")
    assert recorder.events.empty()


async def test_a_close_goes_out_between_two_parts(connect: Connect) -> None:
    peer, recorder = await connect(LIMITS)
    long = Message()
    recorder.write_parts(long.parts())
    assert await recorder.event() == ("blocked", 0)
    recorder.write(frames.text(b"never"))
    recorder.close(4503)
    kind, payload, between = await message(peer)
    assert (kind, between) == (TEXT, [CLOSE])
    assert long.payload.startswith(payload)
    assert len(payload) < len(long.payload)


async def test_a_client_that_is_lost_within_a_message_leaves_nothing(connect: Connect) -> None:
    peer, recorder = await connect(LIMITS)
    long = Message()
    recorder.write_parts(long.parts())
    assert await recorder.event() == ("blocked", 0)
    peer.writer.transport.abort()
    assert await recorder.event() == ("closed", 1006)
    assert recorder._parts is None
    recorder.write_parts(long.parts())
    assert long.made < PARTS


def subscribed(hub: Hub, channel: Channel, sink: Sink, number: int) -> Session:
    session = Session(
        f"s{number}", sink, protocol=NATIVE, limits=SessionLimits(), verify=Book().verify
    )
    subscription = hub.subscribe(session, Subscribe(1, channel.name), member=None)
    hub.admit(subscription, channel, reply=b"", after=channel.log.offset)
    return session


def owing(recorder: Recorder) -> tuple[Hub, Session]:
    """A hub that has written a publication to one of two subscribers, and owes it the other."""
    hub = Hub(RULES, part_bytes_max=1_000, writes_max=1)
    channel = hub.open("c", Tail(Position("e1", 0)), roster=None, now=0)
    subscribed(hub, channel, NO_SINK, 1)
    session = subscribed(hub, channel, cast("Sink", recorder), 2)
    while hub.flush(0).more:
        pass
    assert hub.append(channel, Publication(1, "e", b"1"), now=0)
    assert hub.flush(0).more
    return hub, session


async def test_what_a_subscriber_is_owed_follows_the_long_message_that_it_is_sent(
    connect: Connect,
) -> None:
    peer, recorder = await connect(LIMITS)
    hub, session = owing(recorder)
    long = Message()
    recorder.write_parts(long.parts())
    assert await recorder.event() == ("blocked", 0)
    hub.block(session)
    while hub.flush(0).more:
        pass
    assert await message(peer) == (TEXT, long.payload, [])
    kind, event = await peer.frame()
    assert (kind, b'"offset":1' in event) == (TEXT, True)


async def test_nothing_that_a_subscriber_is_owed_follows_its_close_frame(
    connect: Connect,
) -> None:
    peer, recorder = await connect(LIMITS)
    hub, session = owing(recorder)
    hub.block(session)
    session.close(Reason.DISCONNECTED, "")
    session.end()
    # As one of many that end: it is taken out later.
    hub.mute(session)
    while hub.flush(0).more:
        pass
    kind, _, between = await message(peer)
    assert (kind, between) == (-1, [CLOSE])
    peer.send(frame(CLOSE, b"\x03\xe8"))
    assert await peer.bytes_until_end() == b""
