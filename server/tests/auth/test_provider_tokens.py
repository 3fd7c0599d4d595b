"""Which tokens of an identity provider are taken."""

import json
from collections.abc import Mapping

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from token_making import EC, NEW, NOW, RSA, by_hand, jwk, refusal, verify

from riverd.auth.tokens import Verifier
from riverd.errors import ErrorCode


def public_pem() -> bytes:
    return RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.fixture
def with_provider() -> Verifier:
    """Return a verifier that also knows an identity provider's two keys."""
    verifier = Verifier([NEW])
    verifier.use_public_keys([jwk(RSA, "r"), jwk(EC, "e")])
    return verifier


def test_a_public_key_is_no_secret(with_provider: Verifier) -> None:
    for secret in (public_pem(), public_pem().strip(), RSA.public_key().public_numbers().n):
        raw = secret if isinstance(secret, bytes) else str(secret).encode()
        for kid in ("r", "e", ""):
            header = json.dumps({"alg": "HS256", "kid": kid}).encode()
            confused = by_hand(header, b'{"sub":"ann"}', raw)
            assert refusal(confused, with_provider) is ErrorCode.TOKEN_INVALID


def test_a_secret_is_no_public_key(with_provider: Verifier) -> None:
    for algorithm in ("RS256", "ES256"):
        header = json.dumps({"alg": algorithm, "kid": "r"}).encode()
        assert refusal(by_hand(header, b'{"sub":"a"}'), with_provider) is ErrorCode.TOKEN_INVALID
    assert refusal(by_hand(b'{"alg":"RS256"}', b'{"sub":"a"}')) is ErrorCode.TOKEN_INVALID


def test_tokens_of_the_identity_provider_are_taken(with_provider: Verifier) -> None:
    for private, algorithm, kid in ((RSA, "RS256", "r"), (EC, "ES256", "e")):
        made = jwt.encode({"sub": "ann"}, private, algorithm=algorithm, headers={"kid": kid})
        assert verify(made, with_provider).user == "ann"
        assert refusal(made) is ErrorCode.TOKEN_INVALID


def test_only_the_named_key_verifies(with_provider: Verifier) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for private, headers in (
        (stranger, {"kid": "r"}),
        (RSA, {"kid": "unknown"}),
        (RSA, {"kid": "e"}),
        (RSA, {}),
    ):
        made = jwt.encode({"sub": "ann"}, private, algorithm="RS256", headers=headers)
        assert refusal(made, with_provider) is ErrorCode.TOKEN_INVALID


def test_a_key_that_came_with_the_token_is_not_used(with_provider: Verifier) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    own: Mapping[str, object] = json.loads(
        jwt.algorithms.RSAAlgorithm.to_jwk(stranger.public_key())
    )
    headers = {"kid": "r", "jwk": own, "jku": "https://example.org/keys"}
    made = jwt.encode({"sub": "ann"}, stranger, algorithm="RS256", headers=headers)
    assert refusal(made, with_provider) is ErrorCode.TOKEN_INVALID


def test_keys_that_were_replaced_are_gone(with_provider: Verifier) -> None:
    made = jwt.encode({"sub": "ann"}, RSA, algorithm="RS256", headers={"kid": "r"})
    with_provider.use_public_keys([jwk(EC, "e"), jwk(EC, "f")])
    assert refusal(made, with_provider) is ErrorCode.TOKEN_INVALID
    assert with_provider.misses_key


def test_expiry_is_checked_on_the_providers_tokens_too(with_provider: Verifier) -> None:
    claims = {"sub": "ann", "exp": NOW - 1}
    made = jwt.encode(claims, RSA, algorithm="RS256", headers={"kid": "r"})
    assert refusal(made, with_provider) is ErrorCode.TOKEN_EXPIRED


def test_the_only_key_of_a_provider_needs_no_key_id() -> None:
    named = jwt.encode({"sub": "ann"}, RSA, algorithm="RS256", headers={"kid": "r"})
    unnamed = jwt.encode({"sub": "ann"}, RSA, algorithm="RS256")
    verifier = Verifier([])
    verifier.use_public_keys([jwk(RSA, "r")])
    assert verify(unnamed, verifier).user == "ann"
    verifier.use_public_keys([jwk(RSA, None)])
    assert verify(named, verifier).user == verify(unnamed, verifier).user == "ann"
    assert not verifier.misses_key
    verifier.use_public_keys([jwk(RSA, None), jwk(EC, "e")])
    assert refusal(unnamed, verifier) is ErrorCode.TOKEN_INVALID
    assert verifier.misses_key
