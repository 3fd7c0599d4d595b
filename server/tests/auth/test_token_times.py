"""From when to when a token is good."""

import pytest
from token_making import NEW, NOW, outcome, refusal, signed, token, verify

from riverd.auth.tokens import Verifier
from riverd.errors import ErrorCode, TokenError
from riverd.model.claims import Claims


def test_a_token_ends_with_the_second_that_it_names() -> None:
    assert verify(token(sub="ann", exp=NOW + 1)).expires_at == NOW + 1
    assert verify(token(sub="ann", exp=NOW + 0.5)).expires_at == NOW + 0.5
    for exp in (NOW, NOW - 1, 0, -5):
        assert refusal(token(sub="ann", exp=exp)) is ErrorCode.TOKEN_EXPIRED


def test_a_token_begins_with_the_second_that_it_names() -> None:
    assert verify(token(sub="ann", nbf=NOW)).user == "ann"
    assert refusal(token(sub="ann", nbf=NOW + 1)) is ErrorCode.TOKEN_NOT_YET_VALID


@pytest.mark.parametrize(
    "value",
    [b'"1"', b"true", b"[]", b"{}", b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1" + b"0" * 400],
)
@pytest.mark.parametrize("name", [b"exp", b"nbf"])
def test_a_time_that_is_no_number_is_refused(name: bytes, value: bytes) -> None:
    candidate = signed(b'{"sub":"ann","%b":%b}' % (name, value))
    assert refusal(candidate) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize(
    ("claim", "ahead_s", "code"),
    [
        ("nbf", 5, None),
        ("nbf", 5.5, ErrorCode.TOKEN_NOT_YET_VALID),
        ("iat", 5, None),
        ("iat", 5.5, ErrorCode.TOKEN_NOT_YET_VALID),
        ("exp", -4.5, None),
        ("exp", -5, ErrorCode.TOKEN_EXPIRED),
    ],
)
def test_clocks_may_differ_by_the_leeway(
    claim: str, ahead_s: float, code: ErrorCode | None
) -> None:
    candidate = token(sub="ann", **{claim: NOW + ahead_s})
    found = outcome(candidate, Verifier([NEW], leeway_s=5))
    assert isinstance(found, Claims) if code is None else found[0] is code  # type: ignore[index]


def test_a_connection_ends_with_its_token_and_the_leeway() -> None:
    claims = verify(token(sub="ann", exp=NOW + 60), Verifier([NEW], leeway_s=5))
    assert (claims.expires_at, claims.ends_at) == (NOW + 60, NOW + 65)
    assert verify(token(sub="ann"), Verifier([NEW], leeway_s=5)).ends_at is None


def test_a_refusal_for_a_clock_that_is_ahead_says_by_how_much() -> None:
    with pytest.raises(TokenError, match="nbf is 90 s ahead of the server's clock"):
        verify(token(sub="ann", nbf=NOW + 90))
