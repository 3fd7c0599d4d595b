"""How a client is answered that is not served."""

import msgspec

from riverd.errors import RiverError, for_client
from riverd.http.body_writer import BodyWriter
from riverd.http.json_errors import response_to
from riverd.http.response import EVENT_STREAM, JSON, Answer, Headers, Response, StreamedResponse
from riverd.protocols.sse.protocol import Sse


def not_served(error: RiverError, headers: Headers) -> Response:
    """The answer to a request that is not served."""
    return response_to(for_client(error), headers=headers)


class Farewell(msgspec.Struct, frozen=True):
    """Why a client gets no stream now, and when to come again."""

    protocol: Sse
    reason: str
    again_ms: int

    def text(self) -> bytes:
        """The `bye`."""
        return self.protocol.bye(self.reason, self.again_ms)


def come_again(bye: Farewell, cursor: bytes, *, poll: bool, headers: Headers) -> Answer:
    """The answer to one that can be served later: an `EventSource` asks again after a 200 only."""
    if poll:
        return poll_response(cursor, [bye.text()], headers=headers)

    def start(writer: BodyWriter) -> None:
        writer.write(b"retry: %d\n%b" % (bye.again_ms, bye.text()))
        writer.end()

    return StreamedResponse(200, start, EVENT_STREAM, headers)


def poll_response(cursor: bytes, texts: list[bytes], *, headers: Headers) -> Response:
    """The answer to a poll."""
    events = [msgspec.Raw(text) for text in texts]
    body = msgspec.json.encode({"id": cursor.decode(), "events": events})
    return Response(200, body, JSON, headers)
