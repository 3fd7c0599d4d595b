"""What clients without a socket ask by POST: each body is a message of River's own protocol.

A token has one session for all its requests, so that it has one budget too; the session ends when
nothing was asked for `IDLE_S`.
"""

import asyncio
import time
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

import msgspec

from riverd.auth.bearer import bearer
from riverd.core.session import Session
from riverd.errors import ErrorCode, Reason, RiverError
from riverd.gateway.streams.credentials import check_origin, may_use_cookie, token_in
from riverd.gateway.streams.refusals import not_served
from riverd.http.json_errors import extra_headers, refused, wrong_method
from riverd.http.refusal import HttpRefusal
from riverd.http.request import Request
from riverd.http.response import JSON, Answer, Headers, Response
from riverd.http.unknown_field import unknown_field
from riverd.model.commands import Authenticate
from riverd.model.replies import HistoryReply, Reply
from riverd.protocols.native.close_codes import NATIVE_CLOSE_CODES
from riverd.protocols.native.codec import message_of
from riverd.protocols.native.protocol import Native

if TYPE_CHECKING:
    from riverd.gateway.streams.stream_host import StreamHost

FIELDS = {
    "/client/publish": ("channel", "event", "data", "keep", "exclude"),
    "/client/presence": ("channel",),
    "/client/history": ("channel", "epoch", "offset", "limit"),
}
"""What may stand in the body of each."""
IDLE_S = 60.0
SESSIONS_MAX = 10_000
ANSWER_S_MAX = 5.0

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_id = msgspec.json.Decoder(int).decode
_text = msgspec.json.Decoder(str).decode
_STATUS = {error.code: error.status for error in ErrorCode}
_ENDED = {
    NATIVE_CLOSE_CODES[Reason.NOT_AUTHENTICATED]: ErrorCode.TOKEN_INVALID,
    NATIVE_CLOSE_CODES[Reason.DISCONNECTED]: ErrorCode.FORBIDDEN,
    NATIVE_CLOSE_CODES[Reason.TOO_FAST]: ErrorCode.TOO_FAST,
}


class _Unframed(Native):
    """River's own protocol without frames around its messages."""

    joins_channels = False

    @staticmethod
    def encode(reply: Reply) -> bytes:
        """The object of a reply."""
        return _encode(message_of(reply))

    @staticmethod
    def encode_parts(reply: HistoryReply) -> Iterator[bytes]:
        """The whole object at once."""
        yield _encode(message_of(reply))


