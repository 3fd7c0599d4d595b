"""The WebSocket layer against RFC 6455, with hand-made bytes over real sockets."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from riverd.gateway.handshake import HttpRequest
from riverd.gateway.listener import Upgrade, serve
from riverd.websocket import frames
from riverd.websocket.connection import Limits, WebSocket

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80
MASK = b"\x37\xfa\x21\x3d"
HEAD = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
MAX = 1_000
DEADLINE_S = 20

# Lone continuations, impossible bytes, overlong forms, surrogates alone and in pairs, beyond
# U+10FFFF, five and six bytes, and characters that lack their last byte.
INVALID_UTF8 = """
    80 bf 80bf fe ff c0 e0 f0 f8 fc c0af c1bf e080af e09fbf f08080af f08fbfbf c080 e08080
    eda080 edadbf edae80 edafbf edb080 edbe80 edbfbf eda080edb080 edafbfedbfbf
    f4908080 f7bfbfbf f888808080 fc8480808080 cebae1bdb9cf83cebcc3 ce dfbfe0a0 f09f98
"""
# The first and last of each length, what stands beside the surrogates, and noncharacters.
VALID_UTF8 = """
    00 7f c280 dfbf e0a080 ed9fbf ee8080 efbfbd efbfbe efbfbf efb790 f0908080 f09fbfbe f48fbfbf
    cebae1bdb9cf83cebcceb5
"""
Event = tuple[str, bytes | int]


def frame(opcode: int, payload: bytes = b"", *, first: int = FIN) -> bytes:
    """A client's frame: masked. `first` holds the bits beside the opcode."""
    size = len(payload)
    if size < 126:
        length = struct.pack("!B", 0x80 | size)
    elif size < 65_536:
        length = struct.pack("!BH", 0xFE, size)
    else:
        length = struct.pack("!BQ", 0xFF, size)
    masked = bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))
    return bytes((first | opcode,)) + length + MASK + masked


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


class Recorder(WebSocket):
    """Echoes texts and writes down what happens."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.gone = asyncio.Event()

    def on_text(self, payload: bytes) -> None:
        self.events.put_nowait(("text", payload))
        if payload == b"raise":
            raise ZeroDivisionError
        self.write(frames.text(payload))

    def on_binary(self, payload: bytes) -> None:
        self.events.put_nowait(("binary", payload))

    def on_closing(self) -> None:
        self.events.put_nowait(("closing", 0))

    def on_closed(self, code: int) -> None:
        self.events.put_nowait(("closed", code))
        self.gone.set()

    def on_blocked(self) -> None:
        self.events.put_nowait(("blocked", 0))

    def on_drained(self) -> None:
        self.events.put_nowait(("drained", 0))

    async def event(self) -> Event:
        async with asyncio.timeout(DEADLINE_S):
            return await self.events.get()

    def waiting_bytes(self) -> int:
        return self._transport.get_write_buffer_size()


class Peer:
    """A client that knows only bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def bytes_until_end(self) -> bytes:
        async with asyncio.timeout(DEADLINE_S):
            return await self.reader.read()

    async def frame(self) -> tuple[int, bytes]:
        async with asyncio.timeout(DEADLINE_S):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            assert first & FIN, "the server never fragments"
            return first & 0xF, await self.reader.readexactly(size)


Connect = Callable[[Limits], Awaitable[tuple[Peer, Recorder]]]
# Whoever is not dropped before that timeout fails the test by its own, which is much shorter.
LIMITS = Limits(message_bytes_max=MAX, fragments_max=64, close_timeout_s=1_000)


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    recorders: list[Recorder] = []
    peers: list[Peer] = []
    limits = LIMITS

    def accept(_request: HttpRequest) -> Upgrade:
        recorders.append(Recorder(limits))
        return Upgrade(recorders[-1])

    listener = await serve(accept, socket.create_server(("127.0.0.1", 0)))
    assert listener.server is not None
    port = listener.server.sockets[0].getsockname()[1]

    async def connect(with_limits: Limits) -> tuple[Peer, Recorder]:
        nonlocal limits
        limits = with_limits
        # A small limit: what the test does not ask for stays in the kernel.
        peers.append(Peer(*await asyncio.open_connection("127.0.0.1", port, limit=1_024)))
        peers[-1].send(HEAD)
        await peers[-1].reader.readuntil(b"\r\n\r\n")
        return peers[-1], recorders[-1]

    yield connect
    listener.close()
    for peer, recorder in zip(peers, recorders, strict=True):
        peer.writer.close()
        if not recorder.gone.is_set():
            recorder._transport.abort()
            await recorder.gone.wait()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
