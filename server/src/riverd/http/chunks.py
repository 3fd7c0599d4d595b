"""A body in chunks (RFC 9112, section 7.1), put together."""

import httptools

from riverd.http import refusal
from riverd.http.limits import HEAD_BYTES_MAX
from riverd.http.refusal import RequestRefusedError

_HEAD = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"


class Chunks:
    """Reads one body. What stands in its chunk extensions and behind it is read, and ignored.

    Attributes:
        body: What of it is here. Nothing is kept once it is larger than is wanted.
        is_too_large: It is larger than is wanted.
        is_complete: It has ended.
    """

    def __init__(self, bytes_max: int) -> None:
        self.body = bytearray()
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
            self.body.clear()
        else:
            self.body += part

    def on_message_complete(self) -> None:
        """Called by the parser: the end."""
        self.is_complete = True
