"""Publishes one event over HTTP, for the command line."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException

TIMEOUT_S = 10.0


class PublishError(Exception):
    """It was not published; the message says why."""


def publish_once(api_url: str, key: str, *, channel: str, event: str, data: str) -> str:
    """The API's answer, a JSON text. `data` is JSON text.

    Raises:
        PublishError: for every answer but 200, and for none.
    """
    head = json.dumps({"channel": channel, "event": event})
    body = f'{head[:-1]},"data":{data}}}'.encode()
    headers = {"content-type": "application/json", "x-api-key": key}
    url = f"{api_url.rstrip('/')}/publish"
    if not url.startswith(("http://", "https://")):
        raise PublishError(f"{api_url} is not an http(s) URL")
    try:
        request = urllib.request.Request(url, body, headers)  # noqa: S310  checked above
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return str(answer.read(), "utf-8")
    except urllib.error.HTTPError as error:
        with error:
            told = error.read().decode(errors="replace").strip()
        raise PublishError(f"{url} answered {error.code}: {told}") from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise PublishError(f"{url} cannot be reached: {reason}. Is the publish API up?") from None
