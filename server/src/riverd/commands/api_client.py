"""One request to a publish API, for the command line."""

import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from riverd.errors import SettingsError
from riverd.service.loopback import is_loopback

TIMEOUT_S = 10.0
SERVICE_UNAVAILABLE, GATEWAY_TIMEOUT = 503, 504


class _ApiError(msgspec.Struct):
    code: str
    message: str


class _Refusal(msgspec.Struct):
    """An error as the publish API sends it."""

    error: _ApiError


class CallFailedError(Exception):
    """The API did not do it; the message says why. The same may be tried again if `is_passing`."""

    def __init__(self, why: str, *, is_passing: bool = False, status: int | None = None) -> None:
        super().__init__(why)
        self.is_passing = is_passing
        self.status = status
        """Of the answer, None if there was none."""


class ApiTarget(msgspec.Struct, frozen=True):
    """A publish API, and the key for it."""

    url: str
    key: str


def call(
    target: ApiTarget,
    request: str,
    *,
    query: Mapping[str, object] | None = None,
    body: bytes | None = None,
) -> bytes:
    """The API's answer, a JSON text, to a request such as `GET /channels`.

    Parts of the query that are None are left out.

    Raises:
        CallFailedError: for every answer but 200, and for none.
        SettingsError: the URL is none.
    """
    if not target.url.startswith(("http://", "https://")):
        raise SettingsError(f"{target.url} is not an http(s) URL, such as http://127.0.0.1:8001")
    given = {name: value for name, value in (query or {}).items() if value is not None}
    method, _, path = request.partition(" ")
    url = target.url.rstrip("/") + path
    address = f"{url}?{urlencode(given, quote_via=quote)}" if given else url
    headers = {"x-api-key": target.key}
    if body is not None:
        headers["content-type"] = "application/json"
    try:
        asked = urllib.request.Request(address, body, headers, method=method)  # noqa: S310  checked
        with _opener(url).open(asked, timeout=TIMEOUT_S) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(url, error) from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CallFailedError(
            f"{url} cannot be reached: {reason}. Is the publish API up?", is_passing=True
        ) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: its target would be sent the key."""

    def redirect_request(self, *args: Any, **more: Any) -> None:
        """None: the redirect is the answer."""


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Opens the URL and nothing else; through a proxy of the environment, but for loopback."""
    handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
    if is_loopback(urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def _refused(url: str, error: urllib.error.HTTPError) -> CallFailedError:
    target = error.headers.get("location")
    if target is not None:
        return CallFailedError(
            f"{url} redirects to {target}: no key is sent there. If it is yours, give that URL"
        )
    return CallFailedError(
        f"{url} answered {error.code}: {_reason(error.read())}",
        is_passing=error.code in (SERVICE_UNAVAILABLE, GATEWAY_TIMEOUT),
        status=error.code,
    )


def _reason(body: bytes) -> str:
    """Why it was refused, in one line: the API's word, or that somebody else answers there."""
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except msgspec.DecodeError:
        return "that is not a publish API (in river dev it has port 8001, the gateway 8000)"
    return f"{error.code}, {error.message}"
