"""A port on which a factory decides what becomes a WebSocket."""

from collections.abc import Callable

from riverd.http.refusal import HttpRefusal
from riverd.http.request import Request
from riverd.http.response import Answer, Response
from riverd.websocket.connection import WebSocket
from riverd.websocket.handshake import accept_key, upgrade_to

RIVER = ("Sec-WebSocket-Protocol", "river.v1")


class WebSocketSite:
    """Every path but those of other answers is a WebSocket that the factory makes."""

    def __init__(
        self, factory: Callable[[], WebSocket], others: dict[str, Response] | None = None
    ) -> None:
        self._factory = factory
        self._others = others or {}

    def admit(self, request: Request) -> Answer:
        """Find the path."""
        if request.path in self._others:
            return self._others[request.path]
        accept = accept_key(request)
        if isinstance(accept, Response):
            return accept
        asked = RIVER[1] in request.tokens(RIVER[0].lower())
        return upgrade_to(self._factory(), accept=accept, headers=(RIVER,) if asked else ())

    def refuse(self, refusal: HttpRefusal) -> Response:
        """Say why."""
        return Response(refusal.status, refusal.reason.encode())

    def failed(self, error: BaseException) -> None:
        """There are no faults."""
        raise error
