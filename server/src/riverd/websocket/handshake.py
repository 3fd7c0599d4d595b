"""The opening handshake: from a request to a WebSocket (RFC 6455, section 4.2)."""

import asyncio
from binascii import a2b_base64, b2a_base64
from functools import partial
from hashlib import sha1
from http import HTTPStatus

from riverd.http.request import Request
from riverd.http.response import Headers, HttpUpgrade, Response
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
_BAD_KEY = Response(HTTPStatus.BAD_REQUEST, b"Bad Request\n")


def accept_key(request: Request) -> bytes | Response:
    """What answers the key of a request that asks for a WebSocket.

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
        return _REQUIRED
    key = request.headers.get("sec-websocket-key", "")
    if not _is_key(key):
        return _BAD_KEY
    digest = sha1(key.encode() + _ACCEPT_SUFFIX, usedforsecurity=False).digest()
    return b2a_base64(digest, newline=False)


def upgrade_to(websocket: WebSocket, *, accept: bytes, headers: Headers = ()) -> HttpUpgrade:
    """The answer that makes a connection this WebSocket, with these headers in the 101."""
    accepted = ("Sec-WebSocket-Accept", accept.decode("ascii"))
    return HttpUpgrade("websocket", partial(_take_over, websocket), (accepted, *headers))


def _take_over(
    websocket: WebSocket, transport: asyncio.Transport, *, head: bytes, rest: bytes
) -> None:
    websocket.attach(transport, head=head)
    websocket.receive(memoryview(rest))


def _is_key(key: str) -> bool:
    try:
        return len(a2b_base64(key, strict_mode=True)) == _KEY_BYTES
    except ValueError:
        return False
