"""From a request to publish to the messages that the broker is given."""

from msgspec import UNSET

from riverd.api.bodies import CHANNELS_MAX, KEY_LENGTH_MAX, Publish
from riverd.channels import check_channel, check_event
from riverd.errors import ErrorCode, RiverError
from riverd.model import Message


def messages_of(wanted: Publish, message_bytes_max: int) -> list[Message]:
    """One message for every channel, in their order.

    Raises:
        RiverError: channel_invalid, event_invalid, invalid_field, too_large. Nothing is to be
            published then.
    """
    event = _event(wanted)
    key = _key(wanted.id)
    data = b"null" if wanted.data is UNSET else bytes(wanted.data)
    if len(data) > message_bytes_max:
        raise RiverError(
            ErrorCode.TOO_LARGE, f"data has {len(data)} bytes, {message_bytes_max} are allowed"
        )
    return [Message(check_channel(name), event, data, key) for name in _channels(wanted)]


def _channels(wanted: Publish) -> list[str]:
    if wanted.channels is None:
        if wanted.channel is None:
            raise RiverError(ErrorCode.INVALID_FIELD, "channel is missing")
        return [wanted.channel]
    if wanted.channel is not None:
        raise RiverError(ErrorCode.INVALID_FIELD, "channel and channels exclude each other")
    if not 1 <= len(wanted.channels) <= CHANNELS_MAX:
        raise RiverError(ErrorCode.INVALID_FIELD, f"channels: 1 to {CHANNELS_MAX} names")
    return wanted.channels


def _event(wanted: Publish) -> str:
    if wanted.event_name is None:
        if wanted.event is None:
            raise RiverError(ErrorCode.INVALID_FIELD, "event is missing")
        return check_event(wanted.event)
    if wanted.event is not None:
        raise RiverError(ErrorCode.INVALID_FIELD, "event and eventName exclude each other")
    return check_event(wanted.event_name)


def _key(key: str | None) -> str | None:
    if key is not None and not 1 <= len(key) <= KEY_LENGTH_MAX:
        raise RiverError(ErrorCode.INVALID_FIELD, f"id: 1 to {KEY_LENGTH_MAX} characters")
    return key
