"""How a client is answered that is not served."""

import msgspec

from riverd.errors import RiverError
from riverd.http.response import JSON, Headers, Response


def not_served(error: RiverError, headers: Headers) -> Response:
    """The answer to a request that is not served."""
    body = msgspec.json.encode({"error": {"code": error.error.code, "message": error.public}})
    return Response(error.error.status, body, JSON, headers)
