"""Tokens of every kind, good and bad, and what a verifier makes of them."""

import base64
import hashlib
import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from riverd.auth.tokens import Verifier
from riverd.errors import ErrorCode, TokenError
from riverd.model.claims import Claims

NOW = 1_700_000_000.0

OLD = "0" * 64

NEW = "1" * 64

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)

PLAIN = b'{"alg":"HS256","typ":"JWT"}'

EC = ec.generate_private_key(ec.SECP256R1())


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def by_hand(header: bytes, payload: bytes, secret: bytes = NEW.encode()) -> str:
    """A token signed as HS256 does it, whatever its parts are."""
    signed = f"{b64(header)}.{b64(payload)}"
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def signed(payload: bytes) -> str:
    return by_hand(b'{"alg":"HS256","typ":"JWT"}', payload)


def token(secret: str = NEW, /, **claims: object) -> str:
    return jwt.encode(claims, secret, algorithm="HS256")


def verify(candidate: str, verifier: Verifier | None = None) -> Claims:
    return (verifier or Verifier([NEW, OLD])).verify(candidate, NOW)


def acquainted(*secrets: str) -> Verifier:
    """A verifier that has seen tokens with the usual heads, and takes a short way with them."""
    verifier = Verifier(secrets)
    for secret in secrets:
        verify(token(secret, sub="ann"), verifier)
        verify(by_hand(PLAIN, b'{"sub":"ann"}', secret.encode()), verifier)
    return verifier


def outcome(candidate: str, verifier: Verifier) -> Claims | tuple[ErrorCode, str]:
    try:
        return verify(candidate, verifier)
    except TokenError as error:
        return error.error, error.message


def refusal(candidate: str, verifier: Verifier | None = None) -> ErrorCode:
    with pytest.raises(TokenError) as caught:
        verify(candidate, verifier)
    caught.value.message.encode()
    return caught.value.error


def jwk(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str | None) -> jwt.PyJWK:
    kind = jwt.algorithms.RSAAlgorithm if isinstance(private, rsa.RSAPrivateKey) else None
    shape = kind or jwt.algorithms.ECAlgorithm
    fields = json.loads(shape.to_jwk(private.public_key()))
    return jwt.PyJWK(fields if kid is None else {**fields, "kid": kid})
