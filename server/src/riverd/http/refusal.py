"""Why a connection itself refuses a request, without its handler."""

from http import HTTPStatus

import msgspec

from riverd.http.limits import HEAD_BYTES_MAX


class HttpRefusal(msgspec.Struct, frozen=True):
    """A status, a sentence for people, and whether the same request may do later."""

    status: int
    reason: str
    again: bool = False


MALFORMED = HttpRefusal(HTTPStatus.BAD_REQUEST, "the request is not HTTP/1.1")
BAD_HOST = HttpRefusal(HTTPStatus.BAD_REQUEST, "a request needs exactly one valid Host")
BAD_TARGET = HttpRefusal(HTTPStatus.BAD_REQUEST, "the target of the request names no path")
VERSION = HttpRefusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 and HTTP/1.0 are spoken")
CODING = HttpRefusal(HTTPStatus.NOT_IMPLEMENTED, "the only transfer coding is chunked")
EXPECTATION = HttpRefusal(HTTPStatus.EXPECTATION_FAILED, "the only expectation is 100-continue")
HEAD_TOO_LARGE = HttpRefusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head is larger than {HEAD_BYTES_MAX} bytes"
)
FRAMING_TOO_LARGE = HttpRefusal(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body comes in too many too small chunks"
)
BODY_TOO_LARGE = HttpRefusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
BODY_LATE = HttpRefusal(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time", again=True)
ANSWER_LATE = HttpRefusal(HTTPStatus.GATEWAY_TIMEOUT, "there was no answer in time")
FULL = HttpRefusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections are open", again=True)
BUSY = HttpRefusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests are under way", again=True)
FAILED = HttpRefusal(HTTPStatus.INTERNAL_SERVER_ERROR, "our fault; it was logged")


class RequestRefusedError(Exception):
    """What was read is no request that can be answered otherwise."""

    def __init__(self, refusal: HttpRefusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal
