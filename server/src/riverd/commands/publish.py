"""Publishes one event over HTTP, for the command line."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import msgspec

from riverd.errors import SettingsError
from riverd.service.loopback import is_loopback

TIMEOUT_S = 10.0


class _ApiError(msgspec.Struct):
    code: str
    message: str


class _Refusal(msgspec.Struct):
    """An error as the publish API sends it."""

    error: _ApiError


class PublishError(Exception):
    """It was not published; the message says why."""


def publish_once(api_url: str, key: str, *, channel: str, event: str, data: str) -> str:
    """The API's answer, a JSON text. `data` is JSON text.

    Raises:
        PublishError: for every answer but 200, and for none.
        SettingsError: the URL is none.
    """
    head = json.dumps({"channel": channel, "event": event})
    body = f'{head[:-1]},"data":{data}}}'.encode()
    headers = {"content-type": "application/json", "x-api-key": key}
    url = f"{api_url.rstrip('/')}/publish"
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"{api_url} is not an http(s) URL, such as http://127.0.0.1:8001")
    try:
        request = urllib.request.Request(url, body, headers)  # noqa: S310  checked above
        with _opener(url).open(request, timeout=TIMEOUT_S) as answer:
            return str(answer.read(), "utf-8")
    except urllib.error.HTTPError as error:
        with error:
            body, target = error.read(), error.headers.get("location")
        if target is not None:
            raise PublishError(
                f"{url} redirects to {target}: no key is sent there. If it is yours, give that URL"
            ) from None
        raise PublishError(f"{url} answered {error.code}: {_reason(body)}") from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise PublishError(f"{url} cannot be reached: {reason}. Is the publish API up?") from None


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


def _reason(body: bytes) -> str:
    """Why it was refused, in one line: the API's word, or that somebody else answers there."""
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except msgspec.DecodeError:
        return "that is not a publish API (in river dev it has port 8001, the gateway 8000)"
    return f"{error.code}, {error.message}"
