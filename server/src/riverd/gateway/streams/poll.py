"""One request that is answered as soon as there is something: where no stream comes through."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from riverd.gateway.draining import retry_ms
from riverd.gateway.streams.refusals import poll_response
from riverd.gateway.streams.sink import StreamOwner, StreamSink
from riverd.http.response import Response
from riverd.protocols.sse.records import moved

if TYPE_CHECKING:
    from riverd.gateway.streams.stream_request import StreamRequest
    from riverd.http.refusal import HttpRefusal
    from riverd.http.response import Headers
    from riverd.protocols.sse.protocol import Sse

ANSWER_BYTES = 65_536
"""When there is so much, the session is sent nothing more: one answer has about so much."""
_SUBSCRIBED = b'{"type":"subscribed"'
_GREETINGS = (_SUBSCRIBED, b'{"type":"welcome"', b'{"type":"authenticated"')
_ANSWERS = (_SUBSCRIBED, b'{"type":"error"')
UNANSWERED_S_MAX = 2.0
"""So long news of some channels wait for the answers of others: else those of busy ones came first
with each request, and what others have missed was never sent."""
AT_ONCE_S_MAX = 5.0
"""Who does not wait for events waits so long for the broker to say whether there are any."""


class Poll(StreamSink):
    """Collects what the session is sent until there is an event; also a `Pending` request."""

    __slots__ = (
        "_cursor",
        "_has_news",
        "_headers",
        "_size",
        "_something",
        "_texts",
        "_token",
        "_unanswered",
    )

    body_bytes_max = 0
    is_limited = False
    answer_s_max = None

    def __init__(
        self,
        streams: StreamOwner,
        wanted: StreamRequest,
        *,
        protocol: Sse,
        token: str,
        headers: Headers,
    ) -> None:
        super().__init__(streams, wanted, protocol=protocol)
        self._cursor = wanted.start
        self._token = token
        self._headers = headers
        self._texts: list[bytes] | None = []
        self._size = 0
        self._unanswered = len(wanted.names)
        self._has_news = False
        self._something: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def answer(self, body: bytes) -> Response:
        """What came, with the cursor after it."""
        del body
        self._streams.opened(self, self._token)
        try:
            if not self._is_answered():
                limit = self.wanted.wait_s or AT_ONCE_S_MAX
                await asyncio.wait([self._something], timeout=limit)
            # What comes in the same turn goes with it.
            await asyncio.sleep(0)
        finally:
            texts, self._texts = self._texts or [], None
            self._streams.polled(self)
        cursor = self.wanted.channels.cursor(self._cursor) + self.cursor_suffix
        return poll_response(cursor, texts, headers=self._headers)

    def refuse(self, refusal: HttpRefusal) -> Response:
        """See `Pending`."""
        return Response(refusal.status, f"{refusal.reason}\n".encode(), headers=self._headers)

    def write(self, records: bytes) -> None:
        """Keep what came, and answer if it is more than greetings."""
        if self._texts is None or not records:
            return
        self._size += len(records)
        if self._size > ANSWER_BYTES and not self.session.blocked:
            # The next request goes on from the cursor.
            self._streams.node.blocked(self.session)
            self._there_is_something()
        found = moved(records, self.wanted.channels, cursor=self._cursor)
        self._cursor = found.cursor
        for text, _ in found.texts:
            self._texts.append(text)
            self._unanswered -= text.startswith(_ANSWERS)
            if not text.startswith(_GREETINGS):
                self._note_news()
        if self._is_answered():
            self._there_is_something()

    def close(self, code: int, reason: str) -> None:
        """Say why, and answer."""
        self._bye(reason, retry_ms(), code=code)

    def ask_to_move(self, retry_after_ms: int) -> None:
        """Have the client ask elsewhere."""
        self._bye("draining", retry_after_ms)

    def _bye(self, reason: str, retry_after_ms: int, **code: int) -> None:
        if self._texts is not None:
            self._texts.append(self.protocol.bye(reason, retry_after_ms, **code))
            self._there_is_something()

    def _note_news(self) -> None:
        """There is an event: not for long is it held for the answers of other channels."""
        if not self._has_news:
            self._has_news = True
            loop = asyncio.get_running_loop()
            loop.call_later(UNANSWERED_S_MAX, self._there_is_something)

    def _is_answered(self) -> bool:
        """Whether the client has all that it waits for: without `wait_s`, no events."""
        has_token = self.session.claims is not None or not self._token
        is_enough = self._has_news or self.wanted.wait_s == 0
        return is_enough and self._unanswered <= 0 and has_token

    def _there_is_something(self) -> None:
        if not self._something.done():
            self._something.set_result(None)
