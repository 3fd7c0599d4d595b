"""What answers requests: the interface between a connection and what lies above it."""

from collections.abc import Coroutine
from typing import Protocol

from riverd.http.refusal import HttpRefusal
from riverd.http.request import Request
from riverd.http.response import Answer, Response


class Pending(Protocol):
    """A request that was admitted by its head: its body is read, then it is answered."""

    @property
    def body_bytes_max(self) -> int:
        """How large the body may be."""
        ...

    @property
    def is_limited(self) -> bool:
        """Whether it counts among the requests of which so many may be under way."""
        ...

    @property
    def answer_s_max(self) -> float | None:
        """How long the answer may take; None: as long as others on its port."""
        ...

    def answer(self, body: bytes) -> Coroutine[object, None, Answer]:
        """The answer to the whole request.

        Its first step, up to the first wait, is made at once and outside of any task: there is no
        `asyncio.timeout` before it (the connection has a deadline for the whole).
        """
        ...

    def refuse(self, refusal: HttpRefusal) -> Response:
        """The answer to the request, of which the connection found that it goes no further."""
        ...


class Handler(Protocol):
    """Everything that is answered on a port."""

    def admit(self, request: Request) -> Answer | Pending:
        """Judge a request by its head: its answer already, or what waits for its body.

        Called once for each head, in their order. A request has the header `upgrade` only if it
        asks for a WebSocket, with all that this needs: GET, `connection: upgrade`, no body.
        """
        ...

    def refuse(self, refusal: HttpRefusal) -> Response:
        """The answer to what was not even a request."""
        ...

    def failed(self, error: BaseException) -> None:
        """Log an error that nobody expected; its request is answered 500."""
        ...
