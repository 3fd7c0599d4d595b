"""One HTTP/1.1 connection of a server: requests in, answers out in their order, then the end.

    phase      what is waited for              when it takes too long
    IDLE       the next request                half-close: nothing is lost
    HEAD       the rest of a head              closed without a word
    BODY       the rest of a body              408, then ENDING
    ANSWERING  a handler or a streamed body    see `HttpLimits.answer_s`; a stream has no deadline
    ENDING     the client's end of the stream  closed

Only in the first three is anything read: one request at a time. Bytes that came behind it wait in
`_unread`, and the transport is paused as long as there are any. If the client does not take its
answers, nothing is read in any phase.
"""

import asyncio
from typing import cast

from riverd.http import refusal
from riverd.http.answering import Answering, ConnectionPhase
from riverd.http.half_close import end_output
from riverd.http.handler import Pending
from riverd.http.pool import ConnectionPool
from riverd.http.reader import Reader
from riverd.http.refusal import HttpRefusal, RequestRefusedError
from riverd.http.request import Request
from riverd.http.response import HttpUpgrade, Response, StreamedResponse

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_REQUESTS_AT_ONCE = 32
"""Of one client, before it is others' turn."""
_UNWANTED_BYTES_MAX = 65_536
"""A larger body that nobody wants costs the connection."""


_ANSWERS = (Response, StreamedResponse, HttpUpgrade)
# An enumeration's members are slow to look up.
_IDLE, _HEAD, _BODY, _ANSWERING, _ENDING = ConnectionPhase


