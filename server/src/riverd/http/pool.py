"""The connections of one port: how many there may be, and how long each may wait."""

import asyncio
import logging
import math
from collections.abc import Callable
from email.utils import formatdate
from typing import Protocol

from riverd.http.handler import Handler
from riverd.http.limits import HttpLimits
from riverd.http.request import Request

_REFUSED_MAX = 256
"""So many connections beyond the limit are answered 503; more are dropped."""

_log = logging.getLogger(__name__)


class PooledConnection(Protocol):
    """What a pool asks of a connection."""

    @property
    def due(self) -> float:
        """The tick of the pool at which `expire` is called."""
        ...

    def expire(self) -> None:
        """What was waited for did not come in time."""
        ...

    def shut_down(self) -> None:
        """The port closes: answers that are under way are the last."""
        ...

    def abort(self) -> None:
        """Away with it, at once."""
        ...

    def cancel(self) -> None:
        """Away with it, and with the work for it."""
        ...


class ConnectionPool:
    """The connections of one port, without those that speak another protocol by now.

    Deadlines are numbers of ticks, and each tick looks at every connection.

    `room` may give more connections than the limits, for as long as there is room for them.

    Attributes:
        waiting: Connections that owe nobody an answer; the one that waits longest comes first.
        is_busy: As many requests as may be are waited for; see `HttpLimits.requests_max`.
        refused: Connections that were one too many.
        streaming: Connections whose answer is a stream.
        is_closing: Each answer is the last on its connection.
        is_ending: Nobody waits for the client's end of a connection.
        tick: How often `turn` was called.
        phase_ticks: How long a connection may be in each phase.
        head_endings: The last fields of a head: if the connection ends, and if it stays.
        heads: See `Reader`.
        empty: Set when the last connection of a port that closes has ended.
    """

    def __init__(
        self,
        handler: Handler,
        limits: HttpLimits,
        *,
        tick_s: float = 0.5,
        room: Callable[[], int] = int,
    ) -> None:
        self.handler = handler
        self.limits = limits
        self._room = room
        self.waiting: dict[PooledConnection, None] = {}
        self.is_busy = False
        self.refused = 0
        self.streaming = 0
        self.is_closing = False
        self.is_ending = False
        self.tick = 0
        self.tick_s = tick_s
        # Never too early: the tick that is under way does not count.
        waits_s = (limits.idle_s, limits.head_s, limits.body_s, math.inf, limits.linger_s)
        self.phase_ticks = [seconds // tick_s + 1 for seconds in waits_s]
        self.stalled_ticks = limits.stalled_s // tick_s + 1
        self.head_endings = (b"", b"")
        self.heads: dict[bytes, Request] = {}
        self.empty = asyncio.Event()
        self._connections: set[PooledConnection] = set()
        self._under_way = 0
        self._set_date()

    def __len__(self) -> int:
        return len(self._connections)

    # For connections.

    def opened(self, connection: PooledConnection) -> bool:
        """There is one more; False if it is one too many: it may only be answered that."""
        count = len(self._connections)
        if not self.limits.counts_streams:
            count -= self.streaming
        self._connections.add(connection)
        self.waiting[connection] = None
        if count < self.limits.connections_max or count < self._room():
            return True
        # Honest clients wait for little: a client that fills all of them does not keep them out.
        longest = next(iter(self.waiting))
        if longest is not connection:
            longest.abort()
            return True
        self._refuse(connection, count)
        return False

    def closed(self, connection: PooledConnection) -> None:
        """It is gone, or speaks another protocol."""
        self._connections.discard(connection)
        self.waiting.pop(connection, None)
        if self.is_closing and not self._connections:
            self.empty.set()

    def count(self, change: int) -> None:
        """So many requests more are waited for, or fewer."""
        self._under_way += change
        self.is_busy = self._under_way >= self.limits.requests_max

    # For the listener.

    def turn(self) -> None:
        """A tick is over."""
        self.tick += 1
        self._set_date()
        for connection in list(self._connections):
            if connection.due <= self.tick:
                connection.expire()

    def stop_accepting(self) -> None:
        """Each connection gets one answer more, which is its last."""
        self.is_closing = True
        self._set_date()

    def close(self) -> None:
        """Connections that wait end now, the others after their answer."""
        self.is_ending = True
        for connection in list(self.waiting):
            connection.shut_down()

    def cancel(self) -> None:
        """End what is left."""
        for connection in list(self._connections):
            connection.cancel()

    def _refuse(self, connection: PooledConnection, count: int) -> None:
        self.refused += 1
        if self.refused == 1:
            _log.warning("%d connections wait for answers: more are refused", count)
        if count >= max(self.limits.connections_max, self._room()) + _REFUSED_MAX:
            connection.abort()

    def _set_date(self) -> None:
        date = formatdate(usegmt=True)
        stay = f"connection: keep-alive\r\nkeep-alive: timeout={self.limits.idle_s:.0f}"
        end = "connection: close"
        endings = (end, end if self.is_closing else stay)
        first, second = [f"date: {date}\r\n{field}\r\n\r\n".encode() for field in endings]
        self.head_endings = (first, second)
