"""The API as an ASGI application: a thin layer between a server and the handlers."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from riverd.api.admission import Admitted, admit, answer, refuse
from riverd.api.context import Api
from riverd.api.exchange import HEADERS, JSON, Request, Response
from riverd.api.patience import within
from riverd.errors import ErrorCode, RiverError

Scope = Mapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_JSON_HEADER = (b"content-type", JSON.encode())

_LOOKED_AT = {name.encode(): name for name in HEADERS}


class _Gone(Exception):  # noqa: N818  it is what happened
    """The client went away before its request was whole."""


def create_app(api: Api) -> Application:
    """The application for a server: HTTP and nothing else."""
    return _Everything(api)


class _Everything:
    """All paths: which one is meant is decided by our own table, as for every other adapter."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # An application without a lifespan says so by raising (specification, "Lifespan").
            raise NotImplementedError(f"no {scope['type']}: HTTP only")
        request = _request(scope)
        admitted = admit(self._api, request)
        try:
            if isinstance(admitted, Response):
                response = admitted
            elif admitted.route.keyless:
                response = await answer(self._api, admitted, b"")
            else:
                response = await self._in_turn(admitted, receive)
        except _Gone:
            return
        await _send(send, response, head_only=request.method == "HEAD")

    async def _in_turn(self, admitted: Admitted, receive: Receive) -> Response:
        """The answer, unless too many others are waited for: so what they hold is bounded."""
        if self._under_way >= self._api.requests_max:
            many = f"{self._under_way} requests are under way"
            return refuse(self._api, admitted, RiverError(ErrorCode.TOO_FAST, many))
        self._under_way += 1
        try:
            body = await self._body(receive, admitted) if admitted.body_bytes_max else b""
            return await answer(self._api, admitted, body)
        except TimeoutError:
            late = f"the body did not arrive within {self._api.body_s_max:g} s"
            return refuse(self._api, admitted, RiverError(ErrorCode.NOT_JSON, late))
        finally:
            self._under_way -= 1

    async def _body(self, receive: Receive, admitted: Admitted) -> bytes:
        """What arrives, until it is all there or already too large.

        Raises:
            _Gone: the client went away meanwhile.
            TimeoutError: it is not all there in time.
        """
        return await within(self._api.body_s_max, _arriving(receive, admitted.body_bytes_max))


async def _arriving(receive: Receive, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > bytes_max or not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _request(scope: Scope) -> Request:
    headers: dict[str, str] = {
        _LOOKED_AT[name]: value.decode("latin-1")
        for name, value in scope["headers"]
        if name in _LOOKED_AT
    }
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return Request(scope["method"], path.decode("latin-1"), query.decode("latin-1"), headers)


async def _send(send: Send, response: Response, *, head_only: bool) -> None:
    headers = [
        _JSON_HEADER
        if response.content_type is JSON
        else (b"content-type", response.content_type.encode("latin-1")),
        (b"content-length", b"%d" % len(response.body)),
        *((name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head_only else response.body})
