"""The WebSocket layer against RFC 6455, with hand-made bytes over real sockets."""

import asyncio

import pytest
from raw_websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    LIMITS,
    MAX,
    PING,
    PONG,
    TEXT,
    VALID_UTF8,
    VIOLATIONS,
    Connect,
    Event,
    Peer,
    closing,
    frame,
)

from riverd.websocket import frames
from riverd.websocket.interface import SocketLimits


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
async def test_a_message_of_every_length_form_comes_back(connect: Connect, size: int) -> None:
    peer, _ = await connect(SocketLimits())
    peer.send(frame(TEXT, b"x" * size))
    assert await peer.frame() == (TEXT, b"x" * size)
    peer.send(closing(1000))
    assert await peer.frame() == (CLOSE, b"\x03\xe8")


async def test_a_binary_message_is_told_from_a_text(connect: Connect) -> None:
    peer, recorder = await connect(LIMITS)
    peer.send(frame(BINARY, b"\xff\x00"))
    assert await recorder.event() == ("binary", b"\xff\x00")
    peer.send(closing(1000))


async def test_fragments_are_joined_and_a_ping_between_them_is_answered(connect: Connect) -> None:
    peer, recorder = await connect(LIMITS)
    peer.send(frame(TEXT, "fjör".encode()[:3], first=0) + frame(PING, b"now"))
    peer.send(frame(CONTINUATION, "fjör".encode()[3:]))
    assert await peer.frame() == (PONG, b"now")
    assert await recorder.event() == ("text", "fjör".encode())
    peer.send(closing(1000))


@pytest.mark.parametrize(
    "text", [bytes.fromhex(text) for text in VALID_UTF8.split()], ids=bytes.hex
)
async def test_every_kind_of_character_is_text_whole_and_byte_by_byte(
    connect: Connect, text: bytes
) -> None:
    peer, _ = await connect(LIMITS)
    parts = [frame(CONTINUATION, bytes((byte,)), first=0) for byte in text]
    peer.send(frame(TEXT, text) + frame(TEXT, first=0) + b"".join(parts) + frame(CONTINUATION))
    assert await peer.frame() == (TEXT, text)
    assert await peer.frame() == (TEXT, text)


async def test_a_large_message_may_come_in_many_fragments(connect: Connect) -> None:
    peer, _ = await connect(SocketLimits())
    payload = b"*" * 65_536
    parts = [payload[at : at + 1_300] for at in range(0, len(payload), 1_300)]
    peer.send(frame(TEXT, parts[0], first=0))
    for part in parts[1:]:
        peer.send(frame(CONTINUATION, part, first=0))
    peer.send(frame(CONTINUATION))
    assert await peer.frame() == (TEXT, payload)


async def test_a_ping_of_125_bytes_is_answered_and_pongs_are_ignored(connect: Connect) -> None:
    peer, recorder = await connect(LIMITS)
    recorder.active = False
    peer.send(frame(PONG, b"unasked") + frame(PING, b"p" * 125))
    assert await peer.frame() == (PONG, b"p" * 125)
    assert recorder.active
    recorder.ping()
    assert await peer.frame() == (PING, b"")
    peer.send(closing(1000))


