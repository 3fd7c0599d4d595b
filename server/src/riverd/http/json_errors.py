"""Errors as answers over HTTP: a code for programs, a message for people, both as JSON."""

import math
from collections.abc import Mapping

import msgspec

from riverd.errors import ErrorCode, RiverError
from riverd.http import refusal as refusals
from riverd.http.refusal import HttpRefusal
from riverd.http.response import JSON, Headers, Response

_RETRY = ("retry-after", "1")
_EXTRA: Mapping[int, Headers] = {
    401: (("www-authenticate", "Bearer"),),
    429: (_RETRY,),
    503: (_RETRY,),
    504: (_RETRY,),
}
_CODES = {
    refusals.BODY_LATE: ErrorCode.BODY_LATE,
    refusals.BODY_TOO_LARGE: ErrorCode.TOO_LARGE,
    refusals.HEAD_TOO_LARGE: ErrorCode.TOO_LARGE,
    refusals.FRAMING_TOO_LARGE: ErrorCode.TOO_LARGE,
    refusals.BUSY: ErrorCode.TOO_FAST,
    refusals.FULL: ErrorCode.UNAVAILABLE,
    refusals.ANSWER_LATE: ErrorCode.UNKNOWN,
    refusals.FAILED: ErrorCode.INTERNAL,
}
_encode = msgspec.json.Encoder().encode


class Error(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong: a code for programs, a message for people, when the same may succeed."""

    code: str
    message: str
    retry_after_ms: int | None = None


class ErrorAnswer(msgspec.Struct, frozen=True):
    """A request that was not served."""

    error: Error


def extra_headers(status: int) -> Headers:
    """What belongs to a status: how to prove who asks (RFC 9110, 15.5.2), when to ask again."""
    return _EXTRA.get(status, ())


def response_to(error: RiverError, *, headers: Headers = ()) -> Response:
    """An error as an answer, with all of its message."""
    again_ms = error.retry_after_ms
    if again_ms is not None:
        headers = (*headers, ("retry-after", str(math.ceil(again_ms / 1000))))
    shown = Error(error.error.code, error.message, again_ms)
    return _response(error.error.status, shown, headers=headers)


def wrong_method(allowed: str, *, headers: Headers = ()) -> Response:
    """The answer to a method that a path does not take: `allowed` are those that it does."""
    error = RiverError(ErrorCode.METHOD_NOT_ALLOWED, f"this path takes {allowed}")
    return response_to(error, headers=(*headers, ("allow", allowed)))


def refused(refusal: HttpRefusal, *, headers: Headers = ()) -> Response:
    """The answer to what a connection refuses itself."""
    code = code_of(refusal)
    # Too many requests at once are the clients' doing, and not a fault of the service.
    status = code.status if code is ErrorCode.TOO_FAST else refusal.status
    return _response(status, Error(code.code, refusal.reason), headers=headers)


def code_of(refusal: HttpRefusal) -> ErrorCode:
    """The code that says the same."""
    return _CODES.get(refusal, ErrorCode.INVALID_FIELD)


def _response(status: int, error: Error, *, headers: Headers) -> Response:
    body = _encode(ErrorAnswer(error))
    return Response(status, body, JSON, (*headers, *extra_headers(status)))
