"""One client of the load: it connects, checks what comes, and comes back like any other."""

import asyncio
import random
import time
from collections.abc import Callable
from socket import socket
from ssl import SSLContext
from typing import cast

import msgspec
from picows import (
    WSError,
    WSInvalidStatusError,
    ws_connect,  # pyright: ignore[reportUnknownVariableType]
)

from riverd.commands.loadtest.plan import EVENT
from riverd.commands.loadtest.tally import LoadTally
from riverd.commands.loadtest.target import Target, named
from riverd.commands.loadtest.wire import Received, Wire

LIVE_S_MAX = 20.0
RETRY_S_FIRST = 0.5
RETRY_S_MAX = 20.0
READ_BUFFER_BYTES = 4_096
FINAL = {4400: "not the protocol", 4401: "not authenticated", 4403: "disconnected by the back end"}
NAMED = {
    **FINAL,
    1001: "going away",
    1006: "connection lost, without a close frame",
    1011: "the server's fault",
    4408: "no token in time",
    4413: "message too large",
    4429: "too fast, or too slow to read",
    4503: "full or draining",
}
UNAVAILABLE = 4503
DOUBLINGS_MAX = 8
FINAL_STATUSES = range(400, 429)
"""What asking again does not change: wrong paths, origins that may not connect."""


class Sent(msgspec.Struct, gc=False):
    """What is used of the data of a publication of ours: when it was due, by the clock here."""

    t: int


class Endpoint(msgspec.Struct, frozen=True):
    """What all clients share: where to, with what word, and where all is counted."""

    target: Target
    tls: SSLContext | None
    token: Callable[[int], str]
    tally: LoadTally


_sent = msgspec.json.Decoder(Sent).decode


class Cursor:
    """Where a client is in a channel; no epoch before it was ever subscribed."""

    __slots__ = ("epoch", "live", "offset")

    def __init__(self) -> None:
        self.epoch = ""
        self.offset = 0
        self.live = False


