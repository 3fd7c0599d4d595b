"""Which tokens prove who a client is, and which do not."""

import json
import re

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from token_making import (
    NEW,
    NOW,
    OLD,
    PLAIN,
    RSA,
    acquainted,
    b64,
    by_hand,
    outcome,
    refusal,
    signed,
    token,
    verify,
)

from riverd.auth.claims import INFO_BYTES_MAX
from riverd.auth.tokens import TOKEN_LENGTH_MAX, Signer, Verifier
from riverd.channels.grants import Grants, may_subscribe
from riverd.errors import ErrorCode, TokenError
from riverd.model.claims import Claims

ODD_BODIES = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"{",
    b"\xff",
    b'{"sub":"ann"} ',
    b'{"sub":"ann"}x',
    b'{"sub":"ann","exp":NaN}',
    b'{"sub":"ann","exp":1}',
    b'{"sub":"ann","nbf":9999999999}',
    b'{"sub":"ann","sub":"bob"}',
    b'{"sub":"\\ud800"}',
    '{"sub":"ann"}'.encode("utf-16"),
    '\ufeff{"sub":"ann"}'.encode(),
    b'{"sub":"ann","x":' + b"[" * 4_000 + b"]" * 4_000 + b"}",
    b'{"sub":"ann","x":1' + b"0" * 5_000 + b"}",
]


def test_a_signed_token_says_who_and_what() -> None:
    grants = Grants(("room-*",), ("room-1",), ("private-user-*",))
    made = Signer(NEW).sign("ann", now=NOW, ttl_s=60, grants=grants, info={"name": "Ann"})
    expected = Claims("ann", NOW + 60, grants, b'{"name":"Ann"}', issued_at=NOW)
    assert verify(made) == expected


def test_a_token_of_any_library_will_do_with_just_a_sub() -> None:
    assert verify(token(sub="ann")) == Claims("ann")


def test_grants_that_are_not_named_are_those_of_everybody() -> None:
    assert verify(token(sub="ann", river={})).grants == Grants()
    assert verify(token(sub="ann", river={"publish": ["a"]})).grants == Grants(None, ("a",))
    assert verify(token(sub="ann", river={"subscribe": []})).grants == Grants(())


@pytest.mark.parametrize(
    "candidate",
    [
        "",
        ".",
        "..",
        "...",
        "garbage",
        "a.b.c",
        "\x00",
        "é.é.é",
        "\ud800.\ud800.\ud800",
        token(sub="ann")[:-1],
        token(sub="ann") + ".",
        " " + token(sub="ann") + "x",
        "x" * (TOKEN_LENGTH_MAX + 1),
        by_hand(b"{}", b"{}"),
        by_hand(b"[]", b"{}"),
        by_hand(b"null", b"{}"),
        by_hand(b'{"alg":5}', b"{}"),
        by_hand(b'{"alg":["HS256"]}', b"{}"),
        by_hand(b'{"alg":null}', b"{}"),
        by_hand(b'{"alg":"\\ud800"}', b"{}"),
        by_hand(b'{"alg":"HS256","kid":5}', b'{"sub":"ann"}'),
        by_hand(b'{"alg":"HS256","b64":false}', b'{"sub":"ann"}'),
        by_hand(b'{"alg":"HS256","crit":["exp"]}', b'{"sub":"ann"}'),
        by_hand(b'{"alg":"HS256","x":' + b"[" * 9_000, b"{}"),
        by_hand(b'{"alg":"HS256","x":' + b"[" * 4_000 + b"]" * 4_000 + b"}", b"{}"),
        by_hand(b'{"alg":"HS256","x":1' + b"0" * 5_000 + b"}", b"{}"),
        signed(b"\xff"),
        signed(b"[]"),
        signed(b"null"),
        signed(b"{"),
    ],
    ids=lambda candidate: ascii(candidate)[:30],
)
def test_what_is_no_token_is_refused(candidate: str) -> None:
    assert refusal(candidate) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize("candidate", ODD_BODIES, ids=lambda body: ascii(body)[:30])
def test_a_token_with_a_known_header_is_judged_as_by_pyjwt(candidate: bytes) -> None:
    verifier, made = acquainted(NEW, OLD), by_hand(PLAIN, candidate)
    assert outcome(made, verifier) == outcome(made, Verifier([NEW, OLD]))


@given(
    st.integers(0, 200),
    st.integers(0, 3),
    st.text(st.sampled_from("abzAZ019-_=.+/ \n\x00é\ud800"), max_size=3),
    st.sampled_from([NEW, OLD, "2" * 64]),
)
def test_a_changed_token_with_a_known_header_is_judged_as_by_pyjwt(
    at: int, removed: int, put: str, secret: str
) -> None:
    whole = by_hand(PLAIN, b'{"sub":"ann","exp":1700000060}', secret.encode())
    candidate = whole[:at] + put + whole[at + removed :]
    verifier = acquainted(NEW, OLD)
    assert outcome(candidate, verifier) == outcome(candidate, Verifier([NEW, OLD]))


