"""What a client may send before it has proven who it is."""

import asyncio

import pytest
from raw_websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    VIOLATIONS,
    Connect,
    closing,
    frame,
)
from wire import Collector, Wire

from riverd.websocket import frames
from riverd.websocket.early_input import EarlyInputs, EarlyLimits
from riverd.websocket.interface import SocketLimits

MAX = 500
EARLY = EarlyLimits(message_bytes_max=MAX, received_bytes_max=4_000, kept_bytes_max=10_000)


def limits(early: EarlyLimits = EARLY) -> SocketLimits:
    return SocketLimits(message_bytes_max=20_000, close_timeout_s=1_000, early=EarlyInputs(early))


class Stranger(Collector):
    """A WebSocket over a wire that belongs to nobody yet; it is trusted after a text "token"."""

    def __init__(self, limits: SocketLimits) -> None:
        super().__init__()
        self._limits = limits
        self.wire = Wire()
        self.attach(self.wire, head=b"")

    def on_text(self, payload: bytes) -> None:
        super().on_text(payload)
        if payload == b"token":
            self.trust()

    @property
    def kept_bytes(self) -> int:
        early = self._limits.early
        assert early is not None
        return early.kept_bytes


# What would be too large, or a fragment, is refused before it shows what else is wrong with it.
LARGE_OR_FRAGMENT = {
    "a text within a message",
    "a text cut within a character",
    "64 bits for a short length",
    "a negative length",
}


@pytest.mark.parametrize(("name", "wrong", "code"), [(k, *v) for k, v in VIOLATIONS.items()])
async def test_a_violation_closes_as_it_does_later(
    connect: Connect,
    name: str,
    wrong: bytes,
    code: int,
) -> None:
    peer, recorder = await connect(limits())
    peer.send(frame(TEXT, b"before") + wrong)
    assert await peer.frame() == (TEXT, b"before")
    opcode, payload = await peer.frame()
    expected = 1009 if name in LARGE_OR_FRAGMENT else code
    assert (opcode, int.from_bytes(payload[:2])) == (CLOSE, expected)
    peer.writer.write_eof()
    assert [(await recorder.event())[0] for _ in range(3)] == ["text", "closing", "closed"]


async def test_messages_pings_and_a_close_are_served_byte_by_byte() -> None:
    stranger = Stranger(limits())
    stream = frame(PING, b"now") + frame(PONG) + frame(BINARY, b"\xff") + frame(TEXT, b"{}")
    for byte in stream + closing(1000):
        stranger.receive(memoryview(bytes((byte,))))
    assert stranger.messages == [(BINARY, b"\xff"), (TEXT, b"{}")]
    assert stranger.wire.written == frames.pong(b"now") + frames.close(1000)
    assert stranger.kept_bytes == 0
    stranger.connection_lost(None)


@pytest.mark.parametrize("cut", range(1, 24))
async def test_what_follows_a_token_is_taken_with_the_usual_limits(cut: int) -> None:
    stranger = Stranger(limits())
    large, fragment = frame(TEXT, b"x" * 20_000), frame(BINARY, b"one", first=0)
    stream = frame(TEXT, b"token") + frame(TEXT, b"{}") + fragment + frame(PING)
    stream += frame(CONTINUATION, b"two") + large
    stranger.receive(memoryview(stream)[:cut])
    stranger.receive(memoryview(stream)[cut:])
    expected = [(TEXT, b"token"), (TEXT, b"{}"), (BINARY, b"onetwo"), (TEXT, b"x" * 20_000)]
    assert stranger.messages == expected
    stranger.connection_lost(None)


@pytest.mark.parametrize(
    "head",
    [
        frame(TEXT, b"x" * (MAX + 1))[:4],
        frame(TEXT, b"x" * 70_000)[:2],
        frame(BINARY, b"x", first=0)[:2],
    ],
)
async def test_a_message_that_is_too_large_is_refused_by_its_header(head: bytes) -> None:
    stranger = Stranger(limits())
    stranger.receive(memoryview(head))
    assert stranger.wire.written[:4] == b"\x88" + stranger.wire.written[1:2] + b"\x03\xf1"
    assert stranger.kept_bytes == 0
    stranger.connection_lost(None)


async def test_a_stranger_keeps_no_parser_and_only_what_has_come_of_a_frame() -> None:
    stranger = Stranger(limits())
    stranger.receive(memoryview(frame(TEXT, b"x" * MAX))[:300])
    assert stranger._parser is None
    assert stranger.kept_bytes == 300
    stranger.receive(memoryview(frame(TEXT, b"x" * MAX))[300:])
    assert stranger.kept_bytes == 0
    stranger.connection_lost(None)


async def test_strangers_that_keep_too_much_together_lose_whoever_did_so_longest() -> None:
    shared = limits()
    begun = memoryview(frame(TEXT, b"x" * MAX))[:400]
    many = [Stranger(shared) for _ in range(30)]
    for stranger in many:
        stranger.receive(begun)
    evicted = [bool(stranger.wire.written) for stranger in many]
    assert evicted == [True] * 5 + [False] * 25
    assert many[-1].kept_bytes == 25 * 400
    assert many[0].wire.written[2:4] == b"\x03\xf0"
    for stranger in many:
        stranger.connection_lost(None)
    assert many[0].kept_bytes == 0


async def test_a_closed_stranger_keeps_nothing() -> None:
    stranger = Stranger(limits())
    stranger.receive(memoryview(frame(TEXT, b"x" * MAX))[:400])
    stranger.close(4408)
    assert stranger.kept_bytes == 0
    stranger.connection_lost(None)
    assert stranger.codes == [4408]


async def test_a_stranger_has_a_budget_in_bytes_for_all_that_it_sends() -> None:
    stranger = Stranger(limits(EarlyLimits(received_bytes_max=1_000, received_s=1_000)))
    message = frame(PING, bytes(94))
    sent = 0
    while not stranger.wire.ended:
        stranger.receive(memoryview(message))
        sent += len(message)
    assert sent == 2 * 1_000 + len(message)
    assert stranger.wire.written.endswith(frames.close(1008, "too much before a token"))
    stranger.connection_lost(None)


async def test_a_budget_comes_back_with_time() -> None:
    stranger = Stranger(limits(EarlyLimits(received_bytes_max=1_000, received_s=0)))
    for _ in range(100):
        stranger.receive(memoryview(frame(PING, bytes(94))))
    assert not stranger.wire.ended
    stranger.connection_lost(None)


async def test_a_frame_that_comes_in_tiny_pieces_is_still_read(connect: Connect) -> None:
    peer, _ = await connect(limits())
    for byte in frame(TEXT, b"y" * 126):
        peer.send(bytes((byte,)))
        await asyncio.sleep(0)
    assert await peer.frame() == (TEXT, b"y" * 126)
