"""The API as an ASGI application: a thin layer between a server and the handlers."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from riverd.api.answer import Admitted, admit, answer, refuse
from riverd.api.exchange import Request, Response
from riverd.api.handlers import Api
from riverd.errors import ErrorCode, RiverError


def create_app(api: Api) -> Starlette:
    """The application for a server."""
    return Starlette(routes=[_Everything(api)])


class _Everything(BaseRoute):
    """All paths: which one is meant is decided by our own table, as for every other adapter.

    Starlette's own routes would match after decoding, where a `%2F` has become a slash.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._under_way = 0

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _request(scope)
        admitted = admit(self._api, request)
        try:
            if isinstance(admitted, Response):
                response = admitted
            elif admitted.route.keyless:
                response = await answer(self._api, admitted, b"")
            else:
                response = await self._in_turn(admitted, receive)
        except ClientDisconnect:
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
            ClientDisconnect: the client went away meanwhile.
            TimeoutError: it is not all there in time.
        """
        body = bytearray()
        async with asyncio.timeout(self._api.body_s_max):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                body += message.get("body", b"")
                if len(body) > admitted.body_bytes_max or not message.get("more_body", False):
                    return bytes(body)


def _request(scope: Scope) -> Request:
    headers: dict[str, str] = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
    }
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return Request(scope["method"], path.decode("latin-1"), query.decode("latin-1"), headers)


async def _send(send: Send, response: Response, *, head_only: bool) -> None:
    headers = [
        (b"content-type", response.content_type.encode("latin-1")),
        (b"content-length", b"%d" % len(response.body)),
        *((name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head_only else response.body})
