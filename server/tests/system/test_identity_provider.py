"""Tokens of an identity provider, whose public keys River fetches."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from river_client import token, visitor
from river_process import SECRET, Start

from riverd.service import jwks as provider

ISSUER, AUDIENCE = "https://identity.example", "river"
FIRST = rsa.generate_private_key(65_537, 2_048)
SECOND = rsa.generate_private_key(65_537, 2_048)
CURVE = ec.generate_private_key(ec.SECP256R1())
JUNK: list[object] = [
    7,
    {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": "AAAA"},
    {"kty": "oct", "kid": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
    {"kty": "EC", "kid": "odd", "crv": "P-0", "x": "AA", "y": "AA"},
    {"kty": "RSA", "kid": "half", "n": "AQAB"},
    {"kty": "RSA", "kid": "number", "n": 5, "e": "AQAB"},
    {"kty": "RSA", "kid": "none", "n": "AQAB", "e": "AQAB", "alg": "none"},
]

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def published(key: Private, kid: str, **more: str) -> dict[str, Any]:
    """The key as a provider publishes it."""
    if isinstance(key, rsa.RSAPrivateKey):
        entry = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        entry = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**entry, "kid": kid, **more}


def signed(key: Private | str, kid: str, *, algorithm: str, **claims: object) -> str:
    """A token of the provider's."""
    usual = {"sub": "ann", "exp": int(time.time()) + 600, "iss": ISSUER, "aud": AUDIENCE}
    headers = {"kid": kid} if kid else None
    return jwt.encode({**usual, **claims}, key, algorithm=algorithm, headers=headers)


class Identity(ThreadingHTTPServer):
    """A provider on loopback. `says` is what it answers, in whole or as a key set."""

    daemon_threads = True

    def __init__(self, says: object, port: int = 0) -> None:
        self.says = says
        self.ending = threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/keys"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        says = cast("Identity", self.server).says
        if isinstance(says, bytes):
            self.wfile.write(says)
        elif says is None:
            self._drip()
        else:
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(says).encode())

    def _drip(self) -> None:
        """An answer that never ends, always a bit before one would give up on it."""
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        while not cast("Identity", self.server).ending.wait(0.5):
            self.wfile.write(b" ")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quietly."""


@contextmanager
def identity(says: object, port: int = 0) -> Iterator[Identity]:
    server = Identity(says, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


async def is_taken(url: str, proof: str) -> bool:
    """Whether a token opens a connection."""
    async with visitor(url, Authorization=f"Bearer {proof}") as client:
        await client.expect("welcome")
        told = await client.next()
        if told["type"] == "error":
            assert told["code"] == "token_invalid"
            assert (await client.ends())[0] == 4401
        return told["type"] == "authenticated"


async def taken_in_time(url: str, proof: str) -> None:
    """Wait until a token is taken: the keys are fetched again within seconds."""
    async with asyncio.timeout(60):
        while not await is_taken(url, proof):
            await asyncio.sleep(0.2)


def confused() -> str:
    """An HS256 token whose secret is the provider's public key, which everybody knows."""
    secret = FIRST.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body = signed("x" * 32, "first", algorithm="HS256").split(".")[:2]
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        f"{head}.{body}".encode(), secret
    )
    return f"{head}.{body}.{jwt.utils.base64url_encode(signature).decode()}"


