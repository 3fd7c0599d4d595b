"""From a request to its answer, in two steps: what its head allows, then what its body asks."""

import asyncio
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

import msgspec

from riverd.api import requests as bodies
from riverd.api.context import Api, Call
from riverd.api.pusher.admission import AdmittedAppRequest, admit_app_request
from riverd.api.route import Route, name_in
from riverd.api.router import Router
from riverd.api.routes import ROUTES
from riverd.errors import BrokerError, ErrorCode, OutcomeUnknownError, RiverError, for_client
from riverd.http import refusal as refusals
from riverd.http.json_errors import code_of, refused, response_to, wrong_method
from riverd.http.refusal import HttpRefusal
from riverd.http.request import Request
from riverd.http.response import JSON, Response
from riverd.http.unknown_field import unknown_field
from riverd.model.claims import Claims

QUERY_PARAMETERS_MAX = 32
ECHO_LENGTH_MAX = 64
LENGTH_DIGITS_MAX = 18
UNWANTED_BYTES_MAX = 65_536
"""Some clients send a body where none is asked for: it is read and ignored up to here."""

_encode = msgspec.json.Encoder().encode
_router = Router(ROUTES)


class Admitted(msgspec.Struct, frozen=True):
    """A request that may send its body, of this size at most."""

    api: Api
    route: Route
    path: Mapping[str, str]
    query: Mapping[str, str]
    body_bytes_max: int
    claims: Claims | None = None
    reads_only: bool = False

    @property
    def is_limited(self) -> bool:
        """Whether it counts among the requests that may be under way: health is always answered."""
        return not self.route.keyless

    @property
    def answer_s_max(self) -> float:
        """How long the answer may take."""
        return self.api.list_s_max if self.route.lists else self.api.answer_s_max

    @property
    def takes_body(self) -> bool:
        """Whether its body is more than something to read and throw away."""
        return self.route.takes is not None

    async def answer(self, body: bytes) -> Response:
        """The answer. The caller keeps to `answer_s_max`."""
        api, route = self.api, self.route
        try:
            wanted = bodies.check_text(body) if route.takes is not None else b""
            call = Call(self.path, self.query, wanted, self.claims, self.reads_only)
            given = await route.handler(api, call)
        except RiverError as error:
            return _counted(api, route, error if self.claims is None else for_client(error))
        except Exception as error:  # noqa: BLE001  one request's fault must not become all others'
            api.failed(error)
            return _counted(api, route, RiverError(ErrorCode.INTERNAL, refusals.FAILED.reason))
        if isinstance(given, Response):
            return given
        return Response(200, _encode(given), JSON)

    def refuse(self, refusal: HttpRefusal) -> Response:
        """The answer, of which the connection found that it goes no further."""
        if refusal is refusals.ANSWER_LATE:
            return _counted(self.api, self.route, _unanswered(self.route, self.answer_s_max))
        if self.route.publishes:
            self.api.counts.refused(code_of(refusal).code)
        return refused(refusal)


def admit(
    api: Api, request: Request, *, claims: Claims | None = None
) -> Admitted | AdmittedAppRequest | Response:
    """Judge a request by its head: an answer already if it goes no further.

    Nobody without a key has a body read. `claims` are those of a token that somebody before us has
    verified: they stand for a key, and allow to publish what the token grants.
    """
    for_app = admit_app_request(api, request) if claims is None else None
    if for_app is not None:
        return for_app
    try:
        found = _router.find(request.path)
        if found is None:
            raise RiverError(ErrorCode.NOT_FOUND, "there is nothing at this path")
        methods, parameters = found
        route = methods.get("GET" if request.method == "HEAD" else request.method)
    except RiverError as error:
        return response_to(error)
    if route is None:
        return wrong_method(", ".join([*methods, "HEAD"] if "GET" in methods else methods))
    try:
        body_bytes_max = _authorised(api, route, request=request, claims=claims)
        query = _query(request.query, route=route) if request.query else {}
        named = _named(parameters, query)
    except RiverError as error:
        return _counted(api, route, error)
    reads_only = route.shows_access and not api.keys.fit(request.headers)
    return Admitted(api, route, named, query, body_bytes_max, claims, reads_only)


async def respond(
    api: Api, request: Request, body: bytes, *, claims: Claims | None = None
) -> Response:
    """The answer to a request whose body is already here."""
    admitted = admit(api, request, claims=claims)
    if isinstance(admitted, Response):
        return admitted
    if admitted.takes_body and len(body) > admitted.body_bytes_max:
        return admitted.refuse(refusals.BODY_TOO_LARGE)
    try:
        async with asyncio.timeout(admitted.answer_s_max):
            return await admitted.answer(body)
    except TimeoutError:
        return admitted.refuse(refusals.ANSWER_LATE)


def _counted(api: Api, route: Route, error: RiverError) -> Response:
    if route.publishes:
        api.counts.refused(error.error.code)
    return response_to(error)