class HttpConnection(Answering):
    """A client's connection. What a client does wrong is answered, not logged."""

    __slots__ = (
        "_discarded_bytes",
        "_eof",
        "_is_answered",
        "_is_surplus",
        "_pending",
        "_phase",
        "_reader",
        "_stalled_bytes",
        "_unread",
        "_upgrade",
        "due",
        "reads_on",
    )

    _is_surplus: bool
    _reader: Reader

    def __init__(self, pool: ConnectionPool) -> None:
        super().__init__(pool)
        self._unread = b""
        # Of the request whose body is read: who wants it, or that it was answered without.
        self._pending: Pending | None = None
        self._is_answered = False
        self._upgrade: HttpUpgrade | None = None
        self._eof = False
        self._discarded_bytes = 0
        self._stalled_bytes = 0
        self._phase = _HEAD
        self.reads_on = True
        self.due = pool.tick + pool.phase_ticks[_HEAD]
        """The tick of the pool at which `expire` is called."""

    # For the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It has to send its first head in time."""
        self._transport = cast("asyncio.Transport", transport)
        self._reader = Reader(self._pool.heads, peer=_peer_of(transport))
        self._is_surplus = not self._pool.opened(self)

    def data_received(self, data: bytes) -> None:
        """Some bytes: of one request, or of several."""
        if self.reads_on and not self._unread:
            self._read(data)
        elif self._phase is not _ENDING:
            self._unread += data
            self._transport.pause_reading()
        else:
            self._discarded_bytes += len(data)
            if self._discarded_bytes > self._pool.limits.discarded_bytes_max:
                self._transport.abort()

    def eof_received(self) -> bool:
        """The client sends nothing more. It still gets the answers to what it has sent."""
        self._eof = True
        if self._writer is not None:
            # Who leaves a page ends both sides, of which only one shows.
            self._writer.set_gone()
            return False
        is_owed = self._phase is _ANSWERING or bool(self._unread)
        return is_owed and self._transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone. A handler that works goes on to its end, and its answer is sent to nobody."""
        del exc
        self._phase = _ENDING
        self._stop_reading()
        self._pool.closed(self)
        if self._writer is not None:
            self._writer.set_gone()
            self._end_stream()

    def pause_writing(self) -> None:
        """Much waits to be sent: the client has to take some of it before it gets more."""
        self._stalled_bytes = max(1, self._transport.get_write_buffer_size())
        self.reads_on = False
        self.due = self._pool.tick + self._pool.stalled_ticks
        if self._writer is not None:
            self._writer.set_blocked(blocked=True)

    def resume_writing(self) -> None:
        """Little waits to be sent."""
        self._stalled_bytes = 0
        self._enter(self._phase)
        if self._writer is not None:
            self._writer.set_blocked(blocked=False)
        elif self.reads_on:
            self._go_on()

    # For the pool.

    def expire(self) -> None:
        """What was waited for did not come in time."""
        waiting_bytes = self._transport.get_write_buffer_size() if self._stalled_bytes else 0
        if 0 < waiting_bytes < self._stalled_bytes:
            self._stalled_bytes = waiting_bytes
            self.due = self._pool.tick + self._pool.stalled_ticks
        elif self._stalled_bytes or self._phase in (_HEAD, _ENDING):
            self.abort()
        elif self._phase is _IDLE:
            self._end()
        elif self._phase is _BODY:
            self._refuse(refusal.BODY_LATE)

    def shut_down(self) -> None:
        """The port closes: answers that are under way are the last."""
        if self._phase in (_IDLE, _HEAD, _ENDING):
            self._end()

    def abort(self) -> None:
        """Away with it, at once."""
        self._transport.abort()

    def cancel(self) -> None:
        """Away with it, and with the work for it."""
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()

    # For the reader.

    def head(self, request: Request) -> int:
        """Judge a request by its head; how large a body may be."""
        self._request = request
        self._keep_alive = request.keep_alive
        self._is_answered = False
        if self._is_surplus:
            self._keep_alive = False
            self._response = self._pool.handler.refuse(refusal.FULL)
        elif "expect" in request.headers and not _is_expecting(request):
            self._response = self._pool.handler.refuse(refusal.EXPECTATION)
        else:
            self._admit(request)
        return 0 if self._pending is None else self._pending.body_bytes_max

    def complete(self, body: bytes, *, too_large: bool) -> None:
        """Answer the request whose head was judged."""
        pending, self._pending = self._pending, None
        if self._is_answered:
            self._is_answered = False
            self._request = None
            self._enter(_IDLE)
        elif pending is None:
            self._respond()
        elif too_large:
            self._respond(pending.refuse(refusal.BODY_TOO_LARGE))
        else:
            self._work(pending, body)

    def offered(self, request: Request) -> bool:
        """Have a request judged with its offer."""
        if self._is_surplus:
            return False
        self._request, self._keep_alive = request, request.keep_alive
        self._admit(request)
        answer = self._response
        if type(answer) is HttpUpgrade:
            self._upgrade = answer
            self.reads_on = False
        elif self._pending is None:
            self._respond()
        else:
            pending, self._pending = self._pending, None
            self._work(pending, b"")
        return True

    # Reading.

    def _read(self, data: bytes, *, follows: bool = False) -> None:
        """Read requests and answer them; `follows` says that these bytes came behind others."""
        for _ in range(_REQUESTS_AT_ONCE):
            try:
                data = self._reader.feed(data, self)
            except RequestRefusedError as refused:
                self._malformed(refused.refusal, follows=follows)
                return
            if not data or not self.reads_on:
                break
            follows = True
        if not data and self.reads_on:
            if not self._reader.is_between:
                self._await_rest()
        elif self._upgrade is not None:
            self._hand_over(self._upgrade, data)
        elif data and self._phase is not _ENDING:
            self._unread = data
            self._transport.pause_reading()
            if self.reads_on:
                asyncio.get_running_loop().call_soon(self._go_on)

    def _await_rest(self) -> None:
        """A part of a request is here: set a deadline for the rest, or answer it already."""
        request, pending = self._request, self._pending
        if request is None:
            if self._phase is not _HEAD:
                self._enter(_HEAD)
            return
        is_new = self._phase is not _BODY
        if is_new:
            self._enter(_BODY)
        if self._is_answered:
            return
        if pending is None:
            self._answer_early(None)
        elif self._reader.is_too_large:
            self._answer_early(pending.refuse(refusal.BODY_TOO_LARGE))
        elif not self._count_pending(pending):
            self._answer_early(pending.refuse(refusal.BUSY))
        elif is_new and "expect" in request.headers and request.version == "1.1":
            self._transport.write(_CONTINUE)

    def _answer_early(self, response: Response | None) -> None:
        """Answer before the body is here. If that is little, the connection outlives it."""
        request = self._request
        assert request is not None, "its head was judged"
        self._release()
        left = self._reader.body_left
        if left is None or left > _UNWANTED_BYTES_MAX or "expect" in request.headers:
            self._keep_alive = False
        self._pending = None
        self._is_answered = True
        self._respond(response)

    def _malformed(self, why: HttpRefusal, *, follows: bool) -> None:
        """Read nothing more, and say why, unless that would be taken for another one's answer."""
        if follows or self._is_answered:
            self._end()
        else:
            self._refuse(why)

    def _refuse(self, why: HttpRefusal) -> None:
        """Answer that what is read goes no further, and end."""
        if not (self._is_answered and self._phase is _BODY):
            judge = self._pending or self._pool.handler
            self._keep_alive = False
            self._write(judge.refuse(why))
        self._end()

    # Answering.

    def _admit(self, request: Request) -> None:
        handler = self._pool.handler
        try:
            answer = handler.admit(request)
        except Exception as error:  # noqa: BLE001  one request's fault must not become all others'
            handler.failed(error)
            answer = handler.refuse(refusal.FAILED)
        if isinstance(answer, _ANSWERS):
            self._response = answer
        else:
            self._pending = answer

    def _answered(self) -> None:
        if not self._keep_alive:
            self._end()
        elif self._is_answered:
            self._enter(_BODY)
        else:
            self._request = None
            self._enter(_IDLE)

    def _go_on(self) -> None:
        """An answer is sent: now what came meanwhile."""
        if not self.reads_on:
            return
        if self._unread:
            data, self._unread = self._unread, b""
            self._read(data, follows=True)
        elif not self._reader.is_between:
            self._await_rest()
        if self.reads_on and not self._unread:
            if self._eof:
                self._end()
            else:
                self._transport.resume_reading()

    # The end.

    def _enter(self, phase: ConnectionPhase) -> None:
        """Begin to wait for something else."""
        pool = self._pool
        due = pool.tick + pool.phase_ticks[phase]
        if phase is self._phase and due == self.due and self.reads_on:
            # As nearly always, on a connection with many requests.
            return
        self._phase = phase
        self.reads_on = phase <= _BODY and not self._stalled_bytes
        if not self._stalled_bytes:
            self.due = due
        pool.waiting.pop(self, None)
        if phase is not _ANSWERING and (phase is not _BODY or self._is_answered):
            pool.waiting[self] = None

    def _end(self) -> None:
        """End our side without a reset: what the client still sends is read until it ends too."""
        transport = self._transport
        self._stop_reading()
        self._stalled_bytes = transport.get_write_buffer_size()
        self.due = self._pool.tick + self._pool.stalled_ticks
        self._enter(_ENDING)
        if self._eof or self._pool.is_ending:
            transport.close()
        elif not transport.is_closing():
            end_output(transport)
            if not transport.is_closing():
                transport.resume_reading()

    def _stop_reading(self) -> None:
        self.reads_on = False
        self._reader.close()
        self._unread = b""
        self._request = self._response = None
        if self._task is None:
            self._release()
            self._pending = None

    def _hand_over(self, upgrade: HttpUpgrade, rest: bytes) -> None:
        self._phase = _ENDING
        self._stop_reading()
        self._upgrade = None
        self._pool.closed(self)
        upgrade.take_over(self._transport, head=upgrade.head, rest=rest)


def _peer_of(transport: asyncio.BaseTransport) -> str:
    """The address at the other end; empty if there is none, or it is gone already."""
    peer: tuple[str, ...] | str | None = transport.get_extra_info("peername")
    return peer[0] if isinstance(peer, tuple) and peer else ""


def _is_expecting(request: Request) -> bool:
    """Whether it expects nothing that we do not know."""
    return request.headers["expect"].lower() == "100-continue"
