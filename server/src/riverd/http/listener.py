"""A port that speaks HTTP/1.1."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from riverd.http.connection import HttpConnection
from riverd.http.handler import Handler
from riverd.http.limits import HttpLimits
from riverd.http.pool import ConnectionPool

# Many clients come back at once after a fault; the kernel cuts this to its own limit.
_BACKLOG = 4_096


class HttpListener:
    """An open port, the pool of its connections, and the one timer of all their deadlines."""

    def __init__(
        self,
        handler: Handler,
        limits: HttpLimits,
        *,
        tick_s: float = 0.5,
        room: Callable[[], int] = int,
    ) -> None:
        self.pool = ConnectionPool(handler, limits, tick_s=tick_s, room=room)
        self._timer: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None

    async def start(self, sock: socket.socket, ssl_context: ssl.SSLContext | None = None) -> None:
        """Take connections from a bound socket."""
        loop, pool = asyncio.get_running_loop(), self.pool
        self._server = await loop.create_server(
            lambda: HttpConnection(pool),
            sock=sock,
            ssl=ssl_context,
            backlog=_BACKLOG,
            ssl_handshake_timeout=pool.limits.head_s if ssl_context is not None else None,
        )
        self._timer = loop.call_later(pool.tick_s, self._turn)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None, "it was started"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def stop_accepting(self) -> None:
        """Close the port: the kernel refuses connections from now on.

        Those that were accepted before stay; each gets one answer more, which is its last.
        """
        self.pool.stop_accepting()
        if self._server is not None:
            self._server.close()

    def close(self) -> None:
        """Take no more connections. Those that wait end now, the others after their answer."""
        self.stop_accepting()
        self.pool.close()

    async def end(self, grace_s: float = 0.0) -> None:
        """Close, give answers that are under way so much time, and end what is left."""
        self.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while len(self.pool):
                    self.pool.empty.clear()
                    await self.pool.empty.wait()
        self.pool.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def _turn(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.pool.tick_s, self._turn)
        self.pool.turn()
