"""One client's stream of Server-Sent Events, bound to its session."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from riverd.gateway.draining import retry_ms
from riverd.gateway.streams.sink import StreamSink
from riverd.protocols.sse.records import SESSION_MARK, rendered

if TYPE_CHECKING:
    from riverd.gateway.streams.stream_request import StreamRequest
    from riverd.gateway.streams.streams import Streams
    from riverd.http.body_writer import BodyWriter
    from riverd.protocols.sse.protocol import Sse

COMMENT = b":\n\n"


class EventStream(StreamSink):
    """Back-pressure is the socket's: while it takes nothing, the session's cursors stand still.

    `wake_at` is when the owner looks at it next.
    """

    __slots__ = ("_token", "_writer", "wake_at")

    def __init__(
        self, streams: Streams, wanted: StreamRequest, *, protocol: Sse, token: str
    ) -> None:
        super().__init__(streams, wanted, protocol=protocol)
        self._token = token
        self._writer: BodyWriter | None = None
        self.wake_at = math.inf

    def start(self, writer: BodyWriter) -> None:
        """The head was written: begin the session."""
        self._writer = writer
        writer.changed = self._on_changed
        token, self._token = self._token, ""
        self._streams.opened(self, token)

    def write(self, records: bytes) -> None:
        """Send records, each with the cursor after it before its data."""
        if records and self._writer is not None:
            suffix = self.cursor_suffix
            mark = SESSION_MARK if suffix else b""
            data, self.cursor = rendered(
                records, self.wanted.channels, cursor=self.cursor, mark=mark
            )
            self._writer.write(data.replace(SESSION_MARK, suffix) if suffix else data)

    def comment(self) -> None:
        """Show the client, and what is in between, that the stream lives."""
        if self._writer is not None:
            self._writer.write(COMMENT)

    def close(self, code: int, reason: str) -> None:
        """Say why, and end. What was written before is sent."""
        self._bye(reason, retry_ms(), code=code)
        self._end(code)

    def ask_to_move(self, retry_after_ms: int) -> None:
        """Have the client open its next stream elsewhere."""
        self._bye("draining", retry_after_ms)
        self.session.closed = True
        self._end(None)

    def _bye(self, reason: str, retry_after_ms: int, **code: int) -> None:
        if self._writer is not None:
            text = self.protocol.bye(reason, retry_after_ms, **code)
            self._writer.write(b"retry: %d\n%b" % (retry_after_ms, text))

    def _on_changed(self) -> None:
        """The client is gone, or takes no more, or takes more again."""
        writer = self._writer
        if writer is None:
            return
        if writer.is_gone:
            self._end(None)
        elif writer.is_blocked:
            self._streams.node.blocked(self.session)
        else:
            self._streams.node.drained(self.session)

    def _end(self, code: int | None) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            self._streams.closed(self, code)
            writer.changed = None
            writer.end()
