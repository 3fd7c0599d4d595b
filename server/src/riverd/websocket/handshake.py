"""The opening handshake: from a request to a WebSocket (RFC 6455, section 4.2)."""

from binascii import a2b_base64, b2a_base64
from hashlib import sha1
from http import HTTPStatus

from riverd.http.request import Request
from riverd.http.response import Headers, HttpUpgrade, Response, encode_fields
from riverd.websocket.connection import WebSocket

_KEY_BYTES = 16
_ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3.
# RFC 9110, section 15.5.22: a 426 must say what to upgrade to, as a connection option too.
_REQUIRED = Response(
    HTTPStatus.UPGRADE_REQUIRED,
    b"Upgrade Required\n",
    headers=(
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Connection", "Upgrade"),
    ),
)
_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b\r\n"
    b"%b\r\n"
)
_BAD_KEY = Response(HTTPStatus.BAD_REQUEST, b"Bad Request\n")


def accept_key(request: Request) -> bytes | Response:
    """What answers the key of a request that asks for a WebSocket.

    Otherwise 426 (it asks for none, or for another version) or 400 (its key is none). The HTTP
    server has left `upgrade` out of what asks for something else: see its `Handler.admit`.
    """
    headers = request.headers
    asks = "upgrade" in headers and request.version == "1.1"
    if not asks or headers.get("sec-websocket-version") != "13":
        return _REQUIRED
    key = headers.get("sec-websocket-key", "")
    if not _is_key(key):
        return _BAD_KEY
    digest = sha1(key.encode() + _ACCEPT_SUFFIX, usedforsecurity=False).digest()
    return b2a_base64(digest, newline=False)


def upgrade_to(websocket: WebSocket, *, accept: bytes, headers: Headers = ()) -> HttpUpgrade:
    """The answer that makes a connection this WebSocket, with these headers in the 101."""
    fields = encode_fields(headers) if headers else b""
    return HttpUpgrade(_SWITCHING % (accept, fields), websocket.attach)


def _is_key(key: str) -> bool:
    try:
        return len(a2b_base64(key, strict_mode=True)) == _KEY_BYTES
    except ValueError:
        return False
