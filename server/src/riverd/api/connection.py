"""One HTTP connection to the API: uvicorn's, with a bound for what it holds and how long it waits.

uvicorn and httptools take a head of any size, and wait for it for ever; and they end a connection
that offers to become another protocol (as Java's client does with `Upgrade: h2c`) before its
request is read.
"""

import asyncio
from http import HTTPStatus
from typing import cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from riverd.api.admission import refusal
from riverd.api.exchange import Response
from riverd.errors import ErrorCode, RiverError
from riverd.http.half_close import end_output

HEAD_BYTES_MAX = 16_384
"""Of a head; and of what else is no body: the lengths of its chunks, and fields after it."""
HEAD_S_MAX = 10.0
"""How long a head may take; and how long what nobody reads may come after an answer."""

_TOO_LARGE = refusal(
    RiverError(ErrorCode.TOO_LARGE, f"the head is larger than {HEAD_BYTES_MAX} bytes")
)
_MALFORMED = refusal(RiverError(ErrorCode.INVALID_FIELD, "the request is not HTTP/1.1"))


class _HeadTooLargeError(Exception):
    """Raised in a callback of the parser, which passes it on as an error of its own."""


class Connection(HttpToolsProtocol):
    """One client's connection. It logs nothing of what a client does wrong: it says so to it."""

    _reader: httptools.HttpRequestParser
    _deadline: asyncio.TimerHandle | None = None
    _in_head = True
    _refused = False
    _requests = 0
    # Of the request that is read: what came at most that is no body, and what came of its body.
    _other_bytes = 0
    _body_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It has to send its first head in time."""
        super().connection_made(transport)
        assert self.parser is not None, "uvicorn has made it"
        self._reader = self.parser
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone, and with it the deadline."""
        super().connection_lost(exc)
        # It holds this object: without it there is no cycle left.
        del self._reader
        self._cancel_deadline()

    def data_received(self, data: bytes) -> None:
        """Some bytes: of one request, or several. What follows a refusal is thrown away."""
        if self._refused:
            return
        self._unset_keepalive_if_required()
        request, body_bytes = self._requests, self._body_bytes
        other_bytes, self._other_bytes = self._other_bytes, self._other_bytes + len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            too_large = isinstance(error.__context__, _HeadTooLargeError)
            self._refuse(_TOO_LARGE if too_large else _MALFORMED)
            return
        if self._requests != request:
            # Which part of it was of which request is not known: it was little, in any case.
            self._other_bytes = 0
            if not self._in_head:
                # As nearly always: what follows is its answer.
                return
        else:
            self._other_bytes = other_bytes + len(data) - (self._body_bytes - body_bytes)
        # Half of a body in tiny chunks are their lengths.
        if self._other_bytes > HEAD_BYTES_MAX + self._body_bytes:
            self._refuse(_TOO_LARGE)
        elif self._deadline is None and self._is_idle():
            self._set_deadline()

    def shutdown(self) -> None:
        """The server stops: it waits for answers, but for nobody who was refused."""
        if self._refused and self._is_over():
            self.transport.close()
        else:
            super().shutdown()

    def on_message_begin(self) -> None:
        """Another request begins."""
        super().on_message_begin()
        self._in_head = True
        self._requests += 1
        self._body_bytes = 0

    def on_headers_complete(self) -> None:
        """Have it answered, unless it is too large or has to be read without its offer."""
        # One that came at once, among few other bytes, need not be counted.
        may_be_large = self._deadline is not None or self._other_bytes > HEAD_BYTES_MAX
        if may_be_large and self._head_bytes() > HEAD_BYTES_MAX:
            raise _HeadTooLargeError
        if self._reader.should_upgrade() and self._is_offer():
            return
        if self._deadline is not None:
            self._cancel_deadline()
        super().on_headers_complete()
        self._in_head = False

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it was read."""
        if not self._in_head:
            super().on_message_complete()

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self._reader.feed_data(data)
            except httptools.HttpParserUpgrade as found:
                # A server may ignore the offer (RFC 9110, section 7.8), the parser cannot.
                data = self._head_without_offer() + data[cast("int", found.args[0]) :]
            else:
                return

    def _is_offer(self) -> bool:
        # CONNECT is no offer: its target is no path, and so it is refused as malformed.
        return self._reader.get_method() != b"CONNECT"

    def _head_without_offer(self) -> bytes:
        version = self._reader.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self._reader.get_method(), self.url, version)]
        lines += [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _is_idle(self) -> bool:
        """Whether nothing is waited for but a head, or the end of what nobody reads."""
        return cast("object", self.cycle) is None or self.cycle.response_complete

    def _is_over(self) -> bool:
        """Whether no answer is under way; who was refused in its body gets none."""
        return self._is_idle() or self.cycle.disconnected

    def _refuse(self, response: Response) -> None:
        """Read nothing more, and say why, unless that would be taken for another request's answer.

        Without a reset: what the client still sends is thrown away until it ends too.
        """
        self._refused = True
        if self._in_head and not self._is_idle():
            # The answer that is under way is the last.
            self.cycle.keep_alive = False
            return
        if self._in_head or not (self.cycle.response_started or self.pipeline):
            self.transport.write(_encoded(response))
        if not self._in_head:
            # Whoever waits for the rest of the body is told that the client is gone.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._cancel_deadline()
        self._set_deadline()
        end_output(self.transport)

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(HEAD_S_MAX, self.transport.close)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _encoded(response: Response) -> bytes:
    status = HTTPStatus(response.status)
    head = (
        f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: {response.content_type}\r\n"
        f"content-length: {len(response.body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + response.body