def test_a_signature_says_the_same_with_its_padding() -> None:
    made = token(sub="ann")
    assert verify(f"{made}=", acquainted(NEW)) == verify(f"{made}=") == Claims("ann")


def test_headers_that_say_more_than_usual_are_not_remembered() -> None:
    verifier = Verifier([NEW])
    for header in (b'{"alg":"HS256","x":1}', b'{"alg":"HS256","kid":"%b"}' % (b"k" * 300)):
        assert verify(by_hand(header, b'{"sub":"ann"}'), verifier).user == "ann"
    assert not verifier._known._headers
    for number in range(1_000):
        verify(by_hand(b'{"alg":"HS256","kid":"%d"}' % number, b'{"sub":"ann"}'), verifier)
    assert len(verifier._known._headers) < 100


def test_the_header_of_a_forged_token_is_not_remembered() -> None:
    verifier = Verifier([NEW])
    assert refusal(token(OLD, sub="ann"), verifier) is ErrorCode.TOKEN_INVALID
    assert not verifier._known._headers


def test_an_unsigned_token_is_refused() -> None:
    unsigned = jwt.encode({"sub": "ann"}, None, algorithm="none")
    assert refusal(unsigned) is ErrorCode.TOKEN_INVALID
    for name in ("none", "None", "NONE", "nOnE", ""):
        header = json.dumps({"alg": name}).encode()
        payload = b64(b'{"sub":"ann"}')
        assert refusal(f"{b64(header)}.{payload}.") is ErrorCode.TOKEN_INVALID
        assert refusal(by_hand(header, b'{"sub":"ann"}')) is ErrorCode.TOKEN_INVALID


def test_an_unsigned_token_that_calls_itself_hs256_is_refused() -> None:
    head, payload, _ = token(sub="ann").split(".")
    assert refusal(f"{head}.{payload}.") is ErrorCode.TOKEN_INVALID
    assert refusal(f"{head}.{payload}") is ErrorCode.TOKEN_INVALID


def test_other_algorithms_are_refused_even_with_the_right_secret() -> None:
    for algorithm in ("HS384", "HS512"):
        made = jwt.encode({"sub": "ann"}, NEW * 2, algorithm=algorithm)
        assert refusal(made, Verifier([NEW * 2])) is ErrorCode.TOKEN_INVALID
    made = jwt.encode({"sub": "ann"}, RSA, algorithm="RS512", headers={"kid": "r"})
    assert refusal(made) is ErrorCode.TOKEN_INVALID


def test_a_wrong_secret_is_refused() -> None:
    assert refusal(token("2" * 64, sub="ann")) is ErrorCode.TOKEN_INVALID
    assert refusal(token(OLD, sub="ann"), Verifier([NEW])) is ErrorCode.TOKEN_INVALID
    assert refusal(token(sub="ann"), Verifier([])) is ErrorCode.TOKEN_INVALID


def test_every_secret_verifies_during_a_rotation() -> None:
    for order in ([NEW, OLD], [OLD, NEW]):
        for secret in (NEW, OLD):
            assert verify(token(secret, sub="ann"), Verifier(order)).user == "ann"


def test_a_changed_token_is_refused() -> None:
    head, _, signature = token(sub="ann").split(".")
    other = b64(b'{"sub":"bob"}')
    assert refusal(f"{head}.{other}.{signature}") is ErrorCode.TOKEN_INVALID


def test_the_issuer_and_the_audience_are_checked_when_they_are_set() -> None:
    verifier = Verifier([NEW], issuer="app", audience="river")
    assert verify(token(sub="ann", iss="app", aud="river"), verifier).user == "ann"
    assert verify(token(sub="ann", iss="app", aud=["x", "river"]), verifier).user == "ann"
    for parties in (
        {},
        {"iss": "app"},
        {"aud": "river"},
        {"iss": "other", "aud": "river"},
        {"iss": "app", "aud": "other"},
        {"iss": "app", "aud": []},
        {"iss": "app", "aud": {"river": 1}},
        {"iss": "app", "aud": "x river"},
    ):
        made = jwt.PyJWS().encode(json.dumps({"sub": "ann", **parties}).encode(), NEW)
        assert refusal(made, verifier) is ErrorCode.TOKEN_INVALID


