"""A body as it comes: of a length that its head says, or in chunks (RFC 9112, section 6)."""

from typing import Protocol

import httptools

from riverd.http import refusal
from riverd.http.limits import HEAD_BYTES_MAX
from riverd.http.refusal import RequestRefusedError

_HEAD = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"


class Body(Protocol):
    """One body that is being read.

    Attributes:
        content: What of it is here. Nothing is kept once it is larger than is wanted.
        left: How many bytes are still to come; None if it does not say.
        is_too_large: It is larger than is wanted.
        is_complete: It has ended.
    """

    content: bytearray
    left: int | None
    is_too_large: bool
    is_complete: bool

    def feed(self, data: bytes) -> bytes:
        """Read some bytes; those behind the body are given back."""
        ...

    def close(self) -> None:
        """Read nothing more."""
        ...


class SizedBody:
    """A body with a length. See `Body`."""

    def __init__(self, length: int, *, bytes_max: int) -> None:
        self.content = bytearray()
        self.left: int | None = length
        self.is_too_large = length > bytes_max
        self.is_complete = False

    def feed(self, data: bytes) -> bytes:
        """Read some bytes; those behind the body are given back."""
        left = self.left or 0
        part, rest = (data, b"") if len(data) <= left else (data[:left], data[left:])
        if not self.is_too_large:
            self.content += part
        self.left = left - len(part)
        self.is_complete = not self.left
        return rest

    def close(self) -> None:
        """Nothing is held."""


class ChunkedBody:
    """A body in chunks. What stands in its chunk extensions and behind it is read, and ignored.

    See `Body`.
    """

    def __init__(self, *, bytes_max: int) -> None:
        self.content = bytearray()
        self.left: int | None = None
        self.is_too_large = False
        self.is_complete = False
        self._bytes_max = bytes_max
        self._body_bytes = 0
        self._framing_bytes = 0
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._parser.feed_data(_HEAD)

    def close(self) -> None:
        """Read nothing more. The parser and this object hold each other: this unties them."""
        self._parser = None

    def feed(self, data: bytes) -> bytes:
        """Read some bytes; those behind the body are given back.

        Raises:
            RequestRefusedError: it is malformed, or its chunks are so small that they outweigh it.
        """
        parser = self._parser
        assert parser is not None, "whoever closes it does not feed it"
        at, body_bytes = 0, self._body_bytes
        try:
            while at < len(data) and not self.is_complete:
                # Line by line: nothing of the next request is fed together with the last line.
                end = data.find(b"\n", at) + 1 or len(data)
                parser.feed_data(data[at:end])
                at = end
        except httptools.HttpParserError:
            raise RequestRefusedError(refusal.MALFORMED) from None
        self._framing_bytes += at - (self._body_bytes - body_bytes)
        if self._framing_bytes > HEAD_BYTES_MAX + self._body_bytes:
            raise RequestRefusedError(refusal.FRAMING_TOO_LARGE)
        return data[at:]

    def on_body(self, part: bytes) -> None:
        """Called by the parser: a part of the body."""
        self._body_bytes += len(part)
        if self._body_bytes > self._bytes_max:
            self.is_too_large = True
            self.content.clear()
        else:
            self.content += part

    def on_message_complete(self) -> None:
        """Called by the parser: the end."""
        self.is_complete = True
