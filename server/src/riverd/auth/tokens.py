"""Signing and verifying of tokens: keys and time are given (contract, "Tokens")."""

import hmac
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from typing import Any, cast

import jwt
import msgspec

from riverd.errors import ErrorCode, TokenError
from riverd.model import Claims, Grants

SECRET_BYTES_MIN = 32
USER_LENGTH_MAX = 256
INFO_BYTES_MAX = 4096
GLOBS_MAX = 100
TOKEN_LENGTH_MAX = 16_384
TIME_MAX = 2**53

_PUBLIC_ALGORITHMS = ("RS256", "ES256")
_HEADS_MAX = 64
_HEAD_LENGTH_MAX = 200
_TO_PLAIN_BASE64 = bytes.maketrans(b"-_", b"+/")
_TO_URL_BASE64 = bytes.maketrans(b"+/", b"-_")


class _RiverClaim(msgspec.Struct, frozen=True):
    subscribe: list[str] | None = None
    publish: list[str] = []
    channels: list[str] = []
    info: dict[str, object] | None = None


_PLAIN = _RiverClaim()


class Verifier:
    """Tells who a token speaks of.

    HS256 is tried with every secret, which `use_secrets` renews. RS256 and ES256 need the identity
    provider's public keys (by key id), which `use_public_keys` gives and renews: a secret never
    verifies those, nor a public key HS256, so that neither can be taken for the other.
    """

    def __init__(
        self, secrets: Sequence[str], *, issuer: str | None = None, audience: str | None = None
    ) -> None:
        self.use_secrets(secrets)
        self._heads: dict[bytes, None] = {}
        self._issuer = issuer
        self._audience = audience
        self._public_keys: Mapping[str, jwt.PyJWK] = {}
        self.misses_key = False
        """A token came whose key is not known: the provider may have a new one."""

    def use_secrets(self, secrets: Sequence[str]) -> None:
        """The secrets from now on. Who came in with another one stays until its token ends."""
        self._keys = tuple(secret.encode() for secret in secrets)
        # To be copied for each token: to begin with the key takes half as long again.
        self._hmacs = tuple(hmac.new(key, digestmod="sha256") for key in self._keys)
        self.misses_secret = False
        """A token came that fits none of the secrets: there may be a new one."""

    def use_public_keys(self, keys: Mapping[str, jwt.PyJWK]) -> None:
        """The identity provider's keys from now on, by key id."""
        self._public_keys = keys
        self.misses_key = False

    def verify(self, token: str, now: float) -> Claims:
        """The claims of a token that is valid at `now` (unix seconds).

        Raises:
            TokenError: token_invalid, token_expired, token_not_yet_valid.
        """
        payload = self._plainly_signed(token) or self._signed_payload(token)
        expires_at = _number(payload, "exp")
        not_before = _number(payload, "nbf")
        if expires_at is not None and expires_at <= now:
            raise TokenError(ErrorCode.TOKEN_EXPIRED, "the token has expired")
        if not_before is not None and not_before > now:
            raise TokenError(ErrorCode.TOKEN_NOT_YET_VALID, "the token is not valid yet")
        self._check_parties(payload)
        return claims_of(payload, expires_at)

    def _plainly_signed(self, token: str) -> dict[str, Any] | None:
        """The payload of a token like most: of a known HS256 head, and signed with a secret.

        None says nothing about a token but that PyJWT has to look at it. That takes twelve times
        as long: it examines the key anew each time, and each character by itself.
        """
        # A text that is no ASCII has no known head, and its signature fits nothing.
        signed, _, signature = token.encode(errors="replace").rpartition(b".")
        head, _, body = signed.partition(b".")
        if head not in self._heads or len(token) > TOKEN_LENGTH_MAX:
            return None
        for begun in self._hmacs:
            code = begun.copy()
            code.update(signed)
            if hmac.compare_digest(_url_base64(code.digest()), signature):
                return _object_in(body)
        return None

    def _signed_payload(self, token: str) -> dict[str, Any]:
        if len(token) > TOKEN_LENGTH_MAX:
            raise _invalid(f"the token is longer than {TOKEN_LENGTH_MAX} characters")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, UnicodeEncodeError, RecursionError):
            raise _invalid("that is not a JSON Web Token") from None
        algorithm = header.get("alg")
        if algorithm == "HS256":
            payload = self._by_secret(token)
            self._remember_head(token.partition(".")[0], header)
            return payload
        if algorithm in _PUBLIC_ALGORITHMS and self._public_keys:
            return self._by_public_key(token, algorithm, key_id=str(header.get("kid", "")))
        raise _invalid(f"the algorithm {str(algorithm)[:16]!r} is not accepted")

    def _by_secret(self, token: str) -> dict[str, Any]:
        for key in self._keys:
            try:
                return _decode(token, key, algorithm="HS256")
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError as error:
                raise _invalid(f"the token cannot be used: {error}") from None
        self.misses_secret = True
        raise _invalid("the token's signature fits none of the secrets")

    def _remember_head(self, head: str, header: Mapping[str, Any]) -> None:
        """Note the head of a token that PyJWT took, if it says nothing but what is usual."""
        is_plain = header.keys() <= {"alg", "typ", "kid"} and len(head) <= _HEAD_LENGTH_MAX
        if is_plain and len(self._heads) < _HEADS_MAX:
            self._heads[head.encode()] = None

    def _by_public_key(self, token: str, algorithm: str, *, key_id: str) -> dict[str, Any]:
        key = self._public_keys.get(key_id)
        self.misses_key = self.misses_key or key is None
        if key is None or key.algorithm_name != algorithm:
            raise _invalid("the token's key is not one of the identity provider's")
        try:
            return _decode(token, key, algorithm=algorithm)
        except jwt.InvalidTokenError as error:
            raise _invalid(f"the token cannot be used: {error}") from None

    def _check_parties(self, payload: Mapping[str, Any]) -> None:
        if self._issuer is not None and payload.get("iss") != self._issuer:
            raise _invalid("the token comes from another issuer")
        if self._audience is not None:
            audience = payload.get("aud")
            audiences = cast("list[object]", audience) if isinstance(audience, list) else [audience]
            if self._audience not in audiences:
                raise _invalid("the token is for another audience")


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


