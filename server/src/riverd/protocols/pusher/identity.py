"""What a back end signed about its user: `channel_data` and `user_data`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from riverd.auth.claims import INFO_BYTES_MAX
from riverd.errors import ErrorCode, RiverError
from riverd.model.log import Member
from riverd.model.payloads import check_data
from riverd.protocols.pusher.names import USER_LENGTH_MAX

_INTEGER_MAX = 2**63 - 1

_UserId = Annotated[str, Meta(min_length=1, max_length=USER_LENGTH_MAX)]
_Number = Annotated[int, Meta(gt=-_INTEGER_MAX, lt=_INTEGER_MAX)]
_NOTHING = msgspec.Raw(b"null")


class _ChannelData(msgspec.Struct):
    user_id: _UserId | _Number
    user_info: msgspec.Raw = _NOTHING


class SignedUser(msgspec.Struct):
    """A user that has signed in."""

    id: _UserId
    user_info: msgspec.Raw = _NOTHING
    watchlist: tuple[_UserId | _Number, ...] | None = None


_channel_data = msgspec.json.Decoder(_ChannelData).decode
_user_data = msgspec.json.Decoder(SignedUser).decode


def member_of(channel_data: str) -> Member:
    """Who a subscriber of a presence channel is.

    Raises:
        RiverError: invalid_field, too_deep.
    """
    try:
        found = _channel_data(channel_data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RiverError(ErrorCode.INVALID_FIELD, f"channel_data: {_shown(error)}") from None
    return Member(str(found.user_id), info_of(found.user_info))


def signed_user(user_data: str) -> SignedUser:
    """Who has signed in.

    Raises:
        RiverError: invalid_field.
    """
    try:
        return _user_data(user_data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RiverError(ErrorCode.INVALID_FIELD, f"user_data: {_shown(error)}") from None


def info_of(raw: msgspec.Raw) -> bytes | None:
    """What others are shown of a user.

    Raises:
        RiverError: invalid_field, too_deep: it is larger than it may be.
    """
    info = bytes(raw)
    if len(info) > INFO_BYTES_MAX:
        raise RiverError(ErrorCode.INVALID_FIELD, f"user_info: more than {INFO_BYTES_MAX} bytes")
    return None if info == b"null" else check_data(info)


def _shown(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
