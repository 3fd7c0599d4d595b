"""One request to the publish API, without a connection: what to send, what an answer means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Generic, TypeVar, cast

from river_realtime.errors import RiverError, UnreachableError
from river_realtime.parsing import LACKS_MEMBERS, Object
from river_realtime.values import Json

T = TypeVar("T")

_PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})
"""What River, or a proxy before it, answers when the same request may succeed a moment later."""
_PASSING_CODES = frozenset({"broker_unavailable", "internal", "unavailable", "unknown"})


class QueryNotReadError(RiverError):
    """The server took the `-` in a path for a name: it does not read names in queries."""


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One request, and what makes a value of its answer. Every one may be sent again.

    With `fallback`, that is sent instead if `parse` raises QueryNotReadError.
    """

    method: str
    path: str
    parse: Callable[[Object], T]
    body: Mapping[str, object] | None = None
    query: Mapping[str, str | int] = field(default_factory=dict[str, str | int])
    fallback: "Request[T] | None" = None

    @property
    def id(self) -> str | None:
        """The idempotency key, if it publishes one event."""
        return cast("str | None", (self.body or {}).get("id"))

    def value(self, status: int, content: Json, *, location: str | None = None) -> T:
        """The value of an answer.

        Raises:
            RiverError: the status is another than 200.
            UnreachableError: this is not River's answer, but a proxy's perhaps.
        """
        fields = cast("Object", content if isinstance(content, dict) else {})
        if status != HTTPStatus.OK:
            raise self._refusal(status, fields, location=location)
        try:
            return self.parse(fields)
        except LACKS_MEMBERS:
            raise self._unexpected("200 and something else", status) from None

    def is_passing(self, status: int, content: Json) -> bool:
        """Whether the same request may succeed a moment later: whole, or a part that failed."""
        if status != HTTPStatus.OK:
            return status in _PASSING_STATUSES
        results = content.get("results") if isinstance(content, dict) else None
        listed = results if isinstance(results, list) else []
        return any(_code(one) in _PASSING_CODES for one in listed)

    def _refusal(self, status: int, fields: Object, *, location: str | None) -> RiverError:
        if isinstance(fields.get("error"), dict):
            return error_of(fields, status=status, id=self.id)
        if location is not None:
            # Following it would take the API key elsewhere.
            what = f"a redirect to {location}; give River the address of the publish API itself"
            return self._unexpected(what, status)
        message = f"something else than River answered {status} at {self.path}"
        uncertain = is_uncertain(status)
        return RiverError(f"http_{status}", message, status=status, id=self.id, uncertain=uncertain)

    def _unexpected(self, what: str, status: int) -> UnreachableError:
        message = f"not River answers at {self.path}, but {what}"
        uncertain = status == HTTPStatus.OK
        code = "unexpected_answer"
        return UnreachableError(code, message, status=status, id=self.id, uncertain=uncertain)


def is_uncertain(status: int) -> bool:
    """Whether after this status nobody knows if the server did what it was asked."""
    # Of 503 River says that nothing was accepted.
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE


def error_of(fields: Object, *, status: int = 0, id: str | None = None) -> RiverError:
    """The error in an answer, or in one of its results."""
    error = cast("Mapping[str, Json]", fields["error"])
    code = str(error.get("code", f"http_{status}"))
    message = str(error.get("message", "the server gave no reason"))
    uncertain = is_uncertain(status) or code == "unknown"
    return RiverError(code, message, status=status, id=id, uncertain=uncertain)


def _code(result: Json) -> str:
    error = result.get("error") if isinstance(result, dict) else None
    return str(cast("Object", error).get("code")) if isinstance(error, dict) else ""
