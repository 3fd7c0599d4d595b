"""Fetches the public keys of an identity provider, and again when they change (RFC 7517)."""

import asyncio
import time
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.request import Request

import jwt
import msgspec

from riverd.auth.tokens import Verifier
from riverd.scheduling.backoff import Backoff
from riverd.service.background_threads import BackgroundThreads

FETCH_TIMEOUT_S = 5.0
FETCH_S_MAX = 15.0
DOCUMENT_BYTES_MAX = 262_144
REFRESH_S = 600.0
AGAIN_S_MIN = 5.0
ALGORITHMS = (None, "RS256", "ES256")
USES = (None, "sig")
RETRY_S_FIRST = 0.5
LOOK_S = 0.5
_PIECE_BYTES = 65_536

Keys = Sequence[jwt.PyJWK]


class _Key(msgspec.Struct, omit_defaults=True):
    """What is used of a key. RSA keys have `n` and `e`, those on curves `crv`, `x` and `y`."""

    kty: str
    kid: str | None = None
    use: str | None = None
    alg: str | None = None
    n: str | None = None
    e: str | None = None
    crv: str | None = None
    x: str | None = None
    y: str | None = None


class _KeySet(msgspec.Struct):
    keys: list[msgspec.Raw]


class IdentityProvider:
    """Keeps a verifier's public keys those that stand at a URL."""

    def __init__(
        self, url: str, verifier: Verifier, *, failed: Callable[[Exception], None]
    ) -> None:
        self._url = url
        self._verifier = verifier
        self._failed = failed
        self._threads = BackgroundThreads()

    async def run(self) -> None:
        """Fetch now, every ten minutes, and within seconds of a token with an unknown key."""
        retry = Backoff(RETRY_S_FIRST, AGAIN_S_MIN)
        while True:
            try:
                async with asyncio.timeout(FETCH_S_MAX):
                    keys = await self._threads.run(lambda: _fetch(self._url))
            except (OSError, ValueError) as error:
                # The keys that are known stay good: a provider that is away locks nobody out.
                self._failed(error)
                await asyncio.sleep(retry.next_s())
                continue
            retry.reset()
            self._verifier.use_public_keys(keys)
            await self._until_stale()

    async def _until_stale(self) -> None:
        # Who makes up key ids cannot have the provider asked more often than this.
        await asyncio.sleep(AGAIN_S_MIN)
        for _ in range(int((REFRESH_S - AGAIN_S_MIN) / LOOK_S)):
            if self._verifier.misses_key:
                return
            await asyncio.sleep(LOOK_S)


def _fetch(url: str) -> Keys:
    """The keys at a URL.

    Raises:
        OSError: the provider cannot be reached.
        ValueError: it gave something else than keys that can be used.
    """
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310  checked in settings
    opener = urllib.request.build_opener(_SecureRedirects)
    try:
        with opener.open(request, timeout=FETCH_TIMEOUT_S) as answer:
            document = _read(answer)
    except HTTPException as error:
        raise OSError(f"no HTTP answer: {error!r}") from None
    keys = _usable(document)
    if not keys:
        raise ValueError("there is no key of use in the key set")
    return keys


class _SecureRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect from https to http: in clear anybody could give keys of their own."""

    def redirect_request(self, req: Request, *args: Any, **more: Any) -> Request | None:
        """The request to follow with.

        Raises:
            OSError: it would be in clear.
        """
        again = super().redirect_request(req, *args, **more)
        if again is not None and req.type == "https" and again.type != "https":
            raise OSError(f"it redirects from https to {again.type}")
        return again


def _read(answer: HTTPResponse) -> bytes:
    """The document, or one byte too much. Each piece may take FETCH_TIMEOUT_S."""
    until = time.monotonic() + FETCH_S_MAX
    document = b""
    while len(document) <= DOCUMENT_BYTES_MAX and (piece := answer.read1(_PIECE_BYTES)):
        if time.monotonic() > until:
            raise TimeoutError("the key set does not come to its end")
        document += piece
    return document


def _usable(document: bytes) -> Keys:
    """The keys in a key set that can verify RS256 or ES256; what else it has is passed over.

    Raises:
        ValueError: it is no key set.
    """
    if len(document) > DOCUMENT_BYTES_MAX:
        raise ValueError("the key set is too large")
    try:
        entries = msgspec.json.decode(document, type=_KeySet).keys
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"that is no key set: {error}") from None
    keys: list[jwt.PyJWK] = []
    for entry in entries:
        try:
            key = msgspec.json.decode(entry, type=_Key)
            if key.kty in {"RSA", "EC"} and key.use in USES and key.alg in ALGORITHMS:
                keys.append(jwt.PyJWK.from_dict(msgspec.to_builtins(key)))
        except (msgspec.DecodeError, jwt.PyJWTError, ValueError):
            continue
    return keys
