"""One HTTP request, and what may come instead of an answer."""

import http.client
import ssl
import time
from urllib.parse import urlsplit

import msgspec

BODY_BYTES_KEPT = 16_384
_HTTP2_FRAME_HEAD = 9
_HTTP2_SETTINGS, _HTTP2_GOAWAY = 4, 7


class Answer(msgspec.Struct, frozen=True):
    """An answer. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    ms: float

    @property
    def is_page(self) -> bool:
        """Whether it is HTML, which River's answers never are."""
        kind = self.headers.get("content-type", "")
        start = self.body.lstrip()[:15].lower()
        return "html" in kind or start.startswith((b"<!doctype html", b"<html"))

    @property
    def is_login(self) -> bool:
        """Whether it is a page that wants to know who one is."""
        text = self.body.lower()
        return self.is_page and (
            b'type="password"' in text or b"log in" in text or b"sign in" in text
        )

    @property
    def title(self) -> str:
        """The page's title, or the text's beginning."""
        text = self.body.decode(errors="replace")
        _, opened, rest = text.partition("<title>")
        found = rest.partition("</title>")[0] if opened else text
        return " ".join(found.split())[:80]


class NoAnswer(Exception):  # noqa: N818  it is what happened
    """What came was no HTTP/1.1. `raw` is its beginning, if anything came."""

    def __init__(self, why: str, *, raw: bytes = b"") -> None:
        super().__init__(why)
        self.raw = raw


def ask(
    url: str,
    *,
    timeout_s: float,
    context: ssl.SSLContext | None = None,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """GET, or POST with a body. No redirect is followed, no proxy of the environment is used.

    Raises:
        NoAnswer: what came was none, or nothing came.
        OSError: there is no connection.
    """
    parts = urlsplit(url)
    link: http.client.HTTPConnection
    if parts.scheme == "https":
        link = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=timeout_s, context=context
        )
    else:
        link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    begun = time.monotonic()
    try:
        link.connect()
        link.request("GET" if body is None else "POST", parts.path, body, headers or {})
        response = link.getresponse()
        data = response.read(BODY_BYTES_KEPT)
    except http.client.BadStatusLine as error:
        raise NoAnswer(str(error), raw=str(error.args[0]).encode("latin-1", "replace")) from None
    except http.client.HTTPException as error:
        raise NoAnswer(repr(error)) from None
    finally:
        link.close()
    ms = (time.monotonic() - begun) * 1000
    fields = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, fields, data, ms)


def is_http2(raw: bytes) -> bool:
    """Whether bytes begin with a frame with which an HTTP/2 server begins (RFC 9113, 4.1)."""
    if len(raw) < _HTTP2_FRAME_HEAD:
        return False
    kind, stream = raw[3], int.from_bytes(raw[5:9])
    return raw[:1] == b"\0" and kind in {_HTTP2_SETTINGS, _HTTP2_GOAWAY} and stream == 0
