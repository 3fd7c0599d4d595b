"""The public plane: admits WebSockets, keeps them alive, carries bytes to sessions and back."""

import asyncio
import math
import random
import secrets
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count

from riverd.auth.bearer import bearer_token
from riverd.core.session import Session
from riverd.core.session_limits import SessionLimits
from riverd.core.sink import Sink
from riverd.errors import ErrorCode, Reason, RiverError
from riverd.gateway.admission import Admission
from riverd.gateway.connection import Connection, Refusal
from riverd.gateway.connection_limiter import ConnectionLimiter, Full
from riverd.gateway.deadlines import Deadlines
from riverd.gateway.departures import Departures
from riverd.gateway.draining import AT_ONCE, end_all, move, retry_ms
from riverd.gateway.slow_readers import SlowReaders
from riverd.gateway.static_files import Pages
from riverd.gateway.streams.sink import StreamSink
from riverd.gateway.streams.stream_host import StreamHost
from riverd.gateway.streams.streams import Streams
from riverd.gateway.tally import GatewayTally
from riverd.http.handler import Pending
from riverd.http.limits import HttpLimits
from riverd.http.listener import HttpListener
from riverd.http.refusal import HttpRefusal
from riverd.http.request import Request
from riverd.http.response import Answer, Response
from riverd.model.claims import Claims
from riverd.model.commands import Authenticate
from riverd.model.replies import Bye
from riverd.node.node import Node
from riverd.protocols import ADDRESS, ORIGIN, QUOTA, ClientProtocol, ProtocolPath, TurnedAway
from riverd.protocols.native.protocol import Native
from riverd.scheduling.portions import portions
from riverd.scheduling.tasks import Tasks
from riverd.websocket.handshake import accept_key, upgrade_to
from riverd.websocket.interface import SocketLimits

SUBPROTOCOL = "river.v1"
TICK_S = 0.25
HANDSHAKE_S_MAX = 10.0
ANSWERS_S_MAX = 0.5
"""How long a stop waits for answers to be sent."""
METHODS = ("GET", "HEAD")
ORIGIN_LENGTH_SHOWN = 200
LAG_S_MAX = 1.0
"""A loop that is this late serves nobody well: newcomers that would wait come again later."""


def _nothing(_request: Request) -> None:
    """No request is answered but with the gateway's own pages."""


