"""Signing and verifying of tokens: keys and time are given (contract, "Tokens")."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import jwt

from riverd.auth.claims import claims_of, invalid, number
from riverd.auth.hs256 import KnownHeaders
from riverd.channels.grants import Grants
from riverd.errors import ErrorCode, TokenError
from riverd.model.claims import Claims

SECRET_BYTES_MIN = 32
TOKEN_LENGTH_MAX = 16_384

_BEGINNINGS = ("nbf", "iat")
_PUBLIC_ALGORITHMS = ("RS256", "ES256")
FITS_NONE = "the token's signature fits none of the secrets"


class Verifier:
    """Says who the holder of a token is.

    HS256 is tried with every secret, which `use_secrets` renews. RS256 and ES256 need the identity
    provider's public keys, which `use_public_keys` gives and renews: a secret never verifies those,
    nor a public key HS256, so that neither can be taken for the other. Clocks may differ by
    `leeway_s`. A token that says when it was issued ends `max_age_s` after that at the latest.
    """

    def __init__(
        self,
        secrets: Sequence[str],
        *,
        issuer: str | None = None,
        audience: str | None = None,
        leeway_s: float = 0,
        max_age_s: float | None = None,
    ) -> None:
        self._known = KnownHeaders()
        self.use_secrets(secrets)
        self._issuer = issuer
        self._audience = audience
        self._leeway_s = leeway_s
        self._max_age_s = max_age_s
        self._public_keys: Sequence[jwt.PyJWK] = ()
        self.misses_key = False
        """A token came whose key is not known: the provider may have a new one."""

    def use_secrets(self, secrets: Sequence[str]) -> None:
        """The secrets from now on. Connections stay until the token that they came with ends."""
        self._keys = tuple(secret.encode() for secret in secrets)
        self._known.use_secrets(self._keys)
        self.misses_secret = False
        """A token came that fits none of the secrets: there may be a new one."""

    def use_public_keys(self, keys: Sequence[jwt.PyJWK]) -> None:
        """The identity provider's keys from now on."""
        self._public_keys = keys
        self.misses_key = False

    def verify(self, token: str, now: float) -> Claims:
        """The claims of a token that is valid at `now` (unix seconds).

        Raises:
            TokenError: token_invalid, token_expired, token_not_yet_valid.
        """
        if len(token) > TOKEN_LENGTH_MAX:
            raise invalid(f"the token is longer than {TOKEN_LENGTH_MAX} characters")
        payload = self._known.payload(token) or self._signed_payload(token)
        issued_at = number(payload, "iat")
        expires_at = self._end(number(payload, "exp"), issued_at)
        if expires_at is not None and expires_at + self._leeway_s <= now:
            raise TokenError(ErrorCode.TOKEN_EXPIRED, "the token has expired")
        self._check_begin(payload, now)
        self._check_parties(payload)
        return claims_of(payload, expires_at, leeway_s=self._leeway_s, issued_at=issued_at)

    def _end(self, expires_at: float | None, issued_at: float | None) -> float | None:
        if issued_at is None or self._max_age_s is None:
            return expires_at
        oldest_at = issued_at + self._max_age_s
        return oldest_at if expires_at is None else min(expires_at, oldest_at)

    def _signed_payload(self, token: str) -> dict[str, Any]:
        if self._known.is_forged(token):
            self.misses_secret = True
            raise invalid(FITS_NONE)
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, UnicodeEncodeError, RecursionError):
            raise invalid("that is not a JSON Web Token") from None
        algorithm = header.get("alg")
        if algorithm == "HS256":
            payload = self._by_secret(token)
            self._known.remember(token, header)
            return payload
        if algorithm in _PUBLIC_ALGORITHMS and self._public_keys:
            return self._by_public_key(token, algorithm, key_id=header.get("kid"))
        raise invalid(f"the algorithm {str(algorithm)[:16]!r} is not accepted")

    def _by_secret(self, token: str) -> dict[str, Any]:
        for key in self._keys:
            try:
                return _decode(token, key, algorithm="HS256")
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError as error:
                raise invalid(f"the token cannot be used: {error}") from None
        self.misses_secret = True
        raise invalid(FITS_NONE)

    def _by_public_key(self, token: str, algorithm: str, *, key_id: str | None) -> dict[str, Any]:
        key = self._public_key(key_id)
        self.misses_key = self.misses_key or key is None
        if key is None or key.algorithm_name != algorithm:
            raise invalid("the token's key is not one of the identity provider's")
        try:
            return _decode(token, key, algorithm=algorithm)
        except jwt.InvalidTokenError as error:
            raise invalid(f"the token cannot be used: {error}") from None

    def _public_key(self, key_id: str | None) -> jwt.PyJWK | None:
        """The key that a token names. One that names none means the provider's only key.

        RFC 7515, section 4.1.4: `kid` is a hint, and optional on both sides.
        """
        if len(self._public_keys) == 1 and None in (key_id, self._public_keys[0].key_id):
            return self._public_keys[0]
        if key_id is None:
            return None
        return next((key for key in self._public_keys if key.key_id == key_id), None)

    def _check_begin(self, payload: Mapping[str, Any], now: float) -> None:
        for name in _BEGINNINGS:
            begins_at = number(payload, name) if name in payload else None
            if begins_at is not None and begins_at - self._leeway_s > now:
                late_s = begins_at - now
                raise TokenError(
                    ErrorCode.TOKEN_NOT_YET_VALID,
                    f"the token's {name} is {late_s:.0f} s ahead of the server's clock",
                )

    def _check_parties(self, payload: Mapping[str, Any]) -> None:
        if self._issuer is not None and payload.get("iss") != self._issuer:
            raise invalid("the token comes from another issuer")
        if self._audience is not None:
            audience = payload.get("aud")
            audiences = cast("list[object]", audience) if isinstance(audience, list) else [audience]
            if self._audience not in audiences:
                raise invalid("the token is for another audience")


class Signer:
    """Makes tokens with the first secret."""

    def __init__(
        self, secret: str, *, issuer: str | None = None, audience: str | None = None
    ) -> None:
        self._secret = secret
        self._parties = {
            name: value for name, value in (("iss", issuer), ("aud", audience)) if value is not None
        }

    def use_secret(self, secret: str) -> None:
        """The secret from now on."""
        self._secret = secret

    def sign(
        self,
        user: str,
        *,
        now: float,
        ttl_s: float,
        grants: Grants | None = None,
        info: Mapping[str, object] | None = None,
    ) -> str:
        """A token for a user, valid from `now` for `ttl_s` seconds."""
        claims: dict[str, object] = {"sub": user, "iat": int(now), "exp": int(now + ttl_s)}
        river = _river_claim(grants, info)
        if river:
            claims["river"] = river
        return jwt.encode({**claims, **self._parties}, self._secret, algorithm="HS256")


def _river_claim(grants: Grants | None, info: Mapping[str, object] | None) -> dict[str, object]:
    claim: dict[str, object] = {}
    if grants is not None and grants.subscribe is not None:
        claim["subscribe"] = list(grants.subscribe)
    if grants is not None and grants.publish:
        claim["publish"] = list(grants.publish)
    if grants is not None and grants.channels:
        claim["channels"] = list(grants.channels)
    if info is not None:
        claim["info"] = dict(info)
    return claim


def _decode(token: str, key: bytes | jwt.PyJWK, *, algorithm: str) -> dict[str, Any]:
    # Times and parties are checked here, against the given clock, not by the library.
    unchecked = {
        f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
    }
    return jwt.decode(token, key, algorithms=[algorithm], options=cast("Any", unchecked))
