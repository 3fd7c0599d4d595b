"""Whose request it is, and what a page of another origin may know of the answer."""

from collections.abc import Mapping

from riverd.auth.bearer import bearer
from riverd.errors import ErrorCode, RiverError
from riverd.gateway.origins import Origins
from riverd.http.request import Request
from riverd.http.response import Headers

COOKIE = "river_token"
QUERY = "token"
PREFLIGHT_S = 600
_IN_THE_URL = (
    "a token in the URL counts only with RIVER_EVENTS_QUERY_TOKEN=true: send Authorization: Bearer"
)
_METHODS = "GET, HEAD, POST, OPTIONS"
_HEADERS = "authorization, content-type, last-event-id"


def token_in(
    request: Request, query: Mapping[str, str], *, origins: Origins, from_query: bool
) -> str | None:
    """The token that a request brings.

    A cookie is sent by the browser, whatever page asks: it counts only for pages of an origin that
    is listed, or of this one (contract, "HTTP streaming").

    Raises:
        RiverError: unauthenticated, where the only one stands in a URL that is not looked at.
    """
    token = bearer(request.headers.get("authorization", ""))
    if token is None and from_query:
        token = query.get(QUERY)
    if token is None and may_use_cookie(request, origins):
        token = _cookie(request.headers.get("cookie", ""))
    if token is None and not from_query and query.get(QUERY):
        raise RiverError(ErrorCode.UNAUTHENTICATED, _IN_THE_URL)
    return token or None


def may_use_cookie(request: Request, origins: Origins) -> bool:
    """Whether a page that has this request sent may do so in the name of its reader."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site") == "same-origin"
    return origins.lists(origin)


def check_origin(request: Request, origins: Origins) -> None:
    """Find out whether the page may connect.

    Raises:
        RiverError: forbidden.
    """
    if not origins.allow(request.headers.get("origin")):
        raise RiverError(ErrorCode.FORBIDDEN, "this origin may not connect (RIVER_ALLOWED_ORIGINS)")


def cors(request: Request, origins: Origins) -> Headers:
    """What lets the page that has sent the request read the answer."""
    origin = request.headers.get("origin")
    if origin is None or not origins.allow(origin):
        return ()
    headers: Headers = (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", "Retry-After"),
        ("Vary", "Origin"),
    )
    if origins.lists(origin):
        headers += (("Access-Control-Allow-Credentials", "true"),)
    return headers


def preflight(request: Request, origins: Origins) -> Headers:
    """The headers of the answer to OPTIONS (Fetch, "CORS-preflight fetch")."""
    return (
        *cors(request, origins),
        ("Access-Control-Allow-Methods", _METHODS),
        ("Access-Control-Allow-Headers", _HEADERS),
        ("Access-Control-Max-Age", str(PREFLIGHT_S)),
        ("Allow", _METHODS),
    )


def _cookie(header: str) -> str | None:
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value.strip('"')
    return None