class RequestSink:
    """The sink of a token's session: what it writes are answers to requests."""

    session: Session

    def __init__(self) -> None:
        self.used_at = 0.0
        self.is_closed = False
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Response]] = {}

    def expect(self) -> tuple[int, asyncio.Future[Response]]:
        """The number of a request, and what will be its answer."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        return number, self._waiting[number]

    def forget(self, number: int) -> None:
        """Nobody waits for this answer any more."""
        self._waiting.pop(number, None)

    def write(self, frames: bytes) -> None:
        """See `Sink`."""
        fields = _fields(frames)
        kind = _text(fields.pop("type"))
        number = fields.pop("id", None)
        future = self._waiting.get(_id(number)) if number is not None else None
        if future is None or future.done():
            return
        if kind == "error":
            status = _STATUS[_text(fields["code"])]
            future.set_result(Response(status, _encode({"error": fields}), JSON))
        else:
            future.set_result(Response(200, _encode(fields), JSON))

    def write_parts(self, parts: Iterator[bytes]) -> None:
        """See `Sink`."""
        self.write(b"".join(parts))

    def close(self, code: int, reason: str) -> None:
        """See `Sink`: the requests that wait are not served."""
        self.is_closed = True
        error = RiverError(_ENDED.get(code, ErrorCode.UNAVAILABLE), reason)
        for future in self._waiting.values():
            if not future.done():
                future.set_result(not_served(error, ()))

    def on_authenticated(self, *, renewed: bool) -> None:
        """See `Sink`."""

    def take_guest(self) -> bool:
        """See `Sink`. Requests need a token."""
        return False


class ClientRequests:
    """Answers the requests of all clients of a gateway."""

    def __init__(self, host: "StreamHost") -> None:
        self._host = host
        self._protocol = _Unframed(host.native.rules, host.native.secrets)
        self._sinks: dict[str, RequestSink] = {}

    def admit(self, request: Request, headers: Headers) -> "Answer | PostedRequest":
        """Judge a request by its head."""
        if request.method != "POST":
            return wrong_method("POST, OPTIONS", headers=headers)
        try:
            token = self._token(request)
        except RiverError as error:
            self._host.refused(error, None)
            return not_served(error, headers)
        return PostedRequest(self, request.path, token=token, headers=headers)

    def expire(self, now: float) -> None:
        """End the sessions for which nothing was asked lately."""
        for token, sink in list(self._sinks.items()):
            if now - sink.used_at > IDLE_S:
                self._end(token)

    def close(self) -> None:
        """End all."""
        for token in list(self._sinks):
            self._end(token)

    @property
    def message_bytes_max(self) -> int:
        """How large a body may be."""
        return self._host.message_bytes_max

    def _token(self, request: Request) -> str:
        host = self._host
        check_origin(request, host.origins)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != JSON:
            # Also what keeps forms of other pages out (contract: cookies only with JSON).
            raise RiverError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"send {JSON}")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise RiverError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "send the body without an encoding")
        has_token = bearer(request.headers.get("authorization", "")) is not None
        if not has_token and not may_use_cookie(request, host.origins):
            raise RiverError(ErrorCode.UNAUTHENTICATED, "send a token")
        token = token_in(request, {}, origins=host.origins, from_query=False)
        if token is None:
            raise RiverError(ErrorCode.UNAUTHENTICATED, "send a token")
        host.verify(token, time.time())
        return token

    async def ask(self, path: str, token: str, *, body: bytes) -> Response:
        """The answer to one request.

        Raises:
            RiverError: it was not understood, or not answered in time.
        """
        fields = fields_of(path, body)
        sink = self._sink(token)
        number, answer = sink.expect()
        kind = path.rpartition("/")[2]
        try:
            message = _encode({"type": kind, "id": number, **fields})
            self._host.node.receive(sink.session, message, now=time.time())
            done, _ = await asyncio.wait([answer], timeout=ANSWER_S_MAX)
        finally:
            sink.forget(number)
        if not done:
            raise RiverError(ErrorCode.UNKNOWN, "there was no answer in time")
        return answer.result()

    def _sink(self, token: str) -> RequestSink:
        sink = self._sinks.get(token)
        if sink is None or sink.is_closed:
            self._end(token)
            if len(self._sinks) >= SESSIONS_MAX:
                self._end(next(iter(self._sinks)))
            sink = self._sinks[token] = RequestSink()
            sink.session = self._host.new_session(sink, self._protocol)
            self._host.node.opened(sink.session)
            self._host.node.authenticate(sink.session, Authenticate(None, token), now=time.time())
        else:
            # The one that was used longest ago stands first.
            del self._sinks[token]
            self._sinks[token] = sink
        sink.used_at = time.monotonic()
        return sink

    def _end(self, token: str) -> None:
        sink = self._sinks.pop(token, None)
        if sink is not None:
            sink.session.end()
            self._host.node.closed(sink.session)


class PostedRequest:
    """A `Pending` request of a client."""

    is_limited = True
    answer_s_max = None

    def __init__(
        self,
        requests: ClientRequests,
        path: str,
        *,
        token: str,
        headers: Headers,
    ) -> None:
        self._requests = requests
        self._path = path
        self._token = token
        self._headers = headers

    @property
    def body_bytes_max(self) -> int:
        """As large as a message may be."""
        return self._requests.message_bytes_max

    async def answer(self, body: bytes) -> Response:
        """See `Pending`."""
        try:
            found = await self._requests.ask(self._path, self._token, body=body)
        except RiverError as error:
            return not_served(error, self._headers)
        headers = (*self._headers, *extra_headers(found.status))
        return msgspec.structs.replace(found, headers=headers)

    def refuse(self, refusal: HttpRefusal) -> Response:
        """See `Pending`."""
        return refused(refusal, headers=self._headers)


def fields_of(path: str, body: bytes) -> dict[str, msgspec.Raw]:
    """The fields of a body. Raises RiverError for what is none, or has others."""
    try:
        body.decode()
        fields = _fields(body)
    except msgspec.ValidationError:
        raise RiverError(ErrorCode.NOT_AN_OBJECT, "send one JSON object") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RiverError(ErrorCode.NOT_JSON, f"the body is not JSON: {error}") from None
    known = FIELDS[path]
    for name in fields:
        if name not in known:
            raise RiverError(ErrorCode.INVALID_FIELD, unknown_field(name, known))
    return fields