@pytest.mark.parametrize(("wrong", "code"), VIOLATIONS.values(), ids=VIOLATIONS.keys())
async def test_a_violation_closes_and_what_came_before_it_is_served(
    connect: Connect, wrong: bytes, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    peer, recorder = await connect(LIMITS)
    peer.send(frame(TEXT, b"before") + wrong + frame(TEXT, b"after"))
    assert await peer.frame() == (TEXT, b"before")
    opcode, payload = await peer.frame()
    assert (opcode, int.from_bytes(payload[:2])) == (CLOSE, code)
    peer.send(closing(code))
    assert await peer.bytes_until_end() == b""
    peer.writer.close()
    expected: list[Event] = [("text", b"before"), ("closing", 0), ("closed", code)]
    assert [await recorder.event() for _ in expected] == expected
    assert not caplog.records


async def test_a_message_of_exactly_the_limit_is_served(connect: Connect) -> None:
    peer, _ = await connect(LIMITS)
    half = b"x" * (MAX // 2)
    for _ in range(2):
        peer.send(frame(TEXT, half, first=0) + frame(PING) + frame(CONTINUATION, half))
        assert await peer.frame() == (PONG, b"")
        assert await peer.frame() == (TEXT, half * 2)
    peer.send(closing(1000))


async def test_a_client_in_full_flight_sees_why_it_is_closed(connect: Connect) -> None:
    peer, recorder = await connect(LIMITS)
    peer.send(frame(TEXT, b"x" * 5_000_000))
    assert await peer.frame() == (CLOSE, frames.close(1009, "message too large")[2:])
    assert await peer.bytes_until_end() == b""
    peer.writer.close()
    assert [await recorder.event(), await recorder.event()] == [("closing", 0), ("closed", 1009)]


async def test_a_client_that_goes_on_after_our_close_is_not_looked_at_for_ever(
    connect: Connect,
) -> None:
    peer, recorder = await connect(LIMITS)
    recorder.close(4429)
    assert await peer.frame() == (CLOSE, b"\x11\x4d")
    peer.send(frame(TEXT, b"late") * 100)
    # It ends without the peer's close frame, long before the time for that is over.
    peer.send(frame(TEXT, b"late") * 10_000)
    assert await peer.bytes_until_end() == b""
    peer.writer.close()
    assert [await recorder.event(), await recorder.event()] == [("closing", 0), ("closed", 4429)]


async def pinged(peer: Peer, kind: int, times: int) -> None:
    peer.send(frame(kind) * times)
    for _ in range(times if kind == PING else 0):
        assert await peer.frame() == (PONG, b"")


@pytest.mark.parametrize("kind", [PING, PONG])
async def test_a_client_that_does_nothing_but_ping_is_closed(connect: Connect, kind: int) -> None:
    peer, recorder = await connect(
        SocketLimits(control_frames_max=100, control_frames_s=1_000, close_timeout_s=1_000)
    )
    await pinged(peer, kind, 200)
    peer.send(frame(kind) + frame(TEXT, b"unheard"))
    assert await peer.frame() == (CLOSE, frames.close(1008, "too many pings")[2:])
    # What follows is thrown away, and the peer reads to the end nevertheless.
    peer.send(frame(kind) * 100_000)
    assert await peer.bytes_until_end() == b""
    peer.writer.close()
    assert [await recorder.event(), await recorder.event()] == [("closing", 0), ("closed", 1008)]


@pytest.mark.parametrize("kind", [PING, PONG])
async def test_a_client_may_ping_for_ever(connect: Connect, kind: int) -> None:
    peer, _ = await connect(SocketLimits(control_frames_max=100, control_frames_s=0))
    await pinged(peer, kind, 1_000)
    peer.send(frame(TEXT, b"here"))
    assert await peer.frame() == (TEXT, b"here")


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4401, 4999])
async def test_a_close_is_answered_with_its_code(connect: Connect, code: int) -> None:
    peer, recorder = await connect(LIMITS)
    peer.send(
        closing(code, "tschüß".encode()) + frame(TEXT, b"after") + frame(PING) + closing(code)
    )
    assert await peer.bytes_until_end() == frames.close(code)
    assert [await recorder.event(), await recorder.event()] == [("closing", 0), ("closed", code)]


async def test_a_close_without_code_is_answered_in_kind(connect: Connect) -> None:
    peer, recorder = await connect(LIMITS)
    peer.send(frame(CLOSE))
    assert await peer.bytes_until_end() == b"\x88\x00"
    assert [await recorder.event(), await recorder.event()] == [("closing", 0), ("closed", 1005)]