def test_a_signer_names_the_parties_that_its_verifiers_expect() -> None:
    made = Signer(NEW, issuer="app", audience="river").sign("ann", now=NOW, ttl_s=60)
    assert verify(made, Verifier([NEW], issuer="app", audience="river")).user == "ann"


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b'{"sub":null}',
        b'{"sub":5}',
        b'{"sub":""}',
        b'{"sub":["ann"]}',
        b'{"sub":"' + b"x" * 257 + b'"}',
        b'{"sub":"\\ud800"}',
    ],
)
def test_a_user_is_a_text_of_1_to_256_characters(payload: bytes) -> None:
    assert refusal(signed(payload)) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize(
    "river",
    [
        b"null",
        b"[]",
        b'"all"',
        b'{"subscribe":"*"}',
        b'{"subscribe":[5]}',
        b'{"subscribe":{"a":1}}',
        b'{"publish":"*"}',
        b'{"publish":null}',
        b'{"publish":[null]}',
        b'{"info":"x"}',
        b'{"info":[1]}',
        b'{"subscribe":[' + b",".join([b'"a"'] * 101) + b"]}",
        b'{"publish":[' + b",".join([b'"a"'] * 101) + b"]}",
        b'{"info":{"a":"' + b"x" * INFO_BYTES_MAX + b'"}}',
        b'{"info":{"a":"\\ud800"}}',
        b'{"info":{"\\ud800":1}}',
        b'{"info":{"a":' + b"[" * 2_000 + b"]" * 2_000 + b"}}",
        b'{"info":{"a":1' + b"0" * 4_200 + b"}}",
    ],
    ids=lambda river: ascii(river)[:30],
)
def test_a_river_claim_of_another_shape_is_refused(river: bytes) -> None:
    assert refusal(signed(b'{"sub":"ann","river":%b}' % river)) is ErrorCode.TOKEN_INVALID


def test_the_info_is_json_again() -> None:
    info = b'{"a":[1,2.5,null,true,"\\u00e9"],"b":{"c":123456789012345678901234567890}}'
    found = verify(signed(b'{"sub":"ann","river":{"info":%b}}' % info)).info
    assert found is not None
    assert json.loads(found) == json.loads(info)


def test_of_a_claim_that_is_there_twice_the_last_counts() -> None:
    # RFC 7519, section 4: refuse, or take the lexically last one.
    assert verify(signed(b'{"sub":"ann","sub":"bob"}')).user == "bob"
    twice = b'{"sub":"ann","exp":%d,"exp":%d}' % (NOW + 60, NOW - 60)
    assert refusal(signed(twice)) is ErrorCode.TOKEN_EXPIRED


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["sub", "exp", "nbf", "iss", "aud", "iat", "jti", "river"]), json_values
    )
)
@example({"sub": "ann", "iat": "yesterday", "jti": 5})
def test_whatever_a_signed_token_holds_it_is_taken_or_refused(claims: dict[str, object]) -> None:
    verifier = Verifier([NEW], issuer="app", audience="river")
    candidate = signed(json.dumps(claims).encode())
    for one in (verifier, Verifier([NEW])):
        try:
            verify(candidate, one)
        except TokenError as error:
            error.message.encode()


@pytest.mark.parametrize("head", [PLAIN, b'{"alg":"HS256","kid":"1"}'])
def test_a_secret_that_was_replaced_is_gone(head: bytes) -> None:
    verifier = Verifier([OLD])
    old = by_hand(head, b'{"sub":"ada"}', OLD.encode())
    assert verify(old, verifier).user == "ada"
    verifier.use_secrets([NEW])
    assert verify(by_hand(head, b'{"sub":"ada"}', NEW.encode()), verifier).user == "ada"
    assert refusal(old, verifier) is ErrorCode.TOKEN_INVALID


def test_a_token_over_the_limit_is_refused_though_its_header_is_known() -> None:
    long = by_hand(PLAIN, b'{"sub":"ada","x":"%b"}' % (b"x" * TOKEN_LENGTH_MAX))
    assert refusal(long, acquainted(NEW)) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize(
    ("river", "said"),
    [
        (b'{"chanels":["a"]}', "unknown key 'chanels': did you mean channels?"),
        (b'{"subscribe":["*"],"exp":1}', "unknown key 'exp': the keys are subscribe"),
    ],
)
def test_an_unknown_key_in_the_river_claim_is_named_with_a_guess(river: bytes, said: str) -> None:
    with pytest.raises(TokenError, match=re.escape(said)):
        verify(signed(b'{"sub":"ann","river":%b}' % river))


def test_granted_channel_names_are_taken_literally() -> None:
    claims = verify(token(sub="*", river={"channels": ["private-user-*", "private-[a]"]}))
    assert may_subscribe(claims.grants, "private-user-*")
    assert may_subscribe(claims.grants, "public")
    for name in ("private-user-ann", "private-a", "private-other"):
        assert not may_subscribe(claims.grants, name)


def test_channels_to_join_are_granted_and_have_to_be_names() -> None:
    claims = verify(token(sub="ann", river={"join": ["private-a"], "subscribe": []}))
    assert claims.join == ("private-a",)
    assert may_subscribe(claims.grants, "private-a")
    with pytest.raises(TokenError, match=r"river\.join"):
        verify(token(sub="ann", river={"join": ["no name"]}))
