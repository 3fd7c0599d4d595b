"""One client's stream of Server-Sent Events, bound to its session."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from riverd.gateway.draining import retry_ms
from riverd.gateway.streams.sink import StreamOwner, StreamSink
from riverd.protocols.sse.records import KEPT_BYTES_MAX, moved, rendered, stand_of

if TYPE_CHECKING:
    from riverd.gateway.streams.stream_request import StreamRequest
    from riverd.http.body_writer import BodyWriter
    from riverd.protocols.sse.protocol import Sse
    from riverd.protocols.sse.records import Cursor, Stand

COMMENT = b":\n\n"


class EventStream(StreamSink):
    """Back-pressure is the socket's: while it takes nothing, the session's cursors stand still.

    `wake_at` is when the owner looks at it next.
    """

    __slots__ = ("_own", "_stand", "_token", "_writer", "wake_at")

    def __init__(
        self, streams: StreamOwner, wanted: StreamRequest, *, protocol: Sse, token: str
    ) -> None:
        super().__init__(streams, wanted, protocol=protocol)
        self._token = token
        self._writer: BodyWriter | None = None
        self._own, self._stand = self._split(wanted.start)
        self.wake_at = math.inf

    def start(self, writer: BodyWriter) -> None:
        """The head was written: begin the session."""
        self._writer = writer
        writer.changed = self._on_changed
        token, self._token = self._token, ""
        self._streams.opened(self, token)

    def write(self, records: bytes) -> None:
        """Send records, each with the cursor after it before its data."""
        writer = self._writer
        if not records or writer is None:
            return
        is_kept = len(records) <= KEPT_BYTES_MAX
        found = (rendered if is_kept else rendered.__wrapped__)(records, self._stand)
        if found is None:
            writer.write(self._own_events(records))
            return
        pieces, joined, self._stand = found
        # Of a user's streams each cursor ends with the position in the user's channel.
        suffix = self._own + self.cursor_suffix
        if suffix or not is_kept:
            writer.write(suffix.join(pieces))
        else:
            writer.write_shared(joined)

    def _own_events(self, records: bytes) -> bytes:
        """The bytes of records that move the position in the user's channel."""
        channels = self.wanted.channels
        found = moved(records, channels, cursor=self._stand.cursor(self._own))
        self._own, self._stand = self._split(found.cursor)
        return b"".join(
            text if at is None else b"id: %b%b\n%b" % (at, self.cursor_suffix, text)
            for text, at in found.texts
        )

    def _split(self, cursor: Cursor) -> tuple[bytes, Stand]:
        """The position in the user's channel, if there is one, and where the others stand."""
        channels = self.wanted.channels
        if channels.has_own:
            return cursor[-1], stand_of(channels, cursor[:-1])
        return b"", stand_of(channels, cursor)

    def comment(self) -> None:
        """Show the client, and what is in between, that the stream lives."""
        if self._writer is not None:
            self._writer.write_shared(COMMENT)

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
