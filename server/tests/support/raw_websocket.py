"""Frames made by hand, a client that knows only bytes, and a WebSocket that records."""

import asyncio
import struct
from collections.abc import Awaitable, Callable

from riverd.websocket import frames
from riverd.websocket.connection import WebSocket
from riverd.websocket.interface import SocketLimits

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

    def __init__(self, limits: SocketLimits) -> None:
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


Connect = Callable[[SocketLimits], Awaitable[tuple[Peer, Recorder]]]
# Whoever is not dropped before that timeout fails the test by its own, which is much shorter.
LIMITS = SocketLimits(message_bytes_max=MAX, fragments_max=64, close_timeout_s=1_000)


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
