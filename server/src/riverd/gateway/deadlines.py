"""When each WebSocket is looked at next: its token's end, its time for a token, its ping."""

import math
import time
from collections.abc import Container

from riverd.errors import Reason
from riverd.gateway.connection import Connection
from riverd.gateway.timer_wheel import Wheel


class Deadlines:
    """One timer for the deadlines of all `connections`."""

    def __init__(
        self,
        connections: Container[object],
        *,
        ping_interval_s: float,
        auth_timeout_s: float,
        tick_s: float,
    ) -> None:
        self._connections = connections
        self._ping_interval_s = ping_interval_s
        self._auth_timeout_s = auth_timeout_s
        self._clock = time.monotonic
        self._wheel: Wheel[Connection] = Wheel(tick_s=tick_s, clock=self._clock)

    def due(self) -> list[Connection]:
        """Those whose time has come since the last call: `wake` each."""
        return self._wheel.due()

    def forget(self, connection: Connection) -> None:
        """It has no deadlines any more."""
        self._wheel.discard(connection, connection.wake_tick)

    def schedule(self, connection: Connection) -> None:
        """Have it woken at its next deadline, unless it is woken before that anyway.

        The next ping is the furthest deadline: what is renewed meanwhile is looked at then.
        """
        at, other, claims = connection.ping_at, math.inf, connection.session.claims
        if claims is None:
            other = connection.auth_by
        elif claims.expires_at is not None:
            other = self._clock() + claims.expires_at + claims.leeway_s - time.time()
        at = min(at, other)
        if at < connection.wake_at:
            if connection.wake_at < math.inf:
                # This entry is kept no more: a closed connection is in one slot at most.
                self._wheel.discard(connection, connection.wake_tick)
            connection.wake_at = at
            connection.wake_tick = self._wheel.add(connection, at)

    def wake(self, connection: Connection) -> None:
        """Its deadline is over: close it, ping it, or find the next one."""
        session, now = connection.session, self._clock()
        if connection not in self._connections:
            return
        if now < connection.wake_at:
            # An earlier deadline came up since this one was set, and it was woken for that.
            return
        if session.claims is not None or now >= connection.auth_by:
            session.wake(time.time())
            # A guest is looked at again.
            connection.auth_by = now + self._auth_timeout_s
        if not session.closed and now >= connection.ping_at:
            self._ping(connection, now)
        if not session.closed:
            connection.wake_at = math.inf
            self.schedule(connection)

    def _ping(self, connection: Connection, now: float) -> None:
        if connection.active:
            connection.active = False
            connection.ping()
            # A pong that is still due would be taken for this one's.
            connection.pinged_at = connection.pinged_at or now
            connection.ping_at = now + self._ping_interval_s
        elif connection.session.blocked:
            connection.session.close(Reason.TOO_SLOW, "too slow to read")
        else:
            connection.session.close(Reason.SILENT, "no sign of life")
