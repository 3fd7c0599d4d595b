"""All streams of a gateway: who gets one, how they are kept, how they end.

Nothing is kept between two requests of a client but its presence, for `PARKED_S` after a poll: the
next request may come to another gateway, and goes on from its cursor.
"""

import asyncio
import random
import time

import msgspec

from riverd.channels.names import user_channel
from riverd.core.session import Session
from riverd.errors import ErrorCode, Reason, RiverError
from riverd.gateway.client_name import client_name
from riverd.gateway.draining import AT_ONCE, end_all, retry_ms
from riverd.gateway.streams.client_requests import FIELDS, ClientRequests
from riverd.gateway.streams.credentials import check_origin, cors, preflight, token_in
from riverd.gateway.streams.event_stream import EventStream
from riverd.gateway.streams.poll import Poll
from riverd.gateway.streams.refusals import Farewell, come_again, not_served
from riverd.gateway.streams.sink import StreamSink
from riverd.gateway.streams.stream_host import StreamHost
from riverd.gateway.streams.stream_request import (
    EventShape,
    StreamRequest,
    cursor_in,
    is_poll,
    query_of,
    shape_of,
    stream_request,
)
from riverd.http.handler import Pending
from riverd.http.json_errors import wrong_method
from riverd.http.request import Request
from riverd.http.response import EVENT_STREAM, Answer, Headers, Response, StreamedResponse
from riverd.model.claims import Claims
from riverd.model.commands import Authenticate, Subscribe
from riverd.model.log import Member
from riverd.protocols.sse.protocol import Sse
from riverd.protocols.sse.shapes import EVENTS, OBJECTS, POLLED
from riverd.scheduling.portions import portions
from riverd.scheduling.tasks import Tasks

PATH = "/events"
COMMENT_S = 15.0
TICK_S = 1.0
TOKEN_LEFT_S = 1.5
"""A stream ends so long before its token: a page can renew that before it asks again."""
PARKED_S = 10.0
_METHODS = ("GET", "HEAD")
_ALLOWED = ", ".join((*_METHODS, "OPTIONS"))
# Nobody on the way keeps the answer, or waits until there is more of it.
_HEADERS: Headers = (
    ("Cache-Control", "no-store, no-transform"),
    ("X-Accel-Buffering", "no"),
    ("X-Content-Type-Options", "nosniff"),
)


class Newcomer(msgspec.Struct, frozen=True):
    """Who asks for a stream and has no session yet; see `ClientIdentity`."""

    claims: Claims | None
    id: str = ""

    def is_subscribed(self, channel: str) -> bool:
        """To nothing yet."""
        del channel
        return False

    def member_in(self, channel: str) -> Member | None:
        """Nobody yet."""
        del channel
        return None


