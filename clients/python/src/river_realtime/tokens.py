"""Signs tokens for clients: HS256, with the standard library (contract, "Tokens")."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence

from river_realtime.values import Json

TTL_S = 3600
_HEADER = b'{"alg":"HS256","typ":"JWT"}'


def sign_token(
    secret: str,
    user: str,
    *,
    ttl_s: int = TTL_S,
    subscribe: Sequence[str] | None = None,
    publish: Sequence[str] = (),
    info: Mapping[str, Json] | None = None,
) -> str:
    """A token that says who a client is, for `ttl_s` seconds.

    `subscribe` and `publish` are globs over channel names. Without `subscribe` the client may hear
    every channel but private ones; without `publish` it may publish to none.
    """
    now = time.time()
    claims: dict[str, object] = {"sub": user, "iat": int(now), "exp": int(now) + ttl_s}
    granted: dict[str, object] = {}
    if subscribe is not None:
        granted["subscribe"] = list(subscribe)
    if publish:
        granted["publish"] = list(publish)
    if info is not None:
        granted["info"] = dict(info)
    if granted:
        claims["river"] = granted
    body = json.dumps(claims, separators=(",", ":")).encode()
    signed = b".".join(_text(part) for part in (_HEADER, body))
    signature = hmac.digest(secret.encode(), signed, hashlib.sha256)
    return b".".join((signed, _text(signature))).decode()


def _text(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")
