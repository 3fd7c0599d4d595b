"""From bytes to requests: httptools with bounds, and with what it leaves to its users."""

import re
from collections.abc import Mapping
from typing import Protocol

import httptools
import msgspec

from riverd.http import refusal
from riverd.http.bodies import Body, ChunkedBody, SizedBody
from riverd.http.limits import HEAD_BYTES_MAX
from riverd.http.refusal import RequestRefusedError
from riverd.http.request import Request, split_target

_END = b"\r\n\r\n"
_ONCE = ("host", "content-length", "transfer-encoding")
_HOST = re.compile(r"[\w.~!$&'()*+,;=%:\[\]-]*", re.ASCII)
_VERSIONS = {"HTTP/1.1": "1.1", "HTTP/1.0": "1.0"}
_KNOWN_MAX = 256
_HEADS_MAX = 512
_HEAD_BYTES_KEPT_MAX = 1_024

_names: dict[bytes, str] = {}
"""Names of fields as they came, and in lower case: clients use few, found faster than made."""
_hosts: set[str] = set()
"""Hosts that are well-formed: a server has few."""


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

    The parser finds out whether heads are well-formed and what their fields are. It never gets
    more than one request's bytes: so it is known at each time where the next one begins.

    Back ends send one head again and again. `heads` are those that all connections of a port have
    read, of requests whose body was wanted: strangers put nothing there. What has such a head and
    its whole body is a request that the parser need not see.

    `peer` is the address at the other end.
    """

    __slots__ = (
        "__weakref__",
        "_body",
        "_head",
        "_heads",
        "_parser",
        "_peer",
        "_raw",
        "on_header",
    )

    def __init__(self, heads: dict[bytes, Request], *, peer: str = "") -> None:
        self._heads = heads
        self._peer = peer
        self._raw: dict[bytes, bytes] = {}
        # The parser's callback is not ours: that makes a head a third cheaper.
        self.on_header = self._raw.__setitem__
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
        """Read nothing more. The parser and this object hold each other: this unties them."""
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
        if not held and fields in self._heads:
            request = self._heads[fields]
            if request.peer != self._peer:
                request = msgspec.structs.replace(request, peer=self._peer)
            return self._begin(request, rest, receiver=receiver)
        self._head = b""
        is_offer = self._parse(data[: len(data) - len(rest)] if rest else data)
        # One empty line before a request is nothing (RFC 9112, section 2.2).
        fields = fields.removeprefix(b"\r\n")
        if not fields:
            raise RequestRefusedError(refusal.MALFORMED)
        request = _request(fields, self._raw, peer=self._peer)
        self._raw.clear()
        return self._begin(request, rest, receiver=receiver, is_offer=is_offer, read=fields)

    def _parse(self, data: bytes) -> bool:
        """Have the parser look at some bytes; True at the end of a head with an offer."""
        parser = self._parser
        if parser is None:
            parser = self._parser = httptools.HttpRequestParser(self)
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
        """A head is complete: the parser has `read` it, or it was known."""
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
        if read and not is_offer:
            self._parse(body)
            if bytes_max and request.keep_alive and len(read) <= _HEAD_BYTES_KEPT_MAX:
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
        # It waits for this body, which it does not get.
        self._parser = None
        return self._read_body(body, data, receiver=receiver) if data else data

    def _read_body(self, body: Body, data: bytes, *, receiver: Receiver) -> bytes:
        rest = body.feed(data)
        if body.is_complete:
            self._body = None
            body.close()
            receiver.complete(bytes(body.content), too_large=body.is_too_large)
        return rest


def _request(head: bytes, raw: Mapping[bytes, bytes], *, peer: str) -> Request:
    """The request of a head that the parser took, and in which it found these fields.

    Raises:
        RequestRefusedError: it is malformed in a way that the parser does not look for.
    """
    line, _, lines = head.partition(b"\r\n")
    try:
        method, target, protocol = line.decode("latin-1").split(" ")
    except ValueError:
        raise RequestRefusedError(refusal.MALFORMED) from None
    version = _VERSIONS.get(protocol)
    if version is None:
        raise RequestRefusedError(refusal.VERSION)
    if target[0] == "/":
        path, _, query = target.partition("?")
    else:
        path, query = split_target(method, target)
    headers = _headers(lines, raw)
    host = headers.get("host")
    if host not in _hosts:
        _check_host(host, version)
    if "transfer-encoding" in headers:
        _check_coding(headers["transfer-encoding"], version)
    keep_alive = version == "1.1"
    if "connection" in headers:
        keep_alive = _keeps_alive(headers["connection"].lower(), otherwise=keep_alive)
    return Request(method, path, query, headers, version, keep_alive, peer)


def _headers(lines: bytes, raw: Mapping[bytes, bytes]) -> dict[str, str]:
    """The fields, by their names in lower case.

    Raises:
        RequestRefusedError: one that may be there once is there several times.
    """
    try:
        headers = {_names[name]: value.strip().decode("latin-1") for name, value in raw.items()}
    except KeyError:
        if len(_names) + len(raw) <= _KNOWN_MAX:
            _names.update((name, name.decode("latin-1").lower()) for name in raw)
        return _joined(lines)
    # Of several fields with one name, the parser's dictionary has the last.
    if raw and lines.count(b"\r\n") + 1 != len(headers):
        return _joined(lines)
    return headers


def _joined(lines: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines.decode("latin-1").split("\r\n") if lines else ():
        field, _, text = line.partition(":")
        name, value = field.lower(), text.strip(" \t")
        if name in headers:
            if name in _ONCE:
                raise RequestRefusedError(refusal.BAD_HOST if name == "host" else refusal.MALFORMED)
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


def _asks_for_websocket(request: Request) -> bool:
    is_asked = request.method == "GET" and request.has_option("upgrade", "websocket")
    return is_asked and not request.has_body


def _check_host(host: str | None, version: str) -> None:
    if host is None:
        if version == "1.1":
            raise RequestRefusedError(refusal.BAD_HOST)
    elif _HOST.fullmatch(host) is None:
        raise RequestRefusedError(refusal.BAD_HOST)
    elif len(_hosts) < _KNOWN_MAX:
        _hosts.add(host)


def _check_coding(coding: str, version: str) -> None:
    if version == "1.0":
        # Its sender does not know where it ends (RFC 9112, section 6.1).
        raise RequestRefusedError(refusal.MALFORMED)
    if coding.lower() != "chunked":
        raise RequestRefusedError(refusal.CODING)


def _keeps_alive(connection: str, *, otherwise: bool) -> bool:
    """Whether the connection stays open; `close` wins over whatever else is said."""
    if "close" not in connection and (otherwise or connection == "keep-alive"):
        return True
    options = [option.strip() for option in connection.split(",")]
    return "close" not in options and (otherwise or "keep-alive" in options)
