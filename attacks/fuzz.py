"""Gives what reads strangers' bytes millions of inputs that are nearly right: `make fuzz`.

    python attacks/fuzz.py --seconds 60 --seed 7

It fails when something raises what it does not promise, and prints the input.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "server" / "tests" / "support"))

import msgspec
from corpus import kept
from fuzz_planes import ANNOUNCED, API_BODIES, read_announcement, read_api_body
from fuzz_requests import (
    BODIES,
    PUSHER_MESSAGES,
    SIGNED,
    STREAMS,
    read_client_request,
    read_pusher_message,
    read_signed_request,
    read_stream_request,
)
from mutations import Mutations
from river_client import BINARY, CLOSE, CONTINUATION, PING, TEXT, frame, request, token
from river_process import SECRET

from riverd.auth.session_secrets import SessionSecrets
from riverd.auth.tokens import Verifier
from riverd.channels.rules import ChannelRules
from riverd.core.session_limits import SessionLimits
from riverd.errors import DecodeError, RiverError, TokenError
from riverd.gateway.origins import Origins
from riverd.http.limits import HEAD_BYTES_MAX
from riverd.http.proxies import ClientAddresses, parse_proxies
from riverd.http.reader import Reader
from riverd.http.refusal import RequestRefusedError
from riverd.http.request import Request
from riverd.protocols.native.protocol import Native
from riverd.websocket.connection import WebSocket
from riverd.websocket.early_input import EarlyInputs, EarlyLimits
from riverd.websocket.interface import SocketLimits

BODY_BYTES_MAX = 10_000
MESSAGES_MAX = int(SessionLimits().burst)
CRASHES_SHOWN = 5
SLOW_AGAIN = 3
"""A slow input is measured so many times more: what counts is the fastest of them."""

Read = Callable[[bytes], None]


@dataclass(frozen=True)
class FuzzTarget:
    """What reads bytes of strangers, what it may raise, and what it takes."""

    name: str
    read: Read
    promised: tuple[type[Exception], ...]
    valid: list[bytes]


@dataclass
class Fuzzed:
    """What came of it: how many inputs, the slowest, and those that raised something else."""

    inputs: int = 0
    slowest_us: float = 0.0
    crashes: int = 0


class _Sink(asyncio.Transport):
    """A transport to nobody."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Nothing is sent."""

    def write_eof(self) -> None:
        """Nothing was."""

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """It has one."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits."""

    def pause_reading(self) -> None:
        """Nothing is read."""

    def resume_reading(self) -> None:
        """Nothing is read."""

    def abort(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""


class _Receiver:
    """Takes every request, and bodies up to a size."""

    def head(self, request: Request) -> int:
        del request
        return BODY_BYTES_MAX

    def complete(self, body: bytes, *, too_large: bool) -> None:
        assert too_large or len(body) <= BODY_BYTES_MAX

    def offered(self, request: Request) -> bool:
        return request.path == "/ws"


class _Socket(WebSocket):
    """A WebSocket that decodes what it gets, as a session does, and ends where that would."""

    messages = 0

    def on_text(self, payload: bytes) -> None:
        self.messages += 1
        try:
            NATIVE.decode(payload)
        except DecodeError as error:
            if error.fatal:
                self.close(4400)
        if self.messages > MESSAGES_MAX:
            self.close(4429)

    def _fail(self) -> None:
        """What a connection logs, and closes for, is a crash here."""
        raise AssertionError("a frame was not handled") from sys.exc_info()[1]


NATIVE = Native(ChannelRules((), history_size=100, history_ttl_s=300), SessionSecrets([SECRET]))
VERIFIER = Verifier([SECRET])
ADDRESSES = ClientAddresses(parse_proxies(["127.0.0.1"]))
ORIGINS = Origins(["https://*.example.com", "https://*-*.example.com:*"])
SINK, RECEIVER = _Sink(), _Receiver()
STRANGER = SocketLimits(early=EarlyInputs(EarlyLimits()))
TRUSTED = SocketLimits()


def read_head(data: bytes) -> None:
    """All requests in some bytes."""
    reader = Reader({})
    for _ in range(100):
        if not data:
            return
        data = reader.feed(data, RECEIVER)


def read_message(data: bytes) -> None:
    """A message of the native protocol."""
    # Frames that are no UTF-8 are refused before.
    with suppress(DecodeError):
        NATIVE.decode(data.decode("utf-8", "replace").encode())


def read_token(data: bytes) -> None:
    """A token, however it came."""
    VERIFIER.verify(data.decode("utf-8", "replace"), time.time())


def read_address(data: bytes) -> None:
    """A proxy's header of addresses."""
    text = data[:HEAD_BYTES_MAX].decode("latin-1")
    for name in ("x-forwarded-for", "forwarded"):
        ADDRESSES.of(Request("GET", "/ws", "", {name: text}, peer="127.0.0.1"))


def read_origin(data: bytes) -> None:
    """A page's origin."""
    ORIGINS.allow(data[:HEAD_BYTES_MAX].decode("latin-1"))


def _read_frames(limits: SocketLimits) -> Read:
    def read(data: bytes) -> None:
        socket = _Socket(limits)
        socket.attach(SINK, head=b"")
        for start in range(0, len(data), 16_384):
            socket.receive(memoryview(data)[start : start + 16_384])
        socket.connection_lost(None)

    return read


MESSAGES = [
    b'{"type":"auth","id":1,"token":"' + token().encode() + b'"}',
    b'{"type":"subscribe","id":"a","channel":"presence-c","epoch":"e","offset":3,"history":2}',
    b'{"type":"publish","id":4,"channel":"c","event":"e","data":{"a":[1,2.5e3,"x",null,true]}}',
    b'{"type":"history","id":5,"channel":"c","limit":3}',
    b'{"type":"presence","id":6,"channel":"presence-c"}',
    b'{"type":"ping"}',
]
FRAMES = [
    *(frame(TEXT, one) for one in MESSAGES),
    frame(PING, b"x" * 100) + frame(TEXT, MESSAGES[-1]),
    frame(TEXT, b'{"type":', fin=False) + frame(PING, b"") + frame(CONTINUATION, b'"ping"}'),
    frame(BINARY, b"\x00" * 200),
    frame(CLOSE, b"\x03\xe8bye"),
    frame(TEXT, b'{"type":"ping","id":"' + b"x" * 70_000 + b'"}')[:65_000],
]
HEADS = [
    request(Origin="https://a.example.com", X_Forwarded_For="1.2.3.4"),
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 3,
    b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nabcde",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a\r\nabc\r\n0\r\n\r\n",
]
FORWARDED = [
    b"1.2.3.4, 2001:db8::1, 10.0.0.1:80",
    b'for="[2001:db8::1]:4711";proto=https;by=_x, for=1.2.3.4',
]
TARGETS = [
    FuzzTarget("heads", read_head, (RequestRefusedError,), HEADS),
    FuzzTarget("frames before a token", _read_frames(STRANGER), (), FRAMES),
    FuzzTarget("frames", _read_frames(TRUSTED), (), FRAMES),
    FuzzTarget("messages", read_message, (), MESSAGES),
    FuzzTarget(
        "tokens", read_token, (TokenError,), [token().encode(), token(nbf=1, aud="a").encode()]
    ),
    FuzzTarget("addresses", read_address, (), FORWARDED),
    FuzzTarget("origins", read_origin, (), [b"https://a-b.example.com:443", b"null"]),
    FuzzTarget("Pusher messages", read_pusher_message, (), PUSHER_MESSAGES),
    FuzzTarget("signed requests", read_signed_request, (RiverError,), SIGNED),
    FuzzTarget("stream requests", read_stream_request, (RiverError,), STREAMS),
    FuzzTarget("clients' requests", read_client_request, (), BODIES),
    FuzzTarget("API bodies", read_api_body, (RiverError,), API_BODIES),
    FuzzTarget("announcements", read_announcement, (msgspec.MsgspecError,), ANNOUNCED),
]


def main() -> int:
    """Fuzz for some time; 1 if something crashed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all of it together")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    results = asyncio.run(_all(wanted.seconds / len(TARGETS), wanted.seed))
    for name, found in results.items():
        print(
            f"{name}: {found.inputs:,} inputs, {found.crashes} crashes, "
            f"slowest {found.slowest_us:.0f} us"
        )
    print(f"seed {wanted.seed}: {sum(one.inputs for one in results.values()):,} inputs")
    return 1 if any(one.crashes for one in results.values()) else 0


async def _all(seconds: float, seed: int) -> dict[str, Fuzzed]:
    return {one.name: fuzz(one, seconds=seconds, seed=seed) for one in TARGETS}


def fuzz(target: FuzzTarget, *, seconds: float, seed: int) -> Fuzzed:
    """Give one target its corpus, and then others for so long. Within a running loop."""
    found, corpus = Fuzzed(), kept(target.name)
    mutations = Mutations([*target.valid, *corpus], seed)
    ends_at = time.monotonic() + seconds
    waiting = iter(corpus)
    while (data := next(waiting, None)) is not None or time.monotonic() < ends_at:
        if data is None:
            data = mutations.next()
        found.inputs += 1
        try:
            cost_us = _cost_us(target, data, found.slowest_us)
        except Exception as error:  # noqa: BLE001  this is what is looked for
            found.crashes += 1
            if found.crashes <= CRASHES_SHOWN:
                print(f"{target.name}: {error!r} for {data[:2_000]!r}", file=sys.stderr)
        else:
            found.slowest_us = max(found.slowest_us, cost_us)
    return found


def _cost_us(target: FuzzTarget, data: bytes, slowest_us: float) -> float:
    cost_us = _once_us(target, data)
    if cost_us > slowest_us:
        # Perhaps only the machine was busy.
        cost_us = min(cost_us, *(_once_us(target, data) for _ in range(SLOW_AGAIN)))
    return cost_us


def _once_us(target: FuzzTarget, data: bytes) -> float:
    # This thread's own time: others may be busy.
    began_at = time.thread_time()
    with suppress(*target.promised):
        target.read(data)
    return (time.thread_time() - began_at) * 1e6


if __name__ == "__main__":
    sys.exit(main())