async def test_a_message_of_every_length_form_comes_back(connect: Connect, size: int) -> None:
    peer, _ = await connect(Limits())
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
    peer, _ = await connect(Limits())
    payload = b"*" * 65_536
    parts = [payload[at : at + 1_300] for at in range(0, len(payload), 1_300)]
    peer.send(frame(TEXT, parts[0], first=0))
    for part in parts[1:]:
        peer.send(frame(CONTINUATION, part, first=0))
    peer.send(frame(CONTINUATION))
    assert await peer.frame() == (TEXT, payload)


async def test_a_ping_of_125_bytes_is_answered_and_pongs_are_ignored(connect: Connect) -> None:
    peer, recorder = await connect(LIMITS)
    recorder.heard = False
    peer.send(frame(PONG, b"unasked") + frame(PING, b"p" * 125))
    assert await peer.frame() == (PONG, b"p" * 125)
    assert recorder.heard
    recorder.ping()
    assert await peer.frame() == (PING, b"")
    peer.send(closing(1000))


VIOLATIONS = {
    "a reserved bit of a text": (frame(TEXT, b"x", first=FIN | 0x40), 1002),
    "a reserved bit of a fragment": (frame(TEXT, b"x", first=0x20), 1002),
    "a reserved bit of a ping": (frame(PING, b"x", first=FIN | 0x10), 1002),
    "a reserved bit of a close": (frame(CLOSE, b"", first=FIN | 0x70), 1002),
    **{f"opcode {code}": (frame(code, b"x"), 1002) for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "no mask": (b"\x81\x01x", 1002),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "a close of 126 bytes": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "a fragmented ping": (frame(PING, b"x", first=0), 1002),
    "a fragmented pong": (frame(PONG, b"x", first=0), 1002),
    "a continuation of nothing": (frame(CONTINUATION, b"x"), 1002),
    "a text within a message": (frame(TEXT, b"x", first=0) + frame(TEXT, b"y"), 1002),
    "16 bits for a short length": (b"\x81\xfe\x00\x05" + MASK + b"xxxxx", 1002),
    "64 bits for a short length": (b"\x81\xff" + bytes(6) + b"\x00\x80" + MASK, 1002),
    "a negative length": (b"\x81\xff\x80" + bytes(7) + MASK, 1002),
    "half a close code": (frame(CLOSE, b"\x03"), 1002),
    **{
        f"close code {code}": (closing(code), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    },
    "a close reason that is not UTF-8": (closing(1000, b"\xce\xba\xe1\xbd\xed\xa0\x80"), 1007),
    **{
        f"text {text.hex()}": (frame(TEXT, text), 1007)
        for text in map(bytes.fromhex, INVALID_UTF8.split())
    },
    "a text cut within a character": (
        frame(TEXT, b"\xf0\x9f", first=0) + frame(CONTINUATION, b"\x98"),
        1007,
    ),
    "a message that is too large": (frame(TEXT, b"x" * (MAX + 1)), 1009),
    "fragments that are too large": (
        frame(TEXT, b"x" * MAX, first=0) + frame(CONTINUATION, b"x"),
        1009,
    ),
    "fragments for ever": (
        frame(TEXT, b"", first=0) + frame(CONTINUATION, b"x", first=0) * 10_000,
        1009,
    ),
    "empty fragments for ever": (frame(TEXT, first=0) + frame(0, first=0) * 10_000, 1009),
    "a frame of an exabyte, while it arrives": (
        b"\x82\xff\x10" + bytes(7) + MASK + bytes(MAX * 2),
        1009,
    ),
}


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
    peer, recorder = await connect(Limits(signs_max=100, signs_s=1_000, close_timeout_s=1_000))
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
    peer, _ = await connect(Limits(signs_max=100, signs_s=0))
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
    peer, recorder = await connect(Limits(close_timeout_s=0.05))
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
    limits = Limits(write_buffer_bytes_max=100_000_000, close_timeout_s=0.05)
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
    peer, recorder = await connect(Limits(write_buffer_bytes_max=50_000, signs_max=10**9))
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
    _, recorder = await connect(Limits(close_timeout_s=0.05))
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
