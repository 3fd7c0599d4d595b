"""Fetches the public keys of an identity provider, and again when they change (RFC 7517)."""

import asyncio
import json
import urllib.request
from collections.abc import Callable

import jwt

from riverd.tokens import Verifier

FETCH_TIMEOUT_S = 5.0
DOCUMENT_BYTES_MAX = 262_144
REFRESH_S = 600.0
MISSING_KEY_S = 5.0


class Provider:
    """Keeps a verifier's public keys those that stand at a URL."""

    def __init__(
        self, url: str, verifier: Verifier, *, failed: Callable[[BaseException], None]
    ) -> None:
        self._url = url
        self._verifier = verifier
        self._failed = failed

    async def run(self) -> None:
        """Fetch now, every ten minutes, and within seconds of a token with an unknown key."""
        while True:
            try:
                keys = await asyncio.to_thread(_fetch, self._url)
            except (OSError, ValueError, jwt.PyJWTError) as error:
                # The keys that are known stay good: a provider that is away locks nobody out.
                self._failed(error)
                await asyncio.sleep(MISSING_KEY_S)
                continue
            self._verifier.use_public_keys(keys)
            await self._until_stale()

    async def _until_stale(self) -> None:
        for _ in range(int(REFRESH_S / MISSING_KEY_S)):
            await asyncio.sleep(MISSING_KEY_S)
            if self._verifier.misses_key:
                return


def _fetch(url: str) -> dict[str, jwt.PyJWK]:
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310  checked in settings
    with urllib.request.urlopen(request, timeout=FETCH_TIMEOUT_S) as answer:  # noqa: S310
        document = answer.read(DOCUMENT_BYTES_MAX + 1)
    if len(document) > DOCUMENT_BYTES_MAX:
        raise ValueError("the key set is too large")
    keys: dict[str, jwt.PyJWK] = {}
    for entry in json.loads(document)["keys"]:
        if entry.get("kty") in {"RSA", "EC"} and entry.get("use", "sig") == "sig":
            key = jwt.PyJWK.from_dict(entry)
            keys[str(entry.get("kid", ""))] = key
    return keys
