"""The head of a request, as a value."""

import re
from collections.abc import Mapping

import msgspec

from riverd.http import refusal
from riverd.http.refusal import RequestRefusedError

_AUTHORITY = re.compile(r"https?://[^/?#]+", re.IGNORECASE)


class Request(msgspec.Struct, frozen=True, gc=False):
    """A request without its body.

    Attributes:
        method: In upper case.
        path: As it came, still percent-encoded; of `http://host/path` only the path.
        query: What follows the path's question mark, still encoded.
        headers: Names in lower case; values with one character a byte (latin-1), without white
            space around them, several of one name joined with `, `.
        version: `1.0` or `1.1`.
        keep_alive: Whether the client wants the connection to stay open.
        peer: The address at the other end of the connection, which may be a proxy's.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    version: str = "1.1"
    keep_alive: bool = True
    peer: str = ""

    @property
    def has_body(self) -> bool:
        """Whether its head announces a body."""
        headers = self.headers
        length = headers.get("content-length")
        return "transfer-encoding" in headers or (length is not None and int(length) > 0)

    def without(self, name: str) -> "Request":
        """The same request, had this header not been sent."""
        headers = {key: value for key, value in self.headers.items() if key != name}
        return msgspec.structs.replace(self, headers=headers)

    def tokens(self, name: str) -> list[str]:
        """The entries of a header that is a comma-separated list."""
        value = self.headers.get(name)
        return [entry.strip() for entry in value.split(",") if entry.strip()] if value else []

    def has_option(self, name: str, option: str) -> bool:
        """Whether an entry of such a header is this one, in upper or lower case."""
        value = self.headers.get(name, "").lower()
        return value == option or option in [entry.strip() for entry in value.split(",")]


def split_target(method: str, target: str) -> tuple[str, str]:
    """The path and the query of a target that does not begin with `/` (RFC 9112, section 3.2).

    A proxy's form, `http://host/path`, is for every server to understand (section 3.2.2).

    Raises:
        RequestRefusedError: it names no path.
    """
    if target == "*" and method == "OPTIONS":
        return "*", ""
    authority = _AUTHORITY.match(target)
    if authority is None:
        raise RequestRefusedError(refusal.BAD_TARGET)
    path, _, query = target[authority.end() :].partition("?")
    return path or "/", query