class Gateway:
    """All WebSockets of one process. `answers` takes requests that need more than pages."""

    def __init__(
        self,
        node: Node,
        pages: Pages,
        *,
        paths: Sequence[ProtocolPath],
        close_codes: Iterable[int],
        verify: Callable[[str, float], Claims],
        failed: Callable[[BaseException], None],
        refused: Callable[[RiverError, str | None], None],
        limits: SessionLimits,
        socket_limits: SocketLimits,
        admission: Admission,
        answers: Callable[[Request], Response | Pending | None] = _nothing,
    ) -> None:
        self.limiter: ConnectionLimiter[Connection | StreamSink] = ConnectionLimiter(
            admission.connections
        )
        self.connections = self.limiter.connections
        self.tally = GatewayTally(close_codes)
        self.draining, self.lag_s = False, 0.0
        self.node, self.addresses = node, admission.addresses
        self._pages = pages
        self._paths = paths
        self._failed = failed
        self.slow = SlowReaders(admission.waiting_bytes_max, evict=Connection.evict)
        self._tasks = Tasks(failed)
        self._verify, self._refused = verify, refused
        self._limits = limits
        self._socket_limits = socket_limits
        self._admission = admission
        self._answers = answers
        self._clock = time.monotonic
        self._deadlines = Deadlines(
            self.connections,
            ping_interval_s=admission.ping_interval_s,
            auth_timeout_s=limits.auth_timeout_s,
            tick_s=TICK_S,
        )
        self._departures = Departures(node.closed, mute=node.ended)
        self._listeners: list[HttpListener] = []
        self._drained = asyncio.Event()
        self.speaking: Counter[ClientProtocol] = Counter()
        # Digits, because Pusher's libraries want nothing else.
        self._prefix = secrets.randbits(48)
        self._numbers: Iterator[int] = count(1)
        self.streams: Streams | None = None

    def serve_streams(
        self, native: Native, *, unready: Callable[[], str | None], query_token: bool
    ) -> None:
        """Also serve clients over plain HTTP (contract, "HTTP streaming")."""
        host = StreamHost(
            self.node,
            native,
            new_session=self.new_session,
            verify=self._verify,
            refused=self._refused,
            address_of=self.addresses.of,
            turn_away=self._turn_stream_away,
            unready=unready,
            opened=self._stream_opened,
            closed=self._stream_closed,
            depart=self._departures.add,
            take_guest=self.limiter.take_guest,
            failed=self._failed,
            origins=self._admission.origins,
            limits=self._limits,
            message_bytes_max=self._socket_limits.message_bytes_max,
            query_token=query_token,
        )
        self.streams = Streams(host)

    async def start(self, sock: socket.socket, ssl_context: ssl.SSLContext | None = None) -> None:
        """Take connections from a bound socket."""
        # A client that has not asked for a WebSocket by then will have no token in time either.
        limits = HttpLimits(
            head_s=min(HANDSHAKE_S_MAX, self._limits.auth_timeout_s),
            connections_max=self._admission.waiting_max,
            counts_streams=False,
        )
        listener = HttpListener(self, limits, room=self._admission.room_beside(self.connections))
        await listener.start(sock, ssl_context)
        if not self._listeners:
            self._tasks.start(self._turn())
        self._listeners.append(listener)

    async def drain(self, drain_s: float) -> None:
        """Move all clients elsewhere over this time, then close.

        The port is closed first: a refused connection is what every balancer understands. What was
        accepted before and asks for a WebSocket is answered 503.

        Asked again, it goes on as it was asked first; who waits no longer does not stop it.
        """
        if not self.draining:
            self.draining = True
            for listener in self._listeners:
                listener.stop_accepting()
            self._tasks.start(self._drain(drain_s))
        await self._drained.wait()

    async def _drain(self, drain_s: float) -> None:
        try:
            await move(lambda: self.connections, drain_s=drain_s)
            await end_all(self.connections)
        finally:
            self._drained.set()

    async def close(self) -> None:
        """Stop listening and end what is left."""
        for listener in self._listeners:
            listener.close()
        await self._tasks.close()
        if self.streams is not None:
            await self.streams.close()
        await end_all(self.connections)
        await self._departures.finish()
        # One turn of the loop, so that close frames are on their way.
        await asyncio.sleep(0)
        for listener in self._listeners:
            await listener.end(ANSWERS_S_MAX)

    # What connections call.

    def new_session(self, sink: Sink, protocol: ClientProtocol) -> Session:
        """A session with an id that no other session of any node has."""
        return Session(
            f"{self._prefix}.{next(self._numbers)}",
            sink,
            protocol=protocol,
            limits=self._limits,
            verify=self._verify,
            refused=self._refused,
        )

    def opened(self, connection: Connection, token: str | None) -> None:
        """It is open and was welcomed: count it, set its deadlines, take the token it brought."""
        session, protocol, now = connection.session, connection.protocol, self._clock()
        needs_token = protocol.needs_token
        self.limiter.add(connection, now=now, awaits_token=needs_token)
        self.node.opened(session, address=connection.address, client=connection.client)
        # Spread, so that those that came together are not pinged together for ever.
        connection.ping_at = now + self._admission.ping_interval_s * (1 - random.random() / 2)  # noqa: S311
        self.speaking[protocol] += 1
        connection.auth_by = now + self._limits.auth_timeout_s if needs_token else math.inf
        if token is None:
            self._deadlines.schedule(connection)
        else:
            self.node.authenticate(session, Authenticate(None, token), now=time.time())
        self._make_room(connection)

    def received(self, connection: Connection, payload: bytes) -> None:
        """A text message came."""
        self.node.receive(connection.session, payload, now=time.time())

    def authenticated(self, connection: Connection, *, renewed: bool) -> None:
        """Its client is known now, or for longer."""
        if not renewed:
            self.limiter.identify(connection)
            connection.trust()
        self._deadlines.schedule(connection)

    def take_guest(self, connection: Connection) -> bool:
        """It subscribes without a token. False if there is no room for it: then it is closed."""
        if not self.limiter.take_guest(connection):
            self._send_away(connection, "guests", text="no room for another guest")
            return False
        return True

    def closing(self, connection: Connection) -> None:
        """It is sent nothing any more. May be called twice."""
        if self.limiter.close(connection):
            self.speaking[connection.protocol] -= 1
            self._drop_surplus_closing()
            self._deadlines.forget(connection)
            self._departures.add(connection.session)

    def closed(self, connection: Connection, code: int, *, by_client: bool) -> None:
        """A socket is gone."""
        self.limiter.closing.pop(connection, None)
        self.tally.closed(code, by_client=by_client)

    def _stream_opened(self, stream: StreamSink) -> None:
        self.limiter.add(stream, now=self._clock(), awaits_token=False)
        self.limiter.identify(stream)

    def _stream_closed(self, stream: StreamSink, code: int | None) -> None:
        if self.limiter.close(stream):
            self.limiter.closing.pop(stream, None)
        if code is not None:
            self.tally.closed(code, by_client=False)

    def refusing(self, refusal: Refusal) -> None:
        """A newcomer finds no room: its socket takes some until it is gone."""
        self.tally.refused += 1
        self.limiter.closing[refusal] = None
        self._drop_surplus_closing()

    def refused_closed(self, refusal: Refusal) -> None:
        """The socket of a newcomer that found no room is gone."""
        self.limiter.closing.pop(refusal, None)

    # Admitting.

    def admit(self, request: Request) -> Answer | Pending:
        """Answer a request, or make it a stream or a WebSocket."""
        answer = self._answers(request)
        if answer is not None:
            return answer
        if self.streams is not None and self.streams.serves(request):
            return self.streams.admit(request)
        if request.method not in METHODS:
            return Response(405, b"Method Not Allowed\n", headers=(("Allow", ", ".join(METHODS)),))
        if request.has_body:
            return Response(400, b"a request has no body here\n")
        entry = self._entry(request)
        if entry is None:
            return self._pages.answer(request)
        return self._upgrade(request, entry)

    def _upgrade(self, request: Request, entry: ClientProtocol | TurnedAway) -> Answer:
        """Make a request a WebSocket, or say why not."""
        address = self.addresses.of(request)
        protocol: ClientProtocol | None = None
        refused: Response | TurnedAway | None
        if isinstance(entry, TurnedAway):
            refused = entry
        else:
            protocol = entry
            refused = self._turn_away(protocol, request, address=address)
        if isinstance(refused, Response):
            return refused
        accept = accept_key(request)
        if isinstance(accept, Response):
            return accept
        offered: list[str] = []
        headers: tuple[tuple[str, str], ...] = ()
        if "sec-websocket-protocol" in request.headers:
            offered = request.tokens("sec-websocket-protocol")
            headers = (("Sec-WebSocket-Protocol", SUBPROTOCOL),) if SUBPROTOCOL in offered else ()
        if refused is not None:
            refusal = Refusal(self, self._socket_limits, refused=refused)
            return upgrade_to(refusal, accept=accept, headers=headers)
        assert protocol is not None, "who is turned away is refused"
        token = None
        if protocol.needs_token and (offered or "authorization" in request.headers):
            token = bearer_token(request.headers.get("authorization", ""), offered)
        connection = Connection(self, self._socket_limits, protocol=protocol, token=token)
        connection.came_from(address, request)
        return upgrade_to(connection, accept=accept, headers=headers)

    def refuse(self, refusal: HttpRefusal) -> Response:
        """The answer to what was not even a request."""
        retry = (("Retry-After", "1"),) if refusal.again else ()
        return Response(refusal.status, f"{refusal.reason}\n".encode(), headers=retry)

    def failed(self, error: BaseException) -> None:
        """Answering a request failed."""
        self._failed(error)

    def _entry(self, request: Request) -> ClientProtocol | TurnedAway | None:
        """What the first protocol says whose path the request has."""
        for path in self._paths:
            entry = path.enter(request)
            if entry is not None:
                return entry
        return None

    def _turn_away(
        self, protocol: ClientProtocol, request: Request, *, address: str | None
    ) -> Response | TurnedAway | None:
        """Refuse one more client of this protocol, if it may not come in; None if it may."""
        origin = request.headers.get("origin")
        if not self._admission.origins.allow(origin):
            shown = f"pages of {str(origin)[:ORIGIN_LENGTH_SHOWN]} may not connect"
            self._refused(RiverError(ErrorCode.FORBIDDEN, shown), None)
            if protocol.refuses_upgrades:
                return Response(403, b"this origin may not connect (RIVER_ALLOWED_ORIGINS)\n")
            return protocol.turned_away(Bye(ORIGIN, 0))
        if self.draining and protocol.refuses_upgrades:
            self.tally.refused += 1
            return Response(503, b"draining: try again\n", headers=(("Retry-After", "1"),))
        limit = protocol.connections_max
        obstacle = self._obstacle(address, self.lag_s if protocol.refuses_upgrades else 0.0)
        if obstacle is not None:
            self.tally.met(obstacle.value, address if obstacle.is_of_address else None)
            reason = ADDRESS if obstacle.is_of_address else "full"
            return protocol.turned_away(Bye(reason, retry_ms()))
        if limit is not None and self.speaking[protocol] >= limit:
            return protocol.turned_away(Bye(QUOTA, retry_ms()))
        return None

    def _obstacle(self, address: str | None, lag_s: float) -> Full | None:
        """Why there is no room for one more, if so, and none can be made."""
        if self.draining or lag_s > LAG_S_MAX:
            return Full.CONNECTIONS
        return self.limiter.obstacle(address, now=self._clock())

    def _turn_stream_away(self, address: str | None) -> str | None:
        """Refuse one more stream, if there is no room: why; None if there is."""
        obstacle = self._obstacle(address, self.lag_s)
        if obstacle is None:
            return None
        self.tally.met(obstacle.value, address if obstacle.is_of_address else None)
        return "draining" if self.draining else ADDRESS if obstacle.is_of_address else "full"

    def _make_room(self, newest: Connection) -> None:
        """Close the oldest connection without a token if there are too many of its kind."""
        oldest = self.limiter.surplus(newest)
        if oldest is not None:
            self._send_away(oldest, "unauthenticated", text="no token yet, and no room")

    def _send_away(self, connection: Connection | StreamSink, limit: str, *, text: str) -> None:
        self.tally.refused += 1
        self.tally.met(limit, connection.address)
        connection.session.reply(Bye("full", retry_ms()))
        connection.session.close(Reason.FULL, text)

    def _drop_surplus_closing(self) -> None:
        if (surplus := self.limiter.surplus_closing()) is not None:
            surplus.drop()

    # Keeping.

    async def _turn(self) -> None:
        while True:
            slept_at = self._clock()
            await asyncio.sleep(TICK_S)
            self.lag_s = self._clock() - slept_at - TICK_S
            loop = asyncio.get_running_loop()
            async for some in portions(self._deadlines.due(), AT_ONCE):
                for connection in some:
                    # By itself: what goes wrong with one must not stop the clock for all.
                    loop.call_soon(self._deadlines.wake, connection)
