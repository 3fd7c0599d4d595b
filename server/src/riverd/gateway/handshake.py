"""The head of one HTTP request, and the answers that are no WebSocket: bytes in, values out."""

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Mapping
from hashlib import sha1
from http import HTTPStatus

import msgspec

# All lines at once: a browser sends fifteen of them with every request.
_HEAD = re.compile(
    r"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.([01])\r\n"
    r"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)*)"
)
_KEY_BYTES = 16
_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b\r\n%b\r\n"
)
_ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3.


class HttpRequest(msgspec.Struct, frozen=True):
    """A GET or HEAD. Header names are in lower case; a repeated header is joined with `, `."""

    method: str
    target: str
    version: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the path's question mark, still encoded."""
        return self.target.partition("?")[2]

    def tokens(self, name: str) -> list[str]:
        """The entries of a header that is a comma-separated list."""
        return [entry.strip() for entry in self.headers.get(name, "").split(",") if entry.strip()]

    def has_option(self, name: str, option: str) -> bool:
        """Whether an entry of such a header is this one, in upper or lower case."""
        value = self.headers.get(name, "").lower()
        return value == option or option in [entry.strip() for entry in value.split(",")]


class HttpAnswer(msgspec.Struct, frozen=True):
    """A whole answer; the connection ends with it. The body must be bytes already encoded."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def encode(self, *, head_only: bool = False) -> bytes:
        """The bytes on the wire. `head_only` is for HEAD, which is told the body's length too."""
        status = HTTPStatus(self.status)
        # RFC 9110, section 15.5.22: a 426 must say what to upgrade to, as a connection option too.
        connection = "Upgrade, close" if status == HTTPStatus.UPGRADE_REQUIRED else "close"
        fields = (
            *self.headers,
            ("Content-Length", str(len(self.body))),
            ("Connection", connection),
        )
        head = b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, status.phrase.encode(), _lines(fields))
        return head if head_only else head + self.body


def refusal(status: HTTPStatus, *headers: tuple[str, str]) -> HttpAnswer:
    """An answer whose body only names its status."""
    content = ("Content-Type", "text/plain; charset=utf-8")
    return HttpAnswer(status, f"{status.phrase}\n".encode(), (content, *headers))


def parse(head: bytes) -> HttpRequest | HttpAnswer:
    """The request in a head (without its empty line), or why there is none: 400, 405.

    A body is never read: the only methods here have none.
    """
    found = _HEAD.fullmatch(f"{head.decode('latin-1')}\r\n")
    if found is None:
        return refusal(HTTPStatus.BAD_REQUEST)
    method, target, minor, lines = found.groups()
    headers = _fields(lines)
    if method not in {"GET", "HEAD"}:
        return refusal(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "GET, HEAD"))
    if "transfer-encoding" in headers or headers.get("content-length", "0").strip("0"):
        return refusal(HTTPStatus.BAD_REQUEST)
    return HttpRequest(method, target, f"1.{minor}", headers)


def websocket_key(request: HttpRequest) -> str | HttpAnswer:
    """The key of a request that asks for a WebSocket as RFC 6455, section 4.2.1, wants it.

    Otherwise 426 (it asks for none, or for another version) or 400 (its key is none).
    """
    asks = (
        request.method == "GET"
        and request.version == "1.1"
        and request.has_option("upgrade", "websocket")
        # Firefox sends "keep-alive, Upgrade".
        and request.has_option("connection", "upgrade")
    )
    if not asks or request.headers.get("sec-websocket-version") != "13":
        wanted = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))
        return refusal(HTTPStatus.UPGRADE_REQUIRED, *wanted)
    key = request.headers.get("sec-websocket-key", "")
    return key if _is_key(key) else refusal(HTTPStatus.BAD_REQUEST)


def switching(key: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """The 101 that turns the connection into a WebSocket (RFC 6455, section 4.2.2)."""
    digest = sha1(key.encode() + _ACCEPT_SUFFIX, usedforsecurity=False).digest()
    return _SWITCHING % (b2a_base64(digest, newline=False), _lines(headers))


def _lines(fields: Iterable[tuple[str, str]]) -> bytes:
    return "".join([f"{name}: {value}\r\n" for name, value in fields]).encode("latin-1")


def _fields(lines: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines.split("\r\n")[:-1]:
        field, _, value = line.partition(":")
        name, value = field.lower(), value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _is_key(key: str) -> bool:
    try:
        return len(a2b_base64(key, strict_mode=True)) == _KEY_BYTES
    except ValueError:
        return False
