"""A request as API Gateway's HTTP APIs hand it to a function (payload 2.0), and its answer."""

import base64
import binascii
from urllib.parse import quote

import msgspec

from riverd.errors import ErrorCode, RiverError
from riverd.http.json_errors import response_to
from riverd.http.request import Request
from riverd.http.response import Response

ANSWER_BYTES_MAX = 4_500_000
"""A function's result has at most 6 MB; as base64 an answer takes a third more than it has."""
PLAIN_BYTES_MAX = 900_000
"""As text it takes up to six times as much, if it is all escapes."""

_DEFAULT_STAGE = "$default"
_NAMES = (("/users/", "/disconnect"), ("/nodes/", "/drain"))
"""What lies between these is one name, though it may have slashes in it."""


class _Http(msgspec.Struct):
    method: str


class Authorizer(msgspec.Struct):
    """What the authorizer before the function said; `jwt` is there if it has verified a token."""

    jwt: "Jwt | None" = None


class Jwt(msgspec.Struct):
    """A verified token's claims, most of them as text."""

    claims: dict[str, object]


class _Context(msgspec.Struct):
    http: _Http
    stage: str = _DEFAULT_STAGE
    authorizer: Authorizer | None = None


class GatewayEvent(msgspec.Struct, rename="camel"):
    """What is used of an event."""

    raw_path: str
    request_context: _Context
    raw_query_string: str = ""
    headers: dict[str, str] = {}
    body: str | None = None
    is_base64_encoded: bool = False

    @property
    def path(self) -> str:
        """The path below the stage, not encoded: API Gateway has decoded it once."""
        stage = f"/{self.request_context.stage}"
        path = self.raw_path
        if path == stage or path.startswith(f"{stage}/"):
            path = path[len(stage) :]
        return path or "/"


def event_of(given: object) -> GatewayEvent:
    """The event, if it is one of an HTTP API.

    Raises:
        RiverError: invalid_field.
    """
    try:
        return msgspec.convert(given, GatewayEvent)
    except msgspec.ValidationError as error:
        raise RiverError(
            ErrorCode.INVALID_FIELD, f"no event of an HTTP API, payload 2.0: {error}"
        ) from None


def request_of(event: GatewayEvent, path: str) -> Request:
    """The head of an event's request, for this decoded path."""
    headers = {name.lower(): value for name, value in event.headers.items()}
    method = event.request_context.http.method
    return Request(method, _encoded(path), event.raw_query_string, headers)


def body_of(event: GatewayEvent) -> bytes:
    """The body of an event's request.

    Raises:
        RiverError: not_json, when it is not what the event says.
    """
    body = event.body or ""
    if not event.is_base64_encoded:
        # What cannot be UTF-8 is found where every other body is looked at.
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise RiverError(ErrorCode.NOT_JSON, "the event's body is not base64") from None


def result_of(response: Response) -> dict[str, object]:
    """The function's result. API Gateway adds the length, and leaves the body out for a HEAD."""
    if len(response.body) > ANSWER_BYTES_MAX:
        too_large = f"the answer is larger than {ANSWER_BYTES_MAX} bytes: ask for less (limit)"
        response = response_to(RiverError(ErrorCode.TOO_LARGE, too_large))
    plain = len(response.body) <= PLAIN_BYTES_MAX
    return {
        "statusCode": response.status,
        "headers": {"content-type": response.content_type, **dict(response.headers)},
        "body": (response.body if plain else base64.b64encode(response.body)).decode(),
        "isBase64Encoded": not plain,
    }


def _encoded(path: str) -> str:
    for begin, end in _NAMES:
        if path.startswith(begin) and path.endswith(end) and len(path) > len(begin + end):
            name = path[len(begin) : -len(end)]
            return f"{begin}{quote(name, safe='', errors='surrogatepass')}{end}"
    return quote(path, errors="surrogatepass")
