"""How a client is answered that is not served."""

from collections.abc import Collection
from difflib import get_close_matches

import msgspec

from riverd.errors import ErrorCode, RiverError
from riverd.http.response import JSON, Headers, Response

NAME_SHOWN_MAX = 64


def not_served(error: RiverError, headers: Headers) -> Response:
    """The answer to a request that is not served."""
    body = msgspec.json.encode({"error": {"code": error.error.code, "message": error.public}})
    return Response(error.error.status, body, JSON, headers)


def unknown_field(name: str, known: Collection[str]) -> RiverError:
    """The refusal of a field that there is not, with the one that was probably meant."""
    # A guess costs the square of the name's length: a stranger's may be as long as the request.
    shown = name[:NAME_SHOWN_MAX]
    meant = get_close_matches(shown.lower(), known, n=1)
    guess = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(known)}"
    return RiverError(ErrorCode.INVALID_FIELD, f"unknown field {shown!r}: {guess}")
