"""What the payload of a verified token says (contract, "Tokens")."""

from collections.abc import Mapping
from typing import Any

import msgspec

from riverd.channels.grants import Grants
from riverd.channels.names import check_channel
from riverd.errors import ErrorCode, RiverError, TokenError
from riverd.http.unknown_field import unknown_field
from riverd.model.claims import Claims
from riverd.model.payloads import check_data

USER_LENGTH_MAX = 256
INFO_BYTES_MAX = 4096
GRANTS_MAX = 100
TIME_MAX = 2**53


class _RiverClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subscribe: tuple[str, ...] | None = None
    channels: tuple[str, ...] = ()
    publish: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    info: dict[str, object] | None = None


_NO_CLAIM = _RiverClaim()
_NUMBERS = (int, float)
_KEYS = _RiverClaim.__struct_fields__


def claims_of(
    payload: Mapping[str, Any],
    expires_at: float | None,
    *,
    leeway_s: float = 0,
    issued_at: float | None = None,
) -> Claims:
    """The claims in the payload of a token that was verified, and that expires at that time.

    Raises:
        TokenError: token_invalid, when it has another form.
    """
    user = payload.get("sub")
    if not isinstance(user, str) or not 1 <= len(user) <= USER_LENGTH_MAX:
        raise invalid(f"the token's sub is not a text of 1 to {USER_LENGTH_MAX} characters")
    try:
        user.encode()
        river = msgspec.convert(payload["river"], _RiverClaim) if "river" in payload else _NO_CLAIM
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise invalid(f"the token's river claim: {_guessed(payload, str(error))}") from None
    grants, info = _grants(river), _info(river.info)
    return Claims(user, expires_at, grants, info, leeway_s, issued_at, river.join)


def number(payload: Mapping[str, Any], name: str) -> float | None:
    """A time in a payload (unix seconds), None if it has none.

    Raises:
        TokenError: token_invalid, when it is no number or no time.
    """
    value: float | None = payload.get(name)
    if value is None:
        return None
    # Not `isinstance`: True is an int.
    if type(value) not in _NUMBERS:
        raise invalid(f"the token's {name} is not a number")
    # Python's JSON reads NaN, which is neither past nor future, and numbers that no clock reaches.
    if not abs(value) < TIME_MAX:
        raise invalid(f"the token's {name} is not a time")
    return value


def invalid(message: str) -> TokenError:
    """The refusal of a token that proves nothing, whenever it comes."""
    return TokenError(ErrorCode.TOKEN_INVALID, message)


def _guessed(payload: Mapping[str, Any], reason: str) -> str:
    """The reason; for a key that there is not with the one that was probably meant."""
    if "contains unknown field" not in reason:
        return reason
    unknown = (key for key in payload["river"] if key not in _KEYS)
    return unknown_field(next(unknown), _KEYS, kind="key")


def _grants(river: _RiverClaim) -> Grants:
    lists = (river.subscribe or (), river.publish, river.channels, river.join)
    if max(map(len, lists)) > GRANTS_MAX:
        raise invalid(f"the token's river claim: more than {GRANTS_MAX} in one list")
    channels = river.channels
    if river.join:
        try:
            # Where the server subscribes it, it may subscribe.
            channels = (*channels, *map(check_channel, river.join))
        except RiverError as error:
            raise invalid(f"the token's river.join: {error.message}") from None
    return Grants(river.subscribe, river.publish, channels)


def _info(info: dict[str, object] | None) -> bytes | None:
    if info is None:
        return None
    try:
        text = msgspec.json.encode(info)
    except UnicodeEncodeError:
        raise invalid("the token's river.info has half of a surrogate pair") from None
    if len(text) > INFO_BYTES_MAX:
        raise invalid(f"the token's river.info is larger than {INFO_BYTES_MAX} bytes")
    try:
        return check_data(text)
    except RiverError as error:
        raise invalid(f"the token's river.info: {error.message}") from None