async def test_provider_and_secrets_vouch_for_tokens_and_nobody_else(start: Start) -> None:
    keys = [*JUNK, published(FIRST, "first"), published(CURVE, "curve", use="sig", alg="ES256")]
    with identity({"keys": [*keys, published(SECOND, "sealing", use="enc")]}) as provided:
        settings = {
            "RIVER_JWKS_URL": provided.url,
            "RIVER_JWT_ISSUER": ISSUER,
            "RIVER_JWT_AUDIENCE": AUDIENCE,
        }
        url = start("gateway", settings=settings).url
        await taken_in_time(url, signed(FIRST, "first", algorithm="RS256"))
        assert await is_taken(url, signed(CURVE, "curve", algorithm="ES256"))
        assert await is_taken(url, token(iss=ISSUER, aud=[AUDIENCE, "else"]))
        for bad in (
            token(),
            confused(),
            signed(FIRST, "first", algorithm="RS256", iss="https://evil.example"),
            signed(FIRST, "first", algorithm="RS256", aud="somebody"),
            signed(FIRST, "curve", algorithm="RS256"),
            signed(FIRST, "first", algorithm="RS512"),
            signed(FIRST, "first", algorithm="PS256"),
            signed(SECOND, "first", algorithm="RS256"),
            signed(SECOND, "sealing", algorithm="RS256"),
            signed(SECOND, "unheard-of", algorithm="RS256"),
            signed(FIRST, "", algorithm="RS256"),
            jwt.encode({"sub": "ann", "iss": ISSUER, "aud": AUDIENCE}, "", algorithm="none"),
        ):
            assert not await is_taken(url, bad), jwt.get_unverified_header(bad)


@pytest.mark.parametrize("unused", [{}, {"kid": None}, {"kid": None, "use": None, "alg": None}])
async def test_only_key_of_a_provider_needs_no_name(start: Start, unused: dict[str, None]) -> None:
    key = published(FIRST, "first") | unused
    with identity({"keys": [*JUNK, key]}) as provided:
        url = start("gateway", settings={"RIVER_JWKS_URL": provided.url}).url
        await taken_in_time(url, signed(FIRST, "", algorithm="RS256"))
        assert await is_taken(url, signed(FIRST, "first", algorithm="RS256"))
        assert not await is_taken(url, signed(SECOND, "first", algorithm="RS256"))


async def test_provider_may_be_away_at_the_start_and_change_its_keys(start: Start) -> None:
    with identity({}) as provided:
        port = provided.server_port
    # A River without secrets, which knows nobody until the provider is there.
    settings = {"RIVER_JWKS_URL": provided.url, "RIVER_SECRETS": ""}
    river = start("gateway", settings=settings)
    first = signed(FIRST, "first", algorithm="RS256")
    river.event("public_keys_missing")
    assert not await is_taken(river.url, first)
    assert not await is_taken(river.url, token())
    with identity({"keys": [published(FIRST, "first")]}, port) as provided:
        await taken_in_time(river.url, first)
        provided.says = {"keys": [published(SECOND, "second")]}
        assert await is_taken(river.url, first)
        await taken_in_time(river.url, signed(SECOND, "second", algorithm="RS256"))
        assert not await is_taken(river.url, first)
    # It is away again: what is known stays good.
    assert await is_taken(river.url, signed(SECOND, "second", algorithm="RS256"))


async def test_provider_that_never_finishes_does_not_hold_a_stop(start: Start) -> None:
    with identity(None) as provided:
        river = start("gateway", settings={"RIVER_JWKS_URL": provided.url})
        assert await is_taken(river.url, token(secret=SECRET))
        await asyncio.to_thread(river.stop)


@pytest.mark.parametrize(
    "says",
    [
        b"NONSENSE\r\n\r\n",
        b"",
        b"HTTP/1.0 500 Oh\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n\xff",
        b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 100_000,
        b"HTTP/1.0 200 OK\r\n\r\n" + b" " * 300_000 + b'{"keys":[]}',
        b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\n{",
        [],
        {"keys": 7},
        {"keys": []},
        {"keys": JUNK},
    ],
)
def test_nonsense_of_a_provider_is_an_error_that_is_told(says: object) -> None:
    with identity(says) as provided, pytest.raises((OSError, ValueError)):
        provider._fetch(provided.url)


def test_one_odd_key_does_not_spoil_the_others() -> None:
    with identity({"keys": [*JUNK, published(FIRST, "first"), *JUNK]}) as provided:
        keys = provider._fetch(provided.url)
    assert [key.key_id for key in keys] == ["first"]
