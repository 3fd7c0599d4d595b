"""One HTTP request and its answer, as values that any server can make and send."""

from collections.abc import Mapping

import msgspec

from riverd.model import Claims

JSON = "application/json"


class Request(msgspec.Struct, frozen=True):
    """A request's head, without its body.

    `path` and `query` are as they came, still percent-encoded. Header names are in lower case,
    values hold one character a byte (latin-1). `claims` are those of a token that somebody before
    us has verified: they take the place of a key, and allow to publish what the token grants.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    claims: Claims | None = None


class Response(msgspec.Struct, frozen=True):
    """A whole answer. Whoever sends it adds the length, and leaves the body out for a HEAD."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
