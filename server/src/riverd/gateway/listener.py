"""The gateway's port: takes connections in, reads their HTTP head, hands them on."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

import msgspec

from riverd.gateway.handshake import (
    HttpAnswer,
    HttpRequest,
    parse,
    refusal,
    switching,
    websocket_key,
)
from riverd.http.half_close import end_output
from riverd.websocket.connection import WebSocket

HEAD_BYTES_MAX = 16_384
# Many clients come back at once after a fault; the kernel cuts this to its own limit.
_BACKLOG = 4_096


class Upgrade(msgspec.Struct, frozen=True):
    """A factory's word that a request becomes this WebSocket, with these headers in the 101."""

    websocket: WebSocket
    headers: tuple[tuple[str, str], ...] = ()


Factory = Callable[[HttpRequest], Upgrade | HttpAnswer]


class Listener:
    """An open port and the connections that have not sent their whole request yet."""

    def __init__(
        self, factory: Factory, *, handshake_timeout_s: float, handshakes_max: int
    ) -> None:
        self.factory = factory
        self.handshake_timeout_s = handshake_timeout_s
        self.handshakes_max = handshakes_max
        self.handshakes: dict[Handshake, float] = {}
        """With their deadlines; all have the same time, so the first has the next one."""
        self.server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """Take no more connections and drop those that are still shaking hands."""
        if self.server is not None:
            self.server.close()
        for handshake in list(self.handshakes):
            handshake.drop()
        if self._timer is not None:
            self._timer.cancel()

    def expect(self, handshake: "Handshake") -> None:
        """Drop it if it does not end in time, from now on. One timer serves them all."""
        self.handshakes.pop(handshake, None)
        loop = asyncio.get_running_loop()
        self.handshakes[handshake] = loop.time() + self.handshake_timeout_s
        if self._timer is None:
            self._timer = loop.call_later(self.handshake_timeout_s, self._expire)

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self.handshakes:
            handshake, deadline = next(iter(self.handshakes.items()))
            if deadline > loop.time():
                self._timer = loop.call_at(deadline, self._expire)
                return
            handshake.drop()


class Handshake(asyncio.Protocol):
    """A connection that is no WebSocket yet, and may never be one."""

    __slots__ = ("_answered", "_head", "_listener", "_transport")

    _transport: asyncio.Transport

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._head = bytearray()
        self._answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """One more, which has to send its request in time.

        If there are too many, the one that came first has to go: honest clients take no time, so
        whoever fills the place with others does not keep them out.
        """
        self._transport = cast("asyncio.Transport", transport)
        handshakes = self._listener.handshakes
        if len(handshakes) >= self._listener.handshakes_max:
            next(iter(handshakes)).drop()
        self._listener.expect(self)

    def data_received(self, data: bytes) -> None:
        """A piece of the head. What follows an answer is thrown away."""
        if self._answered:
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n", max(0, len(self._head) - len(data) - 3))
        if max(end, len(self._head) if end < 0 else 0) > HEAD_BYTES_MAX:
            self._answer(refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
        elif end >= 0:
            self._decide(bytes(self._head[:end]), bytes(self._head[end + 4 :]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone before it became anything, or after its answer."""
        del exc
        self._leave()

    def drop(self) -> None:
        """Away with it, at once."""
        self._leave()
        self._transport.abort()

    def _decide(self, head: bytes, rest: bytes) -> None:
        request = parse(head)
        if isinstance(request, HttpAnswer):
            self._answer(request)
            return
        decision = self._listener.factory(request)
        if isinstance(decision, Upgrade):
            key = websocket_key(request)
            if isinstance(key, str):
                self._leave()
                decision.websocket.attach(self._transport, head=switching(key, decision.headers))
                decision.websocket.receive(memoryview(rest))
                return
            decision = key
        self._answer(decision, head_only=request.method == "HEAD")

    def _answer(self, answer: HttpAnswer, *, head_only: bool = False) -> None:
        """Answer and end, without a reset: what the client still sends is read until it ends too.

        A client that takes the answer too slowly is dropped with what is left of it.
        """
        self._answered = True
        self._head.clear()
        self._listener.expect(self)
        self._transport.write(answer.encode(head_only=head_only))
        end_output(self._transport)

    def _leave(self) -> None:
        self._listener.handshakes.pop(self, None)


async def serve(
    factory: Factory,
    sock: socket.socket,
    *,
    ssl_context: ssl.SSLContext | None = None,
    handshake_timeout_s: float = 10.0,
    handshakes_max: int = 10_000,
) -> Listener:
    """Answer every HTTP request that comes to a bound socket as the factory decides.

    The factory is asked about every well-formed GET and HEAD, synchronously. An `Upgrade` for a
    request that asks for no WebSocket is answered 426 and its `on_open` is never called: a factory
    only decides, it counts and registers in `on_open`.
    """
    listener = Listener(
        factory, handshake_timeout_s=handshake_timeout_s, handshakes_max=handshakes_max
    )
    listener.server = await asyncio.get_running_loop().create_server(
        lambda: Handshake(listener), sock=sock, ssl=ssl_context, backlog=_BACKLOG
    )
    return listener
