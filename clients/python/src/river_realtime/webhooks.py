"""Checks that a webhook comes from River, in time, and gives its events."""

import binascii
import hmac
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, cast

from river_realtime.errors import RiverError, UsageError

TOLERANCE_S = 300.0
_PREFIX = "whsec_"


class WebhookError(RiverError):
    """A request is not one of River's webhooks, or is too old: answer it with 400."""

    def __init__(self, message: str) -> None:
        super().__init__("webhook_invalid", message)


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    *,
    secret: str | Sequence[str],
    tolerance_s: float = TOLERANCE_S,
    now: float | None = None,
) -> list[dict[str, Any]]:
    """The events of a webhook, once its signature was checked.

    The same event may come twice, with the same `id` both times.

    Args:
        body: the request's body as it came, before any parser.
        headers: the request's headers; the case of their names does not matter.
        secret: the webhook's `secret` in RIVER_WEBHOOKS, or several while it changes.
        tolerance_s: how old a request may be, and by how much clocks may differ.
        now: the time to compare with, in unix seconds; the clock's unless given.

    Raises:
        WebhookError: it is not signed with one of the secrets, or too old.
        UsageError: there is no secret, or none that can be one.
    """
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not secrets or not all(secrets):
        raise UsageError("option_invalid", "secret: the webhook's secret, or several")
    found = {name.lower(): value for name, value in headers.items()}
    try:
        message_id = found["webhook-id"]
        timestamp = found["webhook-timestamp"]
        signatures = found["webhook-signature"]
    except KeyError as error:
        raise WebhookError(f"the header {error} is missing") from None
    raw = body.encode() if isinstance(body, str) else body
    text = b"%b.%b.%b" % (message_id.encode(), timestamp.encode(), raw)
    given = [one.partition(",")[2] for one in signatures.split() if one.startswith("v1,")]
    made = [b64encode(hmac.digest(_key_of(one), text, sha256)) for one in secrets]
    if not any(hmac.compare_digest(one, other.encode()) for one in made for other in given):
        raise WebhookError("the signature is not one of this secret")
    _check_time(timestamp, time.time() if now is None else now, tolerance_s=tolerance_s)
    return cast("list[dict[str, Any]]", json.loads(raw)["events"])


def _check_time(timestamp: str, now: float, *, tolerance_s: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise WebhookError("webhook-timestamp is no time")
    if abs(now - int(timestamp)) > tolerance_s:
        raise WebhookError(f"it was sent more than {tolerance_s:g} s ago, or clocks differ")


def _key_of(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return b64decode(secret[len(_PREFIX) :], validate=True)
    except binascii.Error:
        raise UsageError("option_invalid", "secret: what follows whsec_ is not Base64") from None