def _wrong_key(headers: Mapping[str, str]) -> RiverError:
    if headers.get("x-api-key") or headers.get("authorization"):
        reason = "the key is none of this API's RIVER_API_KEYS"
    else:
        reason = "send an API key in x-api-key or Authorization: Bearer"
    return RiverError(ErrorCode.API_KEY_INVALID, reason)


def _authorised(api: Api, route: Route, *, request: Request, claims: Claims | None) -> int:
    """How large a body the request may send.

    Raises:
        RiverError: it may not be made.
    """
    headers = request.headers
    if claims is not None and not route.publishes and not route.keyless:
        raise RiverError(ErrorCode.FORBIDDEN, "a token allows to publish, and nothing else here")
    if claims is None and not route.keyless:
        _check_key(api, route, headers)
    if route.takes is None or (route.body_optional and not _has_body(headers)):
        return UNWANTED_BYTES_MAX
    _check_content(headers)
    allowed = api.batch_bytes_max if route.large else api.single_bytes_max
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > LENGTH_DIGITS_MAX or int(length) > allowed:
        raise RiverError(ErrorCode.TOO_LARGE, f"the body is larger than {allowed} bytes")
    return allowed


def _check_key(api: Api, route: Route, headers: Mapping[str, str]) -> None:
    if not api.read_keys.are_none and api.read_keys.fit(headers):
        if route.method != "GET":
            raise RiverError(ErrorCode.FORBIDDEN, "a key of RIVER_READ_KEYS may GET, nothing else")
    elif not api.keys.fit(headers):
        raise _wrong_key(headers)


def _has_body(headers: Mapping[str, str]) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _check_content(headers: Mapping[str, str]) -> None:
    # A client that says nothing of its body's type says nothing wrong: the body is looked at.
    content_type = headers.get("content-type", JSON)
    if content_type != JSON and not _is_json(content_type):
        shown = content_type[:ECHO_LENGTH_MAX]
        raise RiverError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            f"send JSON in UTF-8 with the header `content-type: {JSON}`, not {shown!r}",
        )
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise RiverError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE, "send the body as it is, without content-encoding"
        )


def _is_json(content_type: str) -> bool:
    """Whether a content type is JSON in UTF-8; other parameters say nothing (RFC 9110, 8.3.1)."""
    kind, *parameters = content_type.split(";")
    if kind.strip().lower() != JSON:
        return False
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip(' \t"').lower() in ("utf-8", "utf8")
    return True


def _named(path: Mapping[str, str], query: Mapping[str, str]) -> Mapping[str, str]:
    """A path's parameters; where one is `-`, a parameter of the query with its name stands for it.

    Proxies decode `%2F` and resolve `..` in paths: names of any form can come in the query.

    Raises:
        RiverError: invalid_field, where path and query name two.
    """
    if not path or not query:
        return path
    for name, value in path.items():
        if query.get(name, value) != value != "-":
            reason = f"{name}: the path names another; with the name in the query it has a `-`"
            raise RiverError(ErrorCode.INVALID_FIELD, reason)
    return {name: query.get(name, value) if value == "-" else value for name, value in path.items()}


def _query(text: str, *, route: Route) -> dict[str, str]:
    """A query's parameters; empty ones are as if absent.

    Raises:
        RiverError: invalid_field, also for a parameter that the route does not have.
    """
    try:
        given = parse_qsl(
            text, keep_blank_values=True, max_num_fields=QUERY_PARAMETERS_MAX, errors="strict"
        )
    except ValueError:
        raise RiverError(
            ErrorCode.INVALID_FIELD,
            f"the query is not UTF-8 or has more than {QUERY_PARAMETERS_MAX} parameters",
        ) from None
    if not route.keyless:
        _check_query(given, route=route)
    return {name: value for name, value in given if value}


def _check_query(given: Iterable[tuple[str, str]], *, route: Route) -> None:
    """Refuse a misspelt parameter: a `prefx` would list everything.

    And one that is there twice, which two readers would read differently. And an empty name:
    `/users/-/block?user=` would block the user `-`. Probes and scrapers add some of their own to
    what needs no key.
    """
    in_path = [*filter(None, map(name_in, route.segments))]
    known = [one.name for one in route.query] + in_path
    seen: set[str] = set()
    for name, value in given:
        if name not in known:
            reason = unknown_field(name, known, kind="query parameter")
            raise RiverError(ErrorCode.INVALID_FIELD, reason)
        if name in seen:
            raise RiverError(ErrorCode.INVALID_FIELD, f"{name}: write it once in the query")
        seen.add(name)
        if name in in_path and not value:
            raise RiverError(ErrorCode.INVALID_FIELD, f"{name}: the query has it without a value")


def _unanswered(route: Route, seconds: float) -> RiverError:
    if not (route.publishes or route.orders):
        return BrokerError(f"the broker did not answer within {seconds:g} s")
    cure = "The same id sent again settles it" if route.publishes else "Order it again"
    return OutcomeUnknownError(
        f"the broker did not answer within {seconds:g} s: it may have accepted this, or may do so "
        f"later. {cure}"
    )