async def test_our_close_waits_for_the_peers_and_says_nothing_more(connect: Connect) -> None:
    peer, recorder = await connect(LIMITS)
    recorder.close(4401, "token expired")
    recorder.close(1000)
    recorder.write(frames.text(b"late"))
    assert await recorder.event() == ("closing", 0)
    assert await peer.frame() == (CLOSE, b"\x11\x31token expired")
    peer.send(frame(TEXT, b"not served") + frame(PING) + closing(4401))
    assert await peer.bytes_until_end() == b""
    assert await recorder.event() == ("closed", 4401)


async def test_a_peer_that_does_not_answer_a_close_is_dropped(connect: Connect) -> None:
    peer, recorder = await connect(SocketLimits(close_timeout_s=0.05))
    recorder.close(4408)
    assert await recorder.event() == ("closing", 0)
    assert await recorder.event() == ("closed", 4408)
    assert await peer.bytes_until_end() == frames.close(4408)
    recorder.write(b"after the end")
    recorder.close(1000)


async def test_an_end_without_close_frame_is_1006(connect: Connect) -> None:
    peer, recorder = await connect(LIMITS)
    peer.writer.write_eof()
    assert await recorder.event() == ("closed", 1006)


async def test_a_peer_that_ended_and_reads_nothing_is_dropped(connect: Connect) -> None:
    limits = SocketLimits(write_buffer_bytes_max=100_000_000, close_timeout_s=0.05)
    peer, recorder = await connect(limits)
    recorder.write(bytes(30_000_000))
    peer.writer.write_eof()
    assert await recorder.event() == ("closed", 1006)


async def test_a_callback_that_fails_is_our_fault_and_is_logged(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    peer, _ = await connect(LIMITS)
    peer.send(frame(TEXT, b"raise"))
    opcode, payload = await peer.frame()
    assert (opcode, payload[:2]) == (CLOSE, b"\x03\xf3")
    assert [record.name for record in caplog.records] == ["riverd.websocket.connection"]
    assert caplog.records[0].exc_info


async def test_a_client_that_reads_nothing_is_not_read_from(connect: Connect) -> None:
    peer, recorder = await connect(
        SocketLimits(write_buffer_bytes_max=50_000, control_frames_max=10**9)
    )
    pings, highest = 0, 0
    while recorder.events.empty() or pings % 100_000:
        peer.send(frame(PING, b"p" * 125) * 1_000)
        pings += 1_000
        await asyncio.sleep(0)
        highest = max(highest, recorder.waiting_bytes())
    # What was read in one go when it was found out may come on top.
    assert 50_000 < highest < 50_000 + 16_384
    for _ in range(pings):
        assert await peer.frame() == (PONG, b"p" * 125)
    blocked_and_drained = {(await recorder.event())[0] for _ in range(2)}
    assert blocked_and_drained == {"blocked", "drained"}


async def test_a_client_that_reads_nothing_can_be_closed(connect: Connect) -> None:
    _, recorder = await connect(SocketLimits(close_timeout_s=0.05))
    while recorder.events.empty():
        recorder.write(frames.text(b"x" * 60_000))
    assert await recorder.event() == ("blocked", 0)
    recorder.close(4429)
    assert await recorder.event() == ("closing", 0)
    assert await recorder.event() == ("closed", 4429)


async def test_a_client_that_reads_late_can_still_shake_hands(connect: Connect) -> None:
    peer, recorder = await connect(LIMITS)
    while recorder.events.empty():
        recorder.write(frames.text(b"x" * 60_000))
    recorder.close(4503)
    while await peer.frame() != (CLOSE, b"\x11\x97"):
        pass
    peer.send(closing(4503))
    assert await peer.bytes_until_end() == b""
    expected: list[Event] = [("blocked", 0), ("closing", 0), ("closed", 4503)]
    assert [await recorder.event() for _ in expected] == expected
