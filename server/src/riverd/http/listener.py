"""A port that speaks HTTP/1.1: takes connections in, bounds their number, keeps their deadlines."""

import asyncio
import logging
import math
import socket
import ssl
from contextlib import suppress
from email.utils import formatdate

from riverd.http.connection import HttpConnection
from riverd.http.handler import Handler
from riverd.http.limits import HttpLimits
from riverd.http.request import Request

# Many clients come back at once after a fault; the kernel cuts this to its own limit.
_BACKLOG = 4_096
_REFUSED_MAX = 256
"""So many connections beyond the limit are answered 503; more are dropped."""

_log = logging.getLogger(__name__)


class HttpListener:
    """An open port and its connections, without those that speak another protocol by now.

    One timer serves all deadlines: they are numbers of ticks, and each tick looks at every
    connection.

    Attributes:
        waiting: Connections that owe nobody an answer; the one that waits longest comes first.
        is_busy: As many requests as may be are waited for; see `HttpLimits.requests_max`.
        refused: Connections that were one too many.
        streaming: Connections whose answer is a stream.
        is_closing: Each answer is the last on its connection.
        is_ending: Nobody waits for the client's end of a connection.
        tick: How often the timer went off.
        phase_ticks: How long a connection may be in each phase.
        head_endings: The last fields of a head: if the connection ends, and if it stays.
        heads: See `Reader`.
    """

    def __init__(self, handler: Handler, limits: HttpLimits, *, tick_s: float = 0.5) -> None:
        self.handler = handler
        self.limits = limits
        self.waiting: dict[HttpConnection, None] = {}
        self.is_busy = False
        self.refused = 0
        self.streaming = 0
        self.is_closing = False
        self.is_ending = False
        self.tick = 0
        # Never too early: the tick that is under way does not count.
        waits_s = (limits.idle_s, limits.head_s, limits.body_s, math.inf, limits.linger_s)
        self.phase_ticks = [seconds // tick_s + 1 for seconds in waits_s]
        self.stalled_ticks = limits.stalled_s // tick_s + 1
        self.head_endings = (b"", b"")
        self.heads: dict[bytes, Request] = {}
        self._connections: set[HttpConnection] = set()
        self._under_way = 0
        self._tick_s = tick_s
        self._timer: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None
        self._empty = asyncio.Event()
        self._set_date()

    async def start(self, sock: socket.socket, ssl_context: ssl.SSLContext | None = None) -> None:
        """Take connections from a bound socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: HttpConnection(self),
            sock=sock,
            ssl=ssl_context,
            backlog=_BACKLOG,
            ssl_handshake_timeout=self.limits.head_s if ssl_context is not None else None,
        )
        self._timer = loop.call_later(self._tick_s, self._turn)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None, "it was started"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def count_of_connections(self) -> int:
        """How many there are."""
        return len(self._connections)

    def stop_accepting(self) -> None:
        """Close the port: the kernel refuses connections from now on.

        Those that were accepted before stay; each gets one answer more, which is its last.
        """
        self.is_closing = True
        self._set_date()
        if self._server is not None:
            self._server.close()

    def close(self) -> None:
        """Take no more connections. Those that wait end now, the others after their answer."""
        self.stop_accepting()
        self.is_ending = True
        for connection in list(self.waiting):
            connection.shut_down()

    async def end(self, grace_s: float = 0.0) -> None:
        """Close, give answers that are under way so much time, and end what is left."""
        self.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while self._connections:
                    self._empty.clear()
                    await self._empty.wait()
        for connection in list(self._connections):
            connection.cancel()
        if self._timer is not None:
            self._timer.cancel()

    # For connections.

    def opened(self, connection: HttpConnection) -> bool:
        """There is one more; False if it is one too many: it may only be answered that."""
        count = len(self._connections)
        if not self.limits.counts_streams:
            count -= self.streaming
        self._connections.add(connection)
        self.waiting[connection] = None
        if count < self.limits.connections_max:
            return True
        # Honest clients wait for little: a client that fills all of them does not keep them out.
        longest = next(iter(self.waiting))
        if longest is not connection:
            longest.abort()
            return True
        self._refuse(connection, count)
        return False

    def closed(self, connection: HttpConnection) -> None:
        """It is gone, or speaks another protocol."""
        self._connections.discard(connection)
        self.waiting.pop(connection, None)
        if self.is_closing and not self._connections:
            self._empty.set()

    def count(self, change: int) -> None:
        """So many requests more are waited for, or fewer."""
        self._under_way += change
        self.is_busy = self._under_way >= self.limits.requests_max

    def _refuse(self, connection: HttpConnection, count: int) -> None:
        self.refused += 1
        if self.refused == 1:
            _log.warning("%d connections wait for answers: more are refused", count)
        if count >= self.limits.connections_max + _REFUSED_MAX:
            connection.abort()

    def _turn(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._tick_s, self._turn)
        self.tick += 1
        self._set_date()
        for connection in list(self._connections):
            if connection.due <= self.tick:
                connection.expire()

    def _set_date(self) -> None:
        date = formatdate(usegmt=True)
        stay = f"connection: keep-alive\r\nkeep-alive: timeout={self.limits.idle_s:.0f}"
        end = "connection: close"
        endings = (end, end if self.is_closing else stay)
        first, second = [f"date: {date}\r\n{field}\r\n\r\n".encode() for field in endings]
        self.head_endings = (first, second)
