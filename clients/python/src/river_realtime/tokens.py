"""Signs tokens for clients: HS256, with the standard library (contract, "Tokens")."""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict, Unpack

from river_realtime.encoding import encode
from river_realtime.errors import UsageError
from river_realtime.values import Json

TTL_S = 3600
_HEADER = b'{"alg":"HS256","typ":"JWT"}'
_SECRET_BYTES_MIN = 32
_USER_LENGTH_MAX = 256
_GRANTS_MAX = 100
_INFO_BYTES_MAX = 4_096
_TOKEN_LENGTH_MAX = 16_384
_LISTS = ("channels", "subscribe", "publish")


class Grants(TypedDict, total=False):
    """What a token opens, and what others see of its user.

    `channels` are names, taken literally: for names that hold a user's id. Without `subscribe` they
    limit nothing: all but private channels are open.
    `subscribe` and `publish` are globs, in which `*`, `?` and `[` of such an id would open more.
    `info` is what presence channels show.
    """

    channels: Sequence[str]
    subscribe: Sequence[str] | None
    publish: Sequence[str]
    info: Mapping[str, Json] | None


def sign_token(secret: str, user: str, *, ttl_s: int = TTL_S, **grants: Unpack[Grants]) -> str:
    """A token that says who a client is, for `ttl_s` seconds.

        sign_token(secret, "ada", channels=["private-user-ada"], publish=["typing-*"])

    `channels` are names that the client may subscribe to, taken literally: for names that hold a
    user's id. `subscribe` and `publish` are globs over channel names. **Without `subscribe` the
    client may subscribe to every channel but private ones, also beside `channels`:** give
    `subscribe=[]` for those alone. Without `publish` it may publish to none.
    `info` is what presence channels show of the user.

    Raises:
        UsageError: no server would accept this token.
    """
    check_secret(secret)
    check_grants(user, grants)
    check_ttl(ttl_s)
    info = grants.get("info")
    if info is not None and len(encode(dict(info))) > _INFO_BYTES_MAX:
        raise _invalid(f"info: at most {_INFO_BYTES_MAX} bytes of JSON")
    now = int(time.time())
    claims: dict[str, object] = {"sub": user, "iat": now, "exp": now + ttl_s}
    if granted := claims_of(grants):
        claims["river"] = granted
    signed = b".".join(_text(part) for part in (_HEADER, encode(claims)))
    signature = hmac.digest(secret.encode(), signed, hashlib.sha256)
    token = b".".join((signed, _text(signature))).decode()
    if len(token) > _TOKEN_LENGTH_MAX:
        raise _invalid(f"the token would be longer than {_TOKEN_LENGTH_MAX} characters")
    return token


def check_secret(secret: str) -> None:
    """Raise UsageError if River takes no such secret."""
    is_text = isinstance(secret, str)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not is_text or len(secret.encode()) < _SECRET_BYTES_MIN:
        raise _invalid(f"secret: the first of RIVER_SECRETS, at least {_SECRET_BYTES_MIN} bytes")


def check_ttl(ttl_s: int) -> None:
    """Raise UsageError for a token that is over before it begins."""
    if not isinstance(ttl_s, int | float) or not ttl_s > 0:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _invalid(f"ttl_s: for how many seconds it is good, not {ttl_s!r}")


def check_grants(user: str, grants: Grants) -> None:
    """Look for what no server accepts, and what would grant something else than was meant.

    Raises:
        UsageError: it names the argument.
    """
    if not isinstance(user, str) or not 0 < len(user) <= _USER_LENGTH_MAX:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _invalid(f"user: a text of 1 to {_USER_LENGTH_MAX} characters, not {user!r}")
    if unknown := set(grants) - set(Grants.__annotations__):
        known = ", ".join(Grants.__annotations__)
        raise TypeError(f"{min(unknown)!r} is not a grant; there are {known}")
    # A single text would be taken for a list of its letters.
    if wrong := [name for name in _LISTS if isinstance(grants.get(name), str)]:
        raise _invalid(f"{wrong[0]}: a list of texts, not one text")
    info = grants.get("info")
    if info is not None and not isinstance(info, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _invalid("info: an object, as a dict")


def claims_of(grants: Grants) -> dict[str, object]:
    """The grants as a token has them, without those that grant nothing.

    Raises:
        UsageError: a list has too many entries, or one that is no text.
    """
    claims: dict[str, object] = {}
    if (subscribe := grants.get("subscribe")) is not None:
        # An empty list says that nothing is open, which is less than no list.
        claims["subscribe"] = _texts("subscribe", subscribe)
    if channels := grants.get("channels"):
        claims["channels"] = _texts("channels", channels)
    if publish := grants.get("publish"):
        claims["publish"] = _texts("publish", publish)
    if (info := grants.get("info")) is not None:
        claims["info"] = dict(info)
    return claims


def _texts(name: str, given: Iterable[object]) -> list[object]:
    found = list(given)
    if len(found) > _GRANTS_MAX or not all(isinstance(one, str) for one in found):
        raise _invalid(f"{name}: at most {_GRANTS_MAX} texts in one token")
    return found


def _text(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def _invalid(message: str) -> UsageError:
    return UsageError("option_invalid", message)