class Client:
    """A client from its first attempt to its end.

    `first` is done when the first attempt has ended, well or not. `gave_up` says why there is no
    other one. `is_up` while all its channels are live.
    """

    def __init__(self, number: int, endpoint: Endpoint, *, channels: list[str]) -> None:
        self.cursors = {name: Cursor() for name in channels}
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gave_up = ""
        self.is_up = False
        self._number = number
        self._endpoint = endpoint
        self._tally = endpoint.tally
        self._wire: Wire | None = None
        self._started_ns = 0
        self._stopping = False
        self._was_up = False
        self._bye: Received | None = None
        self._failures = 0

    async def run(self) -> None:
        """Connect, and again after whatever happens, until `stop` or there is no use."""
        while not self._stopping and not self.gave_up:
            await self._one_connection()
            self._first_is_over()
            if not self._stopping and not self.gave_up:
                await asyncio.sleep(self._pause_s())

    def stop(self) -> None:
        """End the connection, and open no other."""
        self._stopping = True
        if self._wire is not None:
            self._wire.end()

    # One connection.

    async def _one_connection(self) -> None:
        self._started_ns, self._bye = time.monotonic_ns(), None
        wire = await self._connected()
        if wire is None:
            return
        self._wire = wire
        self._introduce(wire)
        late = asyncio.get_running_loop().call_later(LIVE_S_MAX, self._is_late)
        try:
            code = await wire.over
        finally:
            late.cancel()
            was_up, self.is_up = self.is_up, False
            self._tally.up -= was_up
            self._wire = None
            wire.drop()
        if not self._stopping:
            self._ended(code, wire.reason, was_up=was_up)

    async def _connected(self) -> Wire | None:
        try:
            async with asyncio.timeout(LIVE_S_MAX):
                _, wire = await ws_connect(
                    lambda: Wire(self._take),
                    self._endpoint.target.url,
                    ssl_context=self._endpoint.tls,
                    websocket_handshake_timeout=LIVE_S_MAX,
                    max_redirects=0,
                    read_buffer_init_size=READ_BUFFER_BYTES,
                    socket_factory=self._socket,
                )
        except WSInvalidStatusError as error:
            self._refused(0 if error.response is None else error.response.status.value)
        except OSError as error:
            self._tally.error(f"cannot connect: {named(error)}")
        except WSError as error:
            self._tally.error(f"cannot connect: {error}")
        else:
            # picows raises nothing when the server goes away instead of answering.
            made = cast("Wire | None", wire)
            if made is None:
                self._tally.error("cannot connect: closed in the handshake, without an answer")
            return made
        return None

    async def _socket(self, _url: object) -> socket:
        return await self._endpoint.target.connected()

    def _introduce(self, wire: Wire) -> None:
        wire.say({"type": "auth", "id": "auth", "token": self._endpoint.token(self._number)})
        for name, cursor in self.cursors.items():
            wanted: dict[str, object] = {"type": "subscribe", "id": "subscribe", "channel": name}
            if cursor.epoch:
                wanted |= {"epoch": cursor.epoch, "offset": cursor.offset}
            cursor.live = False
            wire.say(wanted)

    def _is_late(self) -> None:
        if not self.is_up and self._wire is not None:
            self._tally.error(f"connected, but not subscribed within {LIVE_S_MAX:g} s")
            self._wire.drop()

    def _went_live(self) -> None:
        self.is_up = True
        self._failures = 0
        self._tally.up += 1
        if self._was_up:
            self._tally.rejoins += 1
        else:
            self._was_up = True
            self._tally.joins += 1
            self._tally.joining.add(time.monotonic_ns() - self._started_ns)
        self._first_is_over()

    def _first_is_over(self) -> None:
        if not self.first.done():
            self.first.set_result(None)

    # How it ends.

    def _refused(self, status: int) -> None:
        self._tally.error(f"handshake refused: HTTP {status}")
        if status in FINAL_STATUSES:
            self.gave_up = f"the server answers the handshake with HTTP {status}"

    def _ended(self, code: int, reason: str, *, was_up: bool) -> None:
        if code == UNAVAILABLE and self._bye is not None and was_up:
            # A planned stop: what it costs shows in what is missing, if anything is.
            self._tally.moves += 1
            return
        name = NAMED.get(code, reason or "no reason given")
        if self._bye is not None:
            name = f"refused: {self._bye.reason}"
        self._tally.error(f"closed {code}: {name}")
        if code in FINAL:
            self.gave_up = f"the server closes with {code}: {reason or name}"

    def _pause_s(self) -> float:
        """Full jitter, as River's own clients do it; or when the server asked to come again."""
        bye = self._bye
        if bye is not None and bye.retry_after_ms:
            return bye.retry_after_ms / 1000
        self._failures += 1
        limit = min(RETRY_S_MAX, RETRY_S_FIRST * 2 ** min(self._failures, DOUBLINGS_MAX))
        return random.uniform(0, limit)  # noqa: S311  jitter

    # What the server sends.

    def _take(self, received: Received | None) -> None:
        if received is None:
            self._tally.error("a message that is not River's")
            return
        match received.type:
            case "event":
                self._event(received)
            case "subscribed":
                self._subscribed(received)
            case "gap":
                self._gap(received)
            case "bye":
                self._bye = received
            case "error":
                self._tally.error(f"error {received.code}: {received.message}")
                # The server closes after those of the token, and says with which code.
                if received.id == "subscribe":
                    self.gave_up = f"{received.code}: {received.message}"
                    self._hang_up()
            case _:
                pass

    def _hang_up(self) -> None:
        self._first_is_over()
        if self._wire is not None:
            self._wire.drop()

    def _event(self, received: Received) -> None:
        cursor = self.cursors.get(received.channel)
        if cursor is None:
            self._tally.error("an event of a channel that was not asked for")
            return
        if received.offset <= cursor.offset:
            self._tally.doubled += 1
            return
        self._tally.holes += received.offset - cursor.offset - 1
        cursor.offset = received.offset
        self._tally.delivered(_delay_ns(received) if received.event == EVENT else None)

    def _subscribed(self, received: Received) -> None:
        cursor = self.cursors.get(received.channel)
        if cursor is None:
            self._tally.error("subscribed to a channel that was not asked for")
            return
        if cursor.epoch and not received.recovered:
            self._tally.error(f"could not resume: {received.reason}")
            self._jump(cursor, received)
        elif not cursor.epoch:
            cursor.epoch, cursor.offset = received.epoch, received.offset
        cursor.live = True
        if not self.is_up and all(one.live for one in self.cursors.values()):
            self._went_live()

    def _gap(self, received: Received) -> None:
        cursor = self.cursors.get(received.channel)
        if cursor is not None:
            self._tally.gaps += 1
            self._jump(cursor, received)

    def _jump(self, cursor: Cursor, received: Received) -> None:
        """Go on from where the server says; how much is lost is known within one log only."""
        if cursor.epoch == received.epoch:
            self._tally.lost_with_gap += max(0, received.offset - cursor.offset)
        cursor.epoch, cursor.offset = received.epoch, received.offset


def _delay_ns(received: Received) -> int | None:
    try:
        return time.monotonic_ns() - _sent(received.data).t
    except msgspec.DecodeError:
        return None
