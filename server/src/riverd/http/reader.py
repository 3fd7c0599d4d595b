"""From bytes to requests: httptools with bounds, and with what it leaves to its users."""

from typing import Protocol

import httptools
import msgspec

from riverd.http import refusal
from riverd.http.bodies import Body, ChunkedBody, SizedBody
from riverd.http.heads import parsed_request, plain_request
from riverd.http.limits import HEAD_BYTES_MAX
from riverd.http.refusal import RequestRefusedError
from riverd.http.request import Request

_END = b"\r\n\r\n"
_HEADS_MAX = 512
_HEAD_BYTES_KEPT_MAX = 1_024

_NO_CALLBACKS = object()
"""The parser says by an error what it thinks of a head; nothing else of it is wanted."""


class Receiver(Protocol):
    """What is given the requests."""

    def head(self, request: Request) -> int:
        """A head is complete: say how large a body is wanted; of a larger one nothing is kept."""
        ...

    def complete(self, body: bytes, *, too_large: bool) -> None:
        """The request of the last head is complete."""
        ...

    def offered(self, request: Request) -> bool:
        """A request without a body that asks for a WebSocket; False to have it without that."""
        ...


class Reader:
    """Reads the requests of one connection, one at a time.

    It refuses what RFC 9112 calls malformed, and where the RFC leaves a choice, whatever two
    servers in a row might read differently (section 11.2).

    A parser finds out whether heads are well-formed, each of them its own: it gets nothing else.
    Heads that are plain, and come whole, need none.

    Back ends send one head again and again. `heads` are those that all connections of a port have
    read, of requests whose body was wanted: strangers put nothing there. Such a head that comes
    with its body is not looked at again.

    `peer` is the address at the other end.
    """

    __slots__ = (
        "__weakref__",
        "_body",
        "_head",
        "_heads",
        "_parser",
        "_peer",
    )

    def __init__(self, heads: dict[bytes, Request], *, peer: str = "") -> None:
        self._heads = heads
        self._peer = peer
        self._parser: httptools.HttpRequestParser | None = None
        self._head = b""
        # One of which only a part is here.
        self._body: Body | None = None

    @property
    def is_between(self) -> bool:
        """Whether nothing of a request is here that is not complete."""
        return not self._head and self._body is None

    @property
    def is_too_large(self) -> bool:
        """Whether the body is known to be larger than is wanted."""
        return self._body is not None and self._body.is_too_large

    @property
    def body_left(self) -> int | None:
        """What is still to come of a body; None if it does not say."""
        return 0 if self._body is None else self._body.left

    def close(self) -> None:
        """Read nothing more."""
        self._parser = None
        if self._body is not None:
            self._body.close()

    def feed(self, data: bytes, receiver: Receiver) -> bytes:
        """Read some bytes, at most until a request is complete; the rest is given back.

        The receiver holds its reader, and so is not held by it.

        Raises:
            RequestRefusedError: nothing more can be read on this connection.
        """
        if self._body is not None:
            return self._read_body(self._body, data, receiver=receiver)
        held = self._head
        head = held + data if held else data
        fields, end, rest = head.partition(_END)
        if len(fields) + len(end) > HEAD_BYTES_MAX:
            raise RequestRefusedError(refusal.HEAD_TOO_LARGE)
        if not end:
            self._head = head
            # What is no HTTP at all may never end: it is looked at as it comes.
            self._parse(data)
            return b""
        if not held:
            known = self._heads.get(fields) if rest else None
            if known is not None:
                if known.peer != self._peer:
                    known = msgspec.structs.replace(known, peer=self._peer)
                return self._begin(known, rest, receiver=receiver)
            plain = plain_request(fields, peer=self._peer)
            if plain is not None:
                is_offer = "upgrade" in plain.headers
                return self._begin(plain, rest, receiver=receiver, is_offer=is_offer, read=fields)
        is_offer = self._parse(data[: len(data) - len(rest)] if rest else data)
        # It may wait for a body, which it does not get.
        self._head, self._parser = b"", None
        request = parsed_request(fields, peer=self._peer)
        return self._begin(request, rest, receiver=receiver, is_offer=is_offer, read=fields)

    def _parse(self, data: bytes) -> bool:
        """Have the parser look at some bytes; True at the end of a head with an offer."""
        parser = self._parser
        if parser is None:
            parser = self._parser = httptools.HttpRequestParser(_NO_CALLBACKS)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return True
        except httptools.HttpParserError:
            raise RequestRefusedError(refusal.MALFORMED) from None
        return False

    def _begin(
        self,
        request: Request,
        rest: bytes,
        *,
        receiver: Receiver,
        is_offer: bool = False,
        read: bytes = b"",
    ) -> bytes:
        """A head is complete: it was `read`, or it was known."""
        headers = request.headers
        if is_offer and request.method == "CONNECT":
            raise RequestRefusedError(refusal.BAD_TARGET)
        if "upgrade" in headers:
            if is_offer and _asks_for_websocket(request) and receiver.offered(request):
                return rest
            # A server may ignore an offer (RFC 9110, section 7.8).
            request = request.without("upgrade")
        bytes_max = receiver.head(request)
        if "transfer-encoding" in headers:
            return self._begin_body(ChunkedBody(bytes_max=bytes_max), rest, receiver=receiver)
        length = int(headers["content-length"]) if "content-length" in headers else 0
        if not length:
            receiver.complete(b"", too_large=False)
            return rest
        if len(rest) < length:
            return self._begin_body(SizedBody(length, bytes_max=bytes_max), rest, receiver=receiver)
        body, rest = (rest, b"") if len(rest) == length else (rest[:length], rest[length:])
        if read and bytes_max and request.keep_alive and len(read) <= _HEAD_BYTES_KEPT_MAX:
            self._remember(read, request)
        too_large = length > bytes_max
        receiver.complete(b"" if too_large else body, too_large=too_large)
        return rest

    def _remember(self, head: bytes, request: Request) -> None:
        if len(self._heads) >= _HEADS_MAX:
            self._heads.clear()
        self._heads[head] = request

    def _begin_body(self, body: Body, data: bytes, *, receiver: Receiver) -> bytes:
        """A body of which not all is here, as far as anyone knows."""
        self._body = body
        return self._read_body(body, data, receiver=receiver) if data else data

    def _read_body(self, body: Body, data: bytes, *, receiver: Receiver) -> bytes:
        rest = body.feed(data)
        if body.is_complete:
            self._body = None
            body.close()
            receiver.complete(bytes(body.content), too_large=body.is_too_large)
        return rest


def _asks_for_websocket(request: Request) -> bool:
    is_asked = request.method == "GET" and request.has_option("upgrade", "websocket")
    return is_asked and not request.has_body