class Streams:
    """See the module. `open` are the streams and polls that are under way."""

    def __init__(self, host: StreamHost) -> None:
        self.node = host.node
        self.open: set[StreamSink] = set()
        self._host = host
        self._objects = Sse(host.native, OBJECTS)
        self._events = Sse(host.native, EVENTS)
        self._polled = Sse(host.native, POLLED)
        self._native = Sse(host.native, OBJECTS, is_native=True)
        self._native_polled = Sse(host.native, POLLED, is_native=True)
        self._tasks = Tasks(host.failed)
        self._clients = ClientRequests(host)
        self._is_kept = False
        self._parked: dict[tuple[str, bytes], tuple[Session, asyncio.TimerHandle]] = {}

    async def close(self) -> None:
        """End what is left."""
        await self._tasks.close()
        await end_all(self.open)
        self._clients.close()
        async for some in portions(list(self._parked), AT_ONCE):
            for key in some:
                self._unpark(key)

    # Admitting.

    def serves(self, request: Request) -> bool:
        """Whether a request is for streams, or is one that their clients make beside them."""
        return request.path == PATH or request.path in FIELDS

    def admit(self, request: Request) -> Answer | Pending:
        """Answer a request for a stream, or beside one.

        An `EventSource` that gets another status than 200 never asks again: so only what will never
        work is answered with one.
        """
        headers = (*_HEADERS, *cors(request, self._host.origins))
        if request.method == "OPTIONS":
            return Response(204, headers=preflight(request, self._host.origins))
        if request.path != PATH:
            self._keep()
            return self._clients.admit(request, headers)
        if request.method not in _METHODS:
            return wrong_method(_ALLOWED, headers=headers)
        if request.has_body:
            error = RiverError(ErrorCode.INVALID_FIELD, "a stream has no body")
            return not_served(error, headers)
        try:
            wanted, token = self._judge(request)
        except RiverError as error:
            self._host.refused(error, None)
            if error.error is ErrorCode.TOKEN_REVOKED_RECENTLY:
                return self._after_revocation(request, error, headers=headers)
            return not_served(error, headers)
        protocol = self._protocol(wanted.shape, is_polled=wanted.poll)
        address = self._host.address_of(request)
        reason = self._turn_away(address)
        if reason is not None:
            bye = Farewell(protocol, reason, retry_ms())
            cursor = wanted.channels.cursor(wanted.start)
            return come_again(bye, cursor, poll=wanted.poll, headers=headers)
        if wanted.poll:
            poll = Poll(self, wanted, protocol=protocol, token=token, headers=headers)
            poll.address, poll.client = address, client_name(request)
            return poll
        stream = EventStream(self, wanted, protocol=protocol, token=token)
        stream.address, stream.client = address, client_name(request)
        return StreamedResponse(200, stream.start, EVENT_STREAM, headers)

    def _judge(self, request: Request) -> tuple[StreamRequest, str]:
        """What is asked for, and the token or "", if the client may have it. Raises RiverError."""
        host = self._host
        check_origin(request, host.origins)
        query = query_of(request)
        first = {name: values[0] for name, values in query.items()}
        token = token_in(request, first, origins=host.origins, from_query=host.query_token)
        # Without one it is a guest, where all channels are for guests.
        claims = None if token is None else host.verify(token, time.time())
        join = () if claims is None else claims.join
        own = user_channel(claims.user) if claims and host.native.rules.user_channels else None
        wanted = stream_request(
            request, query, channels_max=host.limits.channels_max, join=join, own=own
        )
        # In the native shape each channel has an answer of its own, as on a WebSocket.
        if wanted.shape is not EventShape.NATIVE:
            for name in wanted.names:
                if name != own:
                    self._authorise(name, claims)
        return wanted, token or ""

    def _authorise(self, channel: str, claims: Claims | None) -> None:
        try:
            self._host.native.authorise(Subscribe(None, channel), Newcomer(claims))
        except RiverError as error:
            if claims is not None and self.node.history is not None:
                self.node.history.refused_at_once(claims.user, channel, error=error)
            raise

    def _protocol(self, shape: EventShape, *, is_polled: bool) -> Sse:
        match shape:
            case EventShape.NATIVE:
                return self._native_polled if is_polled else self._native
            case EventShape.EVENT:
                return self._events
            case EventShape.OBJECT:
                return self._polled if is_polled else self._objects

    def _turn_away(self, address: str | None) -> str | None:
        reason = self._host.turn_away(address)
        if reason is None and self._host.unready() is not None:
            return "unavailable"
        return reason

    def _after_revocation(self, request: Request, error: RiverError, *, headers: Headers) -> Answer:
        """The token may be of a login that came just after it: a little later it counts."""
        query = query_of(request)
        poll = is_poll(query)
        protocol = self._protocol(shape_of(query), is_polled=poll)
        bye = Farewell(protocol, error.error.code, error.retry_after_ms or retry_ms())
        return come_again(bye, cursor_in(request, query).encode(), poll=poll, headers=headers)

    # What streams call.

    def opened(self, stream: StreamSink, token: str) -> None:
        """Begin its session, and subscribe to what it named."""
        session = stream.session = self._host.new_session(stream, stream.protocol)
        stream.auth_by = time.monotonic() + session.limits.auth_timeout_s
        self._keep()
        self.open.add(stream)
        self._host.opened(stream)
        self.node.opened(session, address=stream.address, client=stream.client)
        stream.greet()
        if isinstance(stream, EventStream):
            stream.wake_at = time.monotonic() + COMMENT_S * random.uniform(0.5, 1)  # noqa: S311
        if token:
            request = Authenticate(None, token, stream.wanted.resume_session)
            self.node.authenticate(session, request, now=time.time())
        else:
            stream.subscribe()

    def take_guest(self, stream: StreamSink) -> bool:
        """It listens without a token. False if it is closed: there is no room for one more."""
        if self._host.take_guest(stream):
            return True
        stream.session.close(Reason.FULL, "no room for another guest")
        return False

    def closed(self, stream: StreamSink, code: int | None) -> None:
        """It is sent nothing any more. `code` is why River has ended it."""
        self.open.discard(stream)
        stream.session.end("the stream ended: its client is gone, or asks again")
        self._host.depart(stream.session)
        self._host.closed(stream, code)

    def polled(self, poll: StreamSink) -> None:
        """It was answered: its client stays present for a while."""
        self.open.discard(poll)
        self._host.closed(poll, None)
        session = poll.session
        if session.claims is None or not self._is_present(session):
            session.end("the poll was answered")
            self._host.depart(session)
            return
        key = (session.claims.user, poll.wanted.channels.digest)
        self._unpark(key)
        self.node.blocked(session)
        timer = asyncio.get_running_loop().call_later(PARKED_S, self._unpark, key)
        self._parked[key] = (session, timer)

    def _is_present(self, session: Session) -> bool:
        rules = self._host.native.rules
        return not session.closed and any(map(rules.has_members, session.subscriptions))

    def _unpark(self, key: tuple[str, bytes]) -> None:
        session, timer = self._parked.pop(key, (None, None))
        if session is not None and timer is not None:
            timer.cancel()
            session.end("no poll followed")
            self._host.depart(session)

    # Keeping.

    def _keep(self) -> None:
        """From the first client on: comments, ends of tokens, sessions that nobody uses."""
        if not self._is_kept:
            self._is_kept = True
            self._tasks.start(self._turn())

    async def _turn(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now, unix = time.monotonic(), time.time()
            self._clients.expire(now)
            async for some in portions(list(self.open)):
                for stream in some:
                    _wake(stream, now=now, unix=unix)


def _wake(stream: StreamSink, *, now: float, unix: float) -> None:
    session = stream.session
    if session.claims is not None:
        session.wake(unix + _early_s(stream, session.claims))
    elif stream.auth_by <= now:
        session.wake(unix)
    if isinstance(stream, EventStream) and stream.wake_at <= now:
        stream.wake_at = now + COMMENT_S
        stream.comment()


def _early_s(stream: StreamSink, claims: Claims) -> float:
    """How long before its token a stream ends. Libraries renew by themselves, as on a WebSocket."""
    is_native = stream.wanted.shape is EventShape.NATIVE
    return 0.0 if is_native else claims.leeway_s + TOKEN_LEFT_S