def _url_base64(raw: bytes) -> bytes:
    return b2a_base64(raw, newline=False).rstrip(b"=").translate(_TO_URL_BASE64)


def _object_in(body: bytes) -> dict[str, Any] | None:
    """The JSON object in a segment; None if there is none, or not encoded in the one right way."""
    try:
        raw = a2b_base64(body.translate(_TO_PLAIN_BASE64) + b"=" * (-len(body) % 4))
        value: object = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or _url_base64(raw) != body:
        return None
    return cast("dict[str, Any]", value)


def claims_of(payload: Mapping[str, Any], expires_at: float | None) -> Claims:
    """What the payload of a token says, which somebody has verified.

    Raises:
        TokenError: token_invalid, when it says it in another form.
    """
    user = payload.get("sub")
    if not isinstance(user, str) or not 1 <= len(user) <= USER_LENGTH_MAX:
        raise _invalid(f"the token's sub is not a text of 1 to {USER_LENGTH_MAX} characters")
    try:
        user.encode()
        river = msgspec.convert(payload["river"], _RiverClaim) if "river" in payload else _PLAIN
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise _invalid(f"the token's river claim: {error}") from None
    subscribe = None if river.subscribe is None else tuple(river.subscribe)
    lists = (river.subscribe or (), river.publish, river.channels)
    if any(len(texts) > GLOBS_MAX for texts in lists):
        raise _invalid(f"the token's river claim: more than {GLOBS_MAX} globs or channels")
    grants = Grants(subscribe, tuple(river.publish), tuple(river.channels))
    return Claims(user, expires_at, grants, _info(river.info))


def _info(info: dict[str, object] | None) -> bytes | None:
    if info is None:
        return None
    try:
        text = msgspec.json.encode(info)
    except UnicodeEncodeError:
        raise _invalid("the token's river.info has half of a surrogate pair") from None
    if len(text) > INFO_BYTES_MAX:
        raise _invalid(f"the token's river.info is larger than {INFO_BYTES_MAX} bytes")
    return text


def _number(payload: Mapping[str, Any], name: str) -> float | None:
    value = payload.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid(f"the token's {name} is not a number")
    # Python's JSON reads NaN, which is neither past nor future, and numbers that no clock reaches.
    if not abs(value) < TIME_MAX:
        raise _invalid(f"the token's {name} is not a time")
    return value


def _invalid(message: str) -> TokenError:
    return TokenError(ErrorCode.TOKEN_INVALID, message)
