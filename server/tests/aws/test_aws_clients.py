"""Publishing with a token of an identity provider, behind API Gateway's JWT authorizer."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from lambdas import Lambda, new_channel
from redis_server import RedisServer

ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example"


def token(**claims: object) -> str:
    """A token as an identity provider signs it; only API Gateway looks at the signature."""
    usual = {"sub": "ann", "iss": ISSUER, "exp": 2_000_000_000, "iat": 1_900_000_000}
    given = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    return jwt.encode(given, "k" * 32, algorithm="HS256")


def verified(proof: str) -> dict[str, Any]:
    """What the authorizer says of a token that it has verified: each claim as a text."""
    claims = jwt.decode(proof, options={"verify_signature": False})
    texts = {name: _written(value) for name, value in claims.items()}
    return {"jwt": {"claims": texts, "scopes": None}}


def _written(value: object) -> str:
    if isinstance(value, dict):
        inner = (f"{name}:{_written(one)}" for name, one in sorted(value.items()))
        return f"map[{' '.join(inner)}]"
    if isinstance(value, list):
        return f"[{' '.join(map(_written, value))}]"
    return str(value)


Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def as_client(river_lambda: Lambda) -> Ask:
    """Return what asks with a token, below /oidc/ and without a key."""

    def ask(path: str, body: object, proof: str, *, authorizer: Any = None) -> tuple[int, Any]:
        headers = {"x-api-key": "", "authorization": f"Bearer {proof}"}
        seen = verified(proof) if authorizer is None else authorizer
        return river_lambda.ask("POST", f"/oidc{path}", body, headers=headers, authorizer=seen)

    return ask


@pytest.mark.parametrize("path", ["/publish", "/publish/batch"])
def test_a_client_is_not_shown_what_redis_said(
    as_client: Ask, river_lambda: Lambda, redis: RedisServer, path: str
) -> None:
    channel = new_channel()
    message: dict[str, object] = {"channel": channel, "event": "e", "data": 1}
    body = message if path == "/publish" else {"messages": [message]}
    river_lambda.publish(channel)
    with redis.client() as client:
        memory = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", 1)
        try:
            shown = as_client(path, body, token(river={"publish": ["*"]}))[1]
            for_back_ends = river_lambda.ask("POST", path, body)[1]
        finally:
            client.config_set("maxmemory", memory)
    assert "ask again later" in json.dumps(shown)
    assert "OOM" in json.dumps(for_back_ends)
    assert "OOM" not in json.dumps(shown)


def test_a_token_publishes_what_it_grants_in_the_clients_name(
    as_client: Ask, river_lambda: Lambda
) -> None:
    channel = f"typing-{new_channel()}"
    proof = token(river={"publish": ["typing-*"], "info": {"name": "x] publish:[*"}})
    message = {"channel": channel, "event": "e", "data": 1}
    assert as_client("/publish", message, proof)[0] == 200
    told = river_lambda.ask("GET", f"/channels/{channel}/history")[1]
    assert [one["user"] for one in told["publications"]] == ["ann"]
    status, told = as_client("/publish", {**message, "channel": "other"}, proof)
    assert (status, told["error"]["code"]) == (403, "forbidden")
    several = {"channels": [channel, "other"], "event": "e"}
    assert as_client("/publish", several, proof)[0] == 403
    batch = {"messages": [message, {**message, "channel": "other"}]}
    results = as_client("/publish/batch", batch, proof)[1]["results"]
    assert [one.get("offset", one.get("error", {}).get("code")) for one in results] == [
        2,
        "forbidden",
    ]


def test_a_token_without_grants_publishes_nothing(as_client: Ask) -> None:
    message = {"channel": "c", "event": "e"}
    for proof in (token(), token(river={}), token(river={"subscribe": ["*"]})):
        assert as_client("/publish", message, proof)[0] == 403


def test_a_token_allows_nothing_but_to_publish(as_client: Ask) -> None:
    proof = token(river={"publish": ["*"], "subscribe": ["*"]})
    for path in ("/tokens", "/users/ann/disconnect", "/nodes/n/drain"):
        status, told = as_client(path, {"user": "bob"}, proof)
        assert (status, told["error"]["code"]) == (403, "forbidden")


def test_without_the_authorizers_word_a_token_is_nothing(
    as_client: Ask, river_lambda: Lambda
) -> None:
    proof = token(river={"publish": ["*"]})
    message = {"channel": "c", "event": "e"}
    for authorizer in ({}, {"lambda": {"jwt": 1}}, {"jwt": None}):
        status, told = as_client("/publish", message, proof, authorizer=authorizer)
        assert (status, told["error"]["code"]) == (401, "unauthenticated")
    # A key does not help there, nor a token elsewhere.
    told = river_lambda.ask("POST", "/oidc/publish", message)
    assert (told[0], told[1]["error"]["code"]) == (401, "unauthenticated")
    headers = {"x-api-key": "", "authorization": f"Bearer {proof}"}
    told = river_lambda.ask(
        "POST", "/publish", message, headers=headers, authorizer=verified(proof)
    )
    assert (told[0], told[1]["error"]["code"]) == (401, "api_key_invalid")


@pytest.mark.parametrize("changed", [{"sub": "bob"}, {"exp": 1}, {"iss": "x"}, {"jti": "1"}])
def test_the_grants_are_those_of_the_token_that_was_verified(
    river_lambda: Lambda, changed: dict[str, object]
) -> None:
    own = token(river={"publish": []})
    forged = token(river={"publish": ["*"]}, **changed)
    for sent in (f"Bearer {forged}", f"Bearer {own},Bearer {forged}", "Bearer x", ""):
        headers = {"x-api-key": "", "authorization": sent}
        told = river_lambda.ask(
            "POST",
            "/oidc/publish",
            {"channel": "c", "event": "e"},
            headers=headers,
            authorizer=verified(own),
        )
        assert (told[0], told[1]["error"]["code"]) == (401, "token_invalid")


def test_user_who_was_logged_out_or_blocked_publishes_no_more(
    as_client: Ask, river_lambda: Lambda
) -> None:
    channel, user = new_channel(), f"ann {new_channel()}"
    now = int(time.time())
    old = token(sub=user, iat=now - 60, river={"publish": ["*"]})
    message = {"channel": channel, "event": "e", "data": 1}
    batch = {"messages": [message]}
    assert as_client("/publish", message, old)[0] == 200
    query = f"?user={quote(user)}"
    assert river_lambda.ask("POST", f"/users/-/disconnect{query}", {"revoke": True})[0] == 200
    ageless = token(sub=user, river={"publish": ["*"]}, iat=None)
    for path, body in (("/publish", message), ("/publish/batch", batch)):
        status, answer = as_client(path, body, old)
        assert (status, answer["error"]["code"]) == (401, "token_revoked")
    assert as_client("/publish", message, ageless)[0] == 401
    newer = token(sub=user, iat=now + 60, river={"publish": ["*"]})
    assert as_client("/publish", message, newer)[0] == 200
    assert river_lambda.ask("POST", f"/users/-/block{query}", {"until": None})[0] == 200
    status, answer = as_client("/publish", message, newer)
    assert (status, answer["error"]["code"]) == (403, "user_blocked")
    assert river_lambda.ask("DELETE", f"/users/-/block{query}")[0] == 200
    assert as_client("/publish", message, newer)[0] == 200
    ancient = token(sub=user, iat=now - 31 * 86_400, exp=now + 60, river={"publish": ["*"]})
    assert as_client("/publish", message, ancient)[1]["error"]["code"] == "token_expired"
