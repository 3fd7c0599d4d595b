"""A token for a user, made for back ends without a JWT library."""

from collections.abc import Sequence

import msgspec

from riverd.api import requests as bodies
from riverd.api.context import Api, Call
from riverd.api.responses import Token
from riverd.auth.claims import GRANTS_MAX, INFO_BYTES_MAX, USER_LENGTH_MAX
from riverd.auth.tokens import TOKEN_LENGTH_MAX
from riverd.channels.grants import Grants
from riverd.errors import ErrorCode, RiverError
from riverd.model.payloads import check_data

GLOB_LENGTH_MAX = 256


async def make_token(api: Api, call: Call) -> Token:
    """A token, for back ends without a JWT library."""
    if api.signer is None:
        raise RiverError(ErrorCode.NOT_FOUND, "this River has no secret to sign tokens with")
    wanted = bodies.decoded(bodies.wanted_token, call.body)
    ttl_s_max = min(bodies.TTL_S_MAX, int(api.token_max_age_s))
    if not 1 <= wanted.ttl_s <= ttl_s_max:
        raise _invalid(f"ttl_s: 1 to {ttl_s_max}")
    _check_info(wanted.info)
    subscribe = None if wanted.subscribe is None else _globs("subscribe", wanted.subscribe)
    now = int(api.clock())
    token = api.signer.sign(
        check_user(wanted.user),
        now=now,
        ttl_s=wanted.ttl_s,
        grants=Grants(
            subscribe, _globs("publish", wanted.publish), _globs("channels", wanted.channels)
        ),
        info=wanted.info,
    )
    # What is signed here must be accepted there.
    if len(token) > TOKEN_LENGTH_MAX:
        raise _invalid(f"the token would be longer than {TOKEN_LENGTH_MAX} characters")
    return Token(token, now + wanted.ttl_s)


def check_user(name: str) -> str:
    """The name itself, if a token can carry it.

    Raises:
        RiverError: invalid_field.
    """
    if not 1 <= len(name) <= USER_LENGTH_MAX:
        raise _invalid(f"user: 1 to {USER_LENGTH_MAX} characters")
    return name


def _globs(field: str, globs: Sequence[str]) -> tuple[str, ...]:
    if len(globs) > GRANTS_MAX or not all(1 <= len(glob) <= GLOB_LENGTH_MAX for glob in globs):
        raise _invalid(f"{field}: up to {GRANTS_MAX} texts of 1 to {GLOB_LENGTH_MAX} characters")
    return tuple(globs)


def _check_info(info: dict[str, object] | None) -> None:
    if info is None:
        return
    text = msgspec.json.encode(info)
    if len(text) > INFO_BYTES_MAX:
        raise _invalid(f"info: larger than {INFO_BYTES_MAX} bytes")
    try:
        check_data(text)
    except RiverError as error:
        raise RiverError(error.error, error.message.replace("data:", "info:", 1)) from None


def _invalid(message: str) -> RiverError:
    return RiverError(ErrorCode.INVALID_FIELD, message)
