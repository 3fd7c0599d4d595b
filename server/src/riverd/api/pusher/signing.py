"""Whether an app's back end has signed a request: its query says so, before the body is read."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, unquote

import msgspec

from riverd.auth.apps import App, Apps
from riverd.auth.signatures import is_same, request_signature
from riverd.errors import ErrorCode, RiverError
from riverd.http.request import Request

VERSION = "1.0"
CLOCKS_DIFFER_S_MAX = 600
PARAMETERS_MAX = 200
TIMESTAMP_DIGITS_MAX = 15
SIGNATURE = "auth_signature"

# PHP's way to send a list: name[0]=a&name[1]=b, which it signs as name=a,b.
_ENTRY = re.compile(r"(.+)\[\d*\]")


class SignedRequest(msgspec.Struct, frozen=True):
    """A request whose signature was found to be right: the app, and what it asks."""

    app: App
    query: Mapping[str, str]
    body_md5: str | None

    def check_body(self, body: bytes) -> None:
        """Find out whether this is the body that was signed.

        Raises:
            RiverError: it is another, or was not signed at all.
        """
        if self.body_md5 is None:
            if body:
                raise _unauthorized("body_md5 is missing: the body is not signed")
        elif not is_same(self.body_md5, hashlib.md5(body, usedforsecurity=False).hexdigest()):
            raise _unauthorized("body_md5 is not that of the body")


def signed_request(
    request: Request, apps: Apps, *, app_id: str | None, now: float
) -> SignedRequest:
    """The request, if it was signed with a key of the app, or of any app where none is named.

    Raises:
        RiverError: unauthenticated, not_found, forbidden.
    """
    query = _query(request.query)
    given = dict(query)
    key, signature = given.get("auth_key"), given.get(SIGNATURE)
    if key is None or signature is None:
        raise _unauthorized("auth_key and auth_signature are missing")
    if [name for name, _ in query].count(SIGNATURE) > 1:
        raise _unauthorized("more than one auth_signature")
    app = apps.of_key(key)
    if app_id is not None and app_id not in apps.by_id:
        raise RiverError(ErrorCode.NOT_FOUND, f"no app with the id {app_id[:20]}")
    if app is None or app_id not in (None, app.id):
        raise _unauthorized("auth_key is no key of this app")
    _check_times(given, now)
    if not _is_signed(request, query, signature=signature, secret=apps.secret(app.id, key) or ""):
        raise _unauthorized("invalid signature")
    if not app.enabled:
        raise RiverError(ErrorCode.FORBIDDEN, "application disabled")
    return SignedRequest(app, given, given.get("body_md5"))


def _check_times(given: Mapping[str, str], now: float) -> None:
    if given.get("auth_version") != VERSION:
        raise _unauthorized(f"auth_version is not {VERSION}")
    stamp = given.get("auth_timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= TIMESTAMP_DIGITS_MAX):
        raise _unauthorized("auth_timestamp is no time in unix seconds")
    if abs(int(stamp) - now) > CLOCKS_DIFFER_S_MAX:
        raise _unauthorized(
            f"auth_timestamp is not within {CLOCKS_DIFFER_S_MAX} s of this server's clock"
        )


def _is_signed(
    request: Request, query: Iterable[tuple[str, str]], *, signature: str, secret: str
) -> bool:
    signed = [(name, value) for name, value in query if name != SIGNATURE]
    # Some libraries sign the path as it is sent, others before a channel's name in it is encoded.
    return any(
        is_same(signature, request_signature(secret, request.method, path=path, query=signed))
        for path in dict.fromkeys((request.path, unquote(request.path)))
    )


def _query(text: str) -> list[tuple[str, str]]:
    """The parameters: names in lower case, the entries of a list joined by commas."""
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, max_num_fields=PARAMETERS_MAX, errors="strict"
        )
    except ValueError:
        raise _unauthorized("the query is not UTF-8, or too long") from None
    lists: dict[str, list[str]] = {}
    single: list[tuple[str, str]] = []
    for name, value in pairs:
        entry = _ENTRY.fullmatch(name)
        if entry is None:
            single.append((name.lower(), value))
        else:
            lists.setdefault(entry[1].lower(), []).append(value)
    return single + [(name, ",".join(values)) for name, values in lists.items()]


def _unauthorized(message: str) -> RiverError:
    return RiverError(ErrorCode.UNAUTHENTICATED, message)
