"""The body of a streamed answer: written bit by bit, as fast as the client takes it."""

import asyncio
from collections.abc import Callable
from functools import lru_cache

CHUNKS_KEPT = 16


class BodyWriter:
    """What writes one streamed body.

    Synchronous owners set `changed` and look at `is_blocked` and `is_gone` when it is called;
    tasks await `drain`. What is written to a client that is gone is dropped.

    Attributes:
        is_blocked: So much waits to be sent that the writer should wait too.
        is_gone: The client ended or reset the connection, or the body was ended.
        changed: Called whenever one of the two has changed, but not by `end`.
    """

    __slots__ = ("_chunked", "_ended", "_transport", "_waiter", "changed", "is_blocked", "is_gone")

    def __init__(
        self, transport: asyncio.Transport, ended: Callable[[], None], *, chunked: bool
    ) -> None:
        self._transport = transport
        self._ended = ended
        self._chunked = chunked
        self._waiter: asyncio.Future[None] | None = None
        self.is_blocked = False
        self.is_gone = False
        self.changed: Callable[[], None] | None = None

    def write(self, data: bytes) -> None:
        """Send some bytes, or keep them until they can be sent."""
        if data and not self.is_gone:
            self._transport.write(_chunk(data) if self._chunked else data)

    def write_shared(self, data: bytes) -> None:
        """The same for bytes that many streams are sent: their chunk is made once."""
        if data and not self.is_gone:
            self._transport.write(_shared_chunk(data) if self._chunked else data)

    async def drain(self) -> bool:
        """Wait until the client has taken enough for more to be written; False if it is gone.

        One task at a time.
        """
        if self.is_blocked and not self.is_gone:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return not self.is_gone

    def end(self) -> None:
        """The body is complete. The connection goes on to the next request, or is closed."""
        if not self.is_gone:
            self.is_gone = True
            if self._chunked:
                self._transport.write(b"0\r\n\r\n")
            self._wake()
            self._ended()

    # For the connection.

    def set_blocked(self, *, blocked: bool) -> None:
        """The transport says that too much waits, or that it is little again."""
        self.is_blocked = blocked
        if not blocked:
            self._wake()
        self._notify()

    def set_gone(self) -> None:
        """Nothing more reaches the client."""
        if not self.is_gone:
            self.is_gone = True
            self._wake()
            self._notify()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _notify(self) -> None:
        if self.changed is not None:
            self.changed()


def _chunk(data: bytes) -> bytes:
    """A chunk (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


_shared_chunk = lru_cache(maxsize=CHUNKS_KEPT)(_chunk)
