"""The answers to a request, and their heads as bytes."""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

import msgspec

from riverd.http.body_writer import BodyWriter

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
EVENT_STREAM = "text/event-stream; charset=utf-8"
Headers = tuple[tuple[str, str], ...]

_NO_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Response(msgspec.Struct, frozen=True):
    """A whole answer. The connection adds its length, and leaves the body out for HEAD."""

    status: int
    body: bytes = b""
    content_type: str = TEXT
    headers: Headers = ()


class StreamedResponse(msgspec.Struct, frozen=True):
    """An answer whose body is written bit by bit.

    `start` is called once the head was written, in the turn of this answer, and must not block:
    it keeps the writer, or makes a task that uses it. For HEAD it is not called.
    """

    status: int
    start: Callable[[BodyWriter], None]
    content_type: str = TEXT
    headers: Headers = ()


class TakeOver(Protocol):
    """What goes on with a connection in another protocol."""

    def __call__(self, transport: asyncio.Transport, *, head: bytes, rest: bytes) -> None:
        """Set another protocol on the transport, and write the 101 (`head`) to it.

        `rest` are the bytes that came behind the request.
        """
        ...


class HttpUpgrade(msgspec.Struct, frozen=True):
    """The connection goes on in another protocol (RFC 9110, section 7.8), after this 101."""

    head: bytes
    take_over: TakeOver


Answer = Response | StreamedResponse | HttpUpgrade


def encode_head(response: Response, ending: bytes) -> bytes:
    """The head of a whole answer; `ending` has its last fields and the empty line."""
    status = response.status
    if status in _NO_BODY:
        # Their length would be that of another answer (RFC 9110, section 8.6).
        return b"%b%b%b" % (_status_line(status), encode_fields(response.headers), ending)
    beginning = _beginning(status, response.content_type, length=len(response.body))
    if response.headers:
        return b"%b%b%b" % (beginning, encode_fields(response.headers), ending)
    return beginning + ending


def encode_stream_head(response: StreamedResponse, ending: bytes) -> bytes:
    """The head of an answer whose length nobody knows."""
    content_type = (("content-type", response.content_type),)
    fields = encode_fields(content_type + response.headers)
    return b"%b%b%b" % (_status_line(response.status), fields, ending)


def encode_fields(headers: Headers) -> bytes:
    """The lines of these headers."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("latin-1")


@lru_cache(maxsize=256)
def _beginning(status: int, content_type: str, *, length: int) -> bytes:
    kind = content_type.encode("latin-1")
    fields = b"content-type: %b\r\ncontent-length: %d\r\n" % (kind, length)
    return _status_line(status) + fields


def _status_line(status: int) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (status, _PHRASES.get(status, "").encode())
