"""From a request to its answer, in two steps: what its head allows, then what its body asks."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from riverd.api import requests as bodies
from riverd.api.context import Api, Call
from riverd.api.exchange import JSON, Request, Response
from riverd.api.patience import within
from riverd.api.responses import Error, ErrorAnswer
from riverd.api.route import Route
from riverd.api.router import Router
from riverd.api.routes import ROUTES
from riverd.errors import BrokerError, ErrorCode, OutcomeUnknownError, RiverError
from riverd.model import Claims

QUERY_PARAMETERS_MAX = 32
ECHO_LENGTH_MAX = 64
LENGTH_DIGITS_MAX = 18

_RETRY = ("retry-after", "1")
_EXTRA: Mapping[int, tuple[tuple[str, str], ...]] = {
    401: (("www-authenticate", "Bearer"),),
    429: (_RETRY,),
    503: (_RETRY,),
    504: (_RETRY,),
}
_encode = msgspec.json.Encoder().encode
_router = Router(ROUTES)


class Admitted(msgspec.Struct, frozen=True):
    """A request that may send its body, of this size at most; 0 when there is none to read."""

    route: Route
    path: Mapping[str, str]
    query: Mapping[str, str]
    body_bytes_max: int
    claims: Claims | None = None


def admit(api: Api, request: Request) -> Admitted | Response:
    """Judge a request by its head: an answer already if it goes no further.

    Nobody without a key has a body read.
    """
    try:
        found = _router.find(request.path)
        if found is None:
            raise RiverError(ErrorCode.NOT_FOUND, "there is nothing at this path")
        methods, parameters = found
        route = methods.get("GET" if request.method == "HEAD" else request.method)
    except RiverError as error:
        return refusal(error)
    if route is None:
        return _wrong_method(methods)
    try:
        query = _query(request.query) if request.query else {}
        body_bytes_max = _checked(api, route, request)
    except RiverError as error:
        return _counted(api, route, error)
    return Admitted(route, _named(parameters, query), query, body_bytes_max, request.claims)


async def answer(api: Api, admitted: Admitted, body: bytes) -> Response:
    """The answer to an admitted request.

    A body longer than was admitted is refused: so its reader may stop after the first byte too
    many.
    """
    route = admitted.route
    try:
        if len(body) > admitted.body_bytes_max:
            raise _too_large(admitted.body_bytes_max)
        call = Call(admitted.path, admitted.query, bodies.check_text(body), admitted.claims)
        given = await within(api.answer_s_max, route.handler(api, call))
    except RiverError as error:
        return _counted(api, route, error)
    except TimeoutError:
        return _counted(api, route, _unanswered(route, api.answer_s_max))
    except Exception as error:  # noqa: BLE001  one request's fault must not become all others'
        api.failed(error)
        return _counted(api, route, RiverError(ErrorCode.INTERNAL, "our fault; it was logged"))
    if isinstance(given, Response):
        return given
    return Response(200, _encode(given))


async def respond(api: Api, request: Request, body: bytes) -> Response:
    """The answer to a request whose body is already here."""
    admitted = admit(api, request)
    if isinstance(admitted, Response):
        return admitted
    return await answer(api, admitted, body if admitted.body_bytes_max else b"")


def refuse(api: Api, admitted: Admitted, error: RiverError) -> Response:
    """The answer to an admitted request whose body did not come as it should."""
    return _counted(api, admitted.route, error)


def refusal(error: RiverError) -> Response:
    """An error as an answer."""
    told = ErrorAnswer(Error(error.error.code, error.message))
    status = error.error.status
    return Response(status, _encode(told), headers=_EXTRA.get(status, ()))


def _counted(api: Api, route: Route, error: RiverError) -> Response:
    if route.publishes:
        api.counts.refused(error.error.code)
    return refusal(error)


def _wrong_method(methods: Mapping[str, Route]) -> Response:
    allowed = ", ".join([*methods, "HEAD"] if "GET" in methods else methods)
    response = refusal(RiverError(ErrorCode.METHOD_NOT_ALLOWED, f"this path takes {allowed}"))
    return msgspec.structs.replace(response, headers=(("allow", allowed),))


def _wrong_key(headers: Mapping[str, str]) -> RiverError:
    if headers.get("x-api-key") or headers.get("authorization"):
        told = "the key is none of this API's RIVER_API_KEYS"
    else:
        told = "send an API key in x-api-key or Authorization: Bearer"
    return RiverError(ErrorCode.API_KEY_INVALID, told)


def _checked(api: Api, route: Route, request: Request) -> int:
    """How large a body the request may send."""
    headers = request.headers
    if request.claims is not None and not route.publishes and not route.keyless:
        raise RiverError(ErrorCode.FORBIDDEN, "a token allows to publish, and nothing else here")
    if request.claims is None and not route.keyless and not api.keys.fit(headers):
        raise _wrong_key(headers)
    if route.takes is None:
        return 0
    _check_content(headers)
    allowed = api.batch_bytes_max if route.large else api.single_bytes_max
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > LENGTH_DIGITS_MAX or int(length) > allowed:
        raise _too_large(allowed)
    return allowed


def _check_content(headers: Mapping[str, str]) -> None:
    # A client that says nothing of its body's type says nothing wrong: the body is looked at.
    content_type = headers.get("content-type", JSON)
    kind, _, parameters = content_type.partition(";")
    charset = parameters.partition("charset=")[2].strip(' "').lower()
    if kind.strip().lower() != JSON or charset not in ("", "utf-8", "utf8"):
        shown = content_type[:ECHO_LENGTH_MAX]
        raise RiverError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            f"send JSON in UTF-8 with the header `content-type: {JSON}`, not {shown!r}",
        )
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise RiverError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE, "send the body as it is, without content-encoding"
        )


def _named(path: Mapping[str, str], query: Mapping[str, str]) -> Mapping[str, str]:
    """A path's parameters; where one is `-`, a parameter of the query with its name stands for it.

    Proxies decode `%2F` and resolve `..` in paths: names of any form can come in the query.
    """
    if "-" not in path.values():
        return path
    return {name: query.get(name, value) if value == "-" else value for name, value in path.items()}


def _query(text: str) -> dict[str, str]:
    """A query's parameters; empty ones are as if absent, of repeated ones the last counts."""
    try:
        return dict(parse_qsl(text, max_num_fields=QUERY_PARAMETERS_MAX, errors="strict"))
    except ValueError:
        raise RiverError(
            ErrorCode.INVALID_FIELD,
            f"the query is not UTF-8 or has more than {QUERY_PARAMETERS_MAX} parameters",
        ) from None


def _too_large(allowed: int) -> RiverError:
    return RiverError(ErrorCode.TOO_LARGE, f"the body is larger than {allowed} bytes")


def _unanswered(route: Route, seconds: float) -> RiverError:
    if not route.publishes:
        return BrokerError(f"the broker did not answer within {seconds:g} s")
    return OutcomeUnknownError(
        f"the broker did not answer within {seconds:g} s: it may have accepted this, or may do so "
        "later. The same id sent again settles it"
    )
