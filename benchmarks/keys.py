"""The secret, API key and tokens of one run, made anew for each."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True)
class RunKeys:
    """What server and load must agree on."""

    secret: str = field(default_factory=lambda: secrets.token_hex(32))
    api_key: str = field(default_factory=lambda: secrets.token_hex(16))

    def token(self, user: str, *, ttl_s: int = 3600) -> str:
        """A JWT (RFC 7519) signed with HS256, as an application would make it."""
        header = _part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        claims = _part(json.dumps({"sub": user, "exp": int(time.time()) + ttl_s}).encode())
        signed = f"{header}.{claims}"
        mac = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256)
        return f"{signed}.{_part(mac.digest())}"
