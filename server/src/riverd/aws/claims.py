"""Who a client is, by API Gateway's word that it has verified a token (its JWT authorizer)."""

import base64
import binascii
from collections.abc import Mapping

import msgspec

from riverd.auth.bearer import bearer
from riverd.auth.claims import claims_of, number
from riverd.auth.tokens import TOKEN_LENGTH_MAX
from riverd.aws.event import GatewayEvent
from riverd.errors import ErrorCode, RiverError
from riverd.model.claims import Claims

_PARTS = 3
_COMPARED = ("sub", "iss", "exp", "iat", "jti")
_payload = msgspec.json.Decoder(dict[str, object])


def claims_in(event: GatewayEvent) -> Claims:
    """The claims of the token that came with a request.

    API Gateway makes a text of each claim, and of an object one that cannot be read back for
    certain. So `river` is taken from the token itself, which is known to be the one that was
    verified: it came in the header that the authorizer looks at, and says the same.

    Raises:
        RiverError: unauthenticated, without a verified token; token_invalid.
    """
    authorizer = event.request_context.authorizer
    if authorizer is None or authorizer.jwt is None:
        raise RiverError(ErrorCode.UNAUTHENTICATED, "send a token of the identity provider")
    verified = authorizer.jwt.claims
    river = verified.get("river")
    if river is not None and not isinstance(river, dict):
        verified = {**verified, "river": _same(event, verified).get("river")}
    return claims_of(verified, None, issued_at=_issued_at(verified))


def _same(event: GatewayEvent, verified: Mapping[str, object]) -> Mapping[str, object]:
    """The payload of the token that was verified."""
    sent = {name.lower(): value for name, value in event.headers.items()}.get("authorization", "")
    # The authorizer takes the token with and without the scheme.
    payload = _read(bearer(sent) or sent.strip())
    if any(_text(payload.get(name)) != _text(verified.get(name)) for name in _COMPARED):
        raise RiverError(ErrorCode.TOKEN_INVALID, "the token is not the one that was verified")
    return payload


def _read(token: str) -> Mapping[str, object]:
    parts = token.split(".")
    if len(token) > TOKEN_LENGTH_MAX or len(parts) != _PARTS:
        raise RiverError(ErrorCode.TOKEN_INVALID, "send the token in the header authorization")
    try:
        padding = "=" * (-len(parts[1]) % 4)
        return _payload.decode(base64.urlsafe_b64decode(parts[1] + padding))
    except (binascii.Error, ValueError, RecursionError):
        raise RiverError(ErrorCode.TOKEN_INVALID, "the token cannot be read") from None


def _issued_at(verified: Mapping[str, object]) -> float | None:
    """When the token was made, if it says so: by API Gateway's word, in a text."""
    said = verified.get("iat")
    if said is None:
        return None
    try:
        return number({"iat": float(_text(said))}, "iat")
    except ValueError:
        raise RiverError(ErrorCode.TOKEN_INVALID, "the token's iat is not a number") from None


def _text(value: object) -> str:
    """A claim as API Gateway writes it: numbers as text."""
    return str(value)
