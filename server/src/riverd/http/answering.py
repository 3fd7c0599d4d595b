"""The half of a connection that answers: whole answers, handlers that have to wait, streams."""

import asyncio
import enum
from abc import abstractmethod

from riverd.http import refusal
from riverd.http.body_writer import BodyWriter
from riverd.http.half_done import HalfDone
from riverd.http.handler import Pending
from riverd.http.pool import ConnectionPool
from riverd.http.request import Request
from riverd.http.response import (
    Answer,
    Response,
    StreamedResponse,
    encode_head,
    encode_stream_head,
)

_JOINED_BYTES_MAX = 65_536
"""Up to here a body is sent in one write with its head."""


class ConnectionPhase(enum.IntEnum):
    """What a connection waits for."""

    IDLE = 0
    HEAD = 1
    BODY = 2
    ANSWERING = 3
    ENDING = 4


# An enumeration's members are slow to look up.
_ANSWERING = ConnectionPhase.ANSWERING


class Answering(asyncio.Protocol):
    """Answers the request whose head was read last, one at a time."""

    __slots__ = (
        "_is_counted",
        "_keep_alive",
        "_pool",
        "_request",
        "_response",
        "_task",
        "_transport",
        "_writer",
    )

    _transport: asyncio.Transport

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._request: Request | None = None
        self._response: Answer | None = None
        self._keep_alive = True
        self._is_counted = False
        self._task: asyncio.Task[None] | None = None
        self._writer: BodyWriter | None = None

    @abstractmethod
    def _enter(self, phase: ConnectionPhase) -> None:
        """Begin to wait for something else."""

    @abstractmethod
    def _answered(self) -> None:
        """The answer was written, in the turn in which it was begun or later."""

    @abstractmethod
    def _go_on(self) -> None:
        """An answer that others had to wait for was written: now what came meanwhile."""

    def _respond(self, answer: Answer | None = None) -> None:
        """Send an answer: this one, or that which was known since the head was judged."""
        if answer is None:
            answer = self._response
        self._response = None
        if type(answer) is Response:
            self._write(answer)
            self._answered()
        elif isinstance(answer, StreamedResponse):
            self._stream(answer)
        else:
            error = TypeError("only a request with an offer can be answered with an upgrade")
            self._pool.handler.failed(error)
            self._respond(self._pool.handler.refuse(refusal.FAILED))

    def _work(self, pending: Pending, body: bytes) -> None:
        """Have a handler work. As long as it waits for nothing, there is no task."""
        pool = self._pool
        answer: Answer
        if pool.is_busy and pending.is_limited and not self._is_counted:
            answer = pending.refuse(refusal.BUSY)
        else:
            work = pending.answer(body)
            try:
                first = work.send(None)
            except StopIteration as done:
                answer = done.value
            except Exception as error:  # noqa: BLE001  as above
                pool.handler.failed(error)
                answer = pending.refuse(refusal.FAILED)
            else:
                self._count_pending(pending)
                self._enter(_ANSWERING)
                self._task = asyncio.get_running_loop().create_task(
                    self._finish(pending, HalfDone(work, first))
                )
                return
        if self._is_counted:
            self._release()
        self._respond(answer)

    async def _finish(self, pending: Pending, work: HalfDone[Answer]) -> None:
        """Wait for the rest of a handler's work, answer, and go on with what came meanwhile."""
        pool = self._pool
        try:
            async with asyncio.timeout(pending.answer_s_max or pool.limits.answer_s):
                answer = await work
        except TimeoutError:
            answer = pending.refuse(refusal.ANSWER_LATE)
        except Exception as error:  # noqa: BLE001  as above
            pool.handler.failed(error)
            answer = pending.refuse(refusal.FAILED)
        finally:
            self._task = None
            self._release()
        if not self._transport.is_closing():
            self._respond(answer)
            self._go_on()

    def _stream(self, response: StreamedResponse) -> None:
        request = self._request
        assert request is not None, "it is answered"
        chunked = request.version == "1.1"
        self._keep_alive = self._keep_alive and chunked and not self._pool.is_closing
        ending = self._pool.head_endings[self._keep_alive]
        if chunked:
            ending = b"transfer-encoding: chunked\r\n" + ending
        self._transport.write(encode_stream_head(response, ending))
        if request.method == "HEAD":
            self._answered()
            return
        self._enter(_ANSWERING)
        self._pool.streaming += 1
        self._writer = BodyWriter(self._transport, self._streamed, chunked=chunked)
        try:
            response.start(self._writer)
        except Exception as error:  # noqa: BLE001  as above
            self._pool.handler.failed(error)
            self._transport.abort()

    def _streamed(self) -> None:
        """A streamed body is complete."""
        self._end_stream()
        if not self._transport.is_closing():
            self._answered()
            self._go_on()

    def _end_stream(self) -> None:
        if self._writer is not None:
            self._writer = None
            self._pool.streaming -= 1

    def _write(self, response: Response) -> None:
        pool, transport = self._pool, self._transport
        if pool.is_closing:
            self._keep_alive = False
        head, body = encode_head(response, pool.head_endings[self._keep_alive]), response.body
        if self._request is not None and self._request.method == "HEAD":
            transport.write(head)
        elif len(body) < _JOINED_BYTES_MAX:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)

    def _count_pending(self, pending: Pending) -> bool:
        """Count a request that is waited for; False if there are too many of them."""
        if pending.is_limited and not self._is_counted:
            if self._pool.is_busy:
                return False
            self._is_counted = True
            self._pool.count(1)
        return True

    def _release(self) -> None:
        if self._is_counted:
            self._is_counted = False
            self._pool.count(-1)
