"""Tokens that none of the secrets has signed cost no more than those that one has."""

import jwt
import pytest

from riverd.auth.tokens import Signer, Verifier
from riverd.errors import TokenError

SECRET = "a-secret-of-32-bytes-or-more-here-1"
OTHER = "another-secret-of-32-bytes-or-more-2"
NOW = 1_000_000.0


def forged(**header: object) -> str:
    claims = {"sub": "ann", "x": "y" * 10_000}
    return jwt.encode(claims, OTHER, algorithm="HS256", headers=dict(header))


@pytest.mark.parametrize("header", [{}, {"kid": "unknown"}])
def test_forged_token_is_refused_without_the_slow_library(
    monkeypatch: pytest.MonkeyPatch, header: dict[str, object]
) -> None:
    token = forged(**header)

    def slow(*_: object) -> None:
        raise AssertionError("it decodes character by character")

    monkeypatch.setattr(jwt, "get_unverified_header", slow)
    verifier = Verifier([SECRET])
    with pytest.raises(TokenError, match="fits none of the secrets"):
        verifier.verify(token, NOW)
    assert verifier.misses_secret


def test_token_of_any_secret_is_good_whatever_its_header_says() -> None:
    verifier = Verifier([OTHER, SECRET])
    usual = Signer(SECRET).sign("ann", now=NOW, ttl_s=60)
    unusual = jwt.encode({"sub": "ann"}, SECRET, algorithm="HS256", headers={"cty": "x"})
    assert {verifier.verify(one, NOW).user for one in (usual, unusual, usual)} == {"ann"}
    assert not verifier.misses_secret
